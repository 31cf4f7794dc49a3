package org.finetune4j.methods.objective;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.data.Encoder;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.select.ResponseScorer;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * What an objective may use to complete samples before the training.
 *
 * @param samples   the samples to train on
 * @param examples  what they are encoded to, in the same order; a sample that was cut into pieces has several
 * @param encoder   encodes further samples in the same way, such as companions
 * @param tokenizer the model's
 * @param scorer    log-probabilities under the model as it is before the training
 * @param seed      what is drawn depends on
 * @param folder    where results may be kept for a run that is continued, or null for nowhere
 */
public record ExamplePreparation(List<Sample> samples, List<Example> examples, Encoder encoder, Tokenizer tokenizer,
                                 ResponseScorer scorer, long seed, @Nullable Path folder) {
    /** Keeps immutable copies. */
    public ExamplePreparation {
        samples = List.copyOf(samples);
        examples = List.copyOf(examples);
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
