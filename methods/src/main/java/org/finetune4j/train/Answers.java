package org.finetune4j.train;

import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.Generator;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.tokenizer.Tokenizer;

/** Answers prompts greedily, a batch at a time. */
final class Answers {
    private static final int BATCH = 32;

    private Answers() {
    }

    /** The answer to the prompt of each sample, in order. */
    static List<String> of(LanguageModel model, Tokenizer tokenizer, TextEncoding encoding, List<Sample> samples,
                           int maxNewTokens, String stage, TrainingListener listener) {
        listener.stageBegan(stage);
        List<int[]> prompts = samples.stream().map(sample -> encoding.prompt(sample.id(), sample.prompt())).toList();
        // Prompts of like length share a batch, so that little of the cache is left empty.
        List<Integer> order = IntStream.range(0, prompts.size()).boxed()
                .sorted(Comparator.comparingInt(i -> prompts.get(i).length)).toList();
        GenerationSettings settings = GenerationSettings.greedy(maxNewTokens, encoding.stopIds());
        String[] answers = new String[samples.size()];
        try (Generator generator = new Generator(model)) {
            for (int from = 0; from < order.size(); from += BATCH) {
                List<Integer> batch = order.subList(from, Math.min(from + BATCH, order.size()));
                List<int[]> tokens = generator.generate(batch.stream().map(prompts::get).toList(), settings);
                for (int i = 0; i < batch.size(); i++) {
                    answers[batch.get(i)] = tokenizer.decode(tokens.get(i), true);
                }
                listener.stageProgressed(stage, from + batch.size(), order.size());
            }
        }
        return List.of(answers);
    }
}
