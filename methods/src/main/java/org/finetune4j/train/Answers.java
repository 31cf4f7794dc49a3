package org.finetune4j.train;

import java.util.List;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.Generator;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.tokenizer.Tokenizer;

/** Answers prompts greedily, a batch at a time. */
final class Answers {
    private Answers() {
    }

    /** The answer to the prompt of each sample, in order. */
    static List<String> of(LanguageModel model, Tokenizer tokenizer, TextEncoding encoding, List<Sample> samples,
                           int maxNewTokens, String stage, TrainingListener listener) {
        listener.stageBegan(stage);
        List<int[]> prompts = samples.stream().map(sample -> encoding.prompt(sample.id(),
                sample.promptConversation())).toList();
        GenerationSettings settings = GenerationSettings.greedy(maxNewTokens, encoding.stopIds());
        int vocabulary = tokenizer.tokensWithin(model.config().vocabularySize());
        try (Generator generator = new Generator(model, true, vocabulary)) {
            return generator.generate(prompts, settings, done -> listener.stageProgressed(stage, done, prompts.size()))
                    .stream().map(tokens -> tokenizer.decode(tokens, true)).toList();
        }
    }
}
