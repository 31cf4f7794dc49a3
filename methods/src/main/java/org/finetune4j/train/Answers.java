package org.finetune4j.train;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.generation.Depth;
import org.finetune4j.generation.GeneratedTokens;
import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.generation.GenerationRequest;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.Generator;
import org.finetune4j.generation.TokenListener;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.evaluate.Sampling;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.tokenizer.Tokenizer;

/** Answers prompts, a batch at a time; the same prompt is answered once. */
final class Answers {
    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final TextEncoding encoding;
    private final int maxNewTokens;
    private final String stage;
    private final TrainingListener listener;
    private final Depth depth;
    private final Map<Sampling, Map<Sample, List<String>>> known = new HashMap<>();

    /**
     * Answers by a model.
     *
     * @param stage what is told of it, such as {@code generate answers with the base model}
     * @param depth how much of the model answers
     */
    Answers(LanguageModel model, Tokenizer tokenizer, TextEncoding encoding, int maxNewTokens, String stage,
            TrainingListener listener, Depth depth) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.encoding = encoding;
        this.maxNewTokens = maxNewTokens;
        this.stage = stage;
        this.listener = listener;
        this.depth = depth;
    }

    /** The answers to the prompt of each sample, in order. */
    List<List<String>> of(List<Sample> samples, Sampling drawn) {
        Sampling sampling = drawn.samples() == 1 && drawn.temperature() == 0 ? Sampling.GREEDY : drawn;
        Map<Sample, List<String>> answered = known.computeIfAbsent(sampling, unseen -> new HashMap<>());
        Collection<Sample> open = new LinkedHashSet<>(samples);
        open.removeAll(answered.keySet());
        if (!open.isEmpty()) {
            List<Sample> asked = List.copyOf(open);
            List<List<String>> texts = generate(asked, sampling);
            for (int i = 0; i < asked.size(); i++) {
                answered.put(asked.get(i), texts.get(i));
            }
        }
        return samples.stream().map(answered::get).toList();
    }

    private List<List<String>> generate(List<Sample> samples, Sampling sampling) {
        listener.stageBegan(stage);
        GenerationSettings settings = GenerationSettings.greedy(maxNewTokens, encoding.stopIds()).toBuilder()
                .samples(sampling.samples()).temperature(sampling.temperature()).topP(sampling.topP()).build();
        List<GenerationRequest> requests = new ArrayList<>();
        for (Sample sample : samples) {
            // What is drawn depends on the sample and not on its place, so that the order of samples changes nothing.
            long seed = CounterRandom.seed(sampling.seed(), "answer " + sample.id(), 0);
            requests.add(new GenerationRequest(encoding.prompt(sample.id(), sample.promptConversation()),
                    settings.toBuilder().seed(seed).build(), 0));
        }
        int[] answered = {0};
        long total = (long) samples.size() * sampling.samples();
        try (Generator generator = new Generator(model, true, tokenizer.tokensWithin(model.config().vocabularySize()),
                GenerationLimits.DEFAULT, depth)) {
            return generator.generate(requests, new TokenListener() {
                @Override
                public void onEnd(GeneratedTokens text) {
                    listener.stageProgressed(stage, ++answered[0], total);
                }
            }).stream().map(texts -> texts.stream().map(text -> tokenizer.decode(text.tokens(), true)).toList()).toList();
        }
    }
}
