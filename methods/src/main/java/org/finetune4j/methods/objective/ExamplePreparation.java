package org.finetune4j.methods.objective;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.data.Encoder;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.select.SelectionContext;
import org.finetune4j.tokenizer.Tokenizer;

/**
 * What an objective may use to complete samples before the training.
 *
 * @param samples   the samples to train on
 * @param examples  what they are encoded to, in the same order; a sample that was cut into pieces has several
 * @param encoder   encodes further samples in the same way, such as companions
 * @param tokenizer the model's
 * @param stopIds   the tokens that end a turn
 * @param context   scores and answers of the model as it is before the training, and of others
 * @param epochs    passes over the samples that the training makes, at least 1
 * @param seed      what is drawn depends on
 */
public record ExamplePreparation(List<Sample> samples, List<Example> examples, Encoder encoder, Tokenizer tokenizer,
                                 Set<Integer> stopIds, SelectionContext context, int epochs, long seed) {
    /** Keeps immutable copies. */
    public ExamplePreparation {
        samples = List.copyOf(samples);
        examples = List.copyOf(examples);
        stopIds = Set.copyOf(stopIds);
    }

    /**
     * Completed samples.
     *
     * @param examples what to train on
     * @param report   what to tell the user, by name and in order
     */
    public record Prepared(List<Example> examples, Map<String, String> report) {
        /** Keeps immutable copies. */
        public Prepared {
            examples = List.copyOf(examples);
            report = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(report));
        }
    }
}
