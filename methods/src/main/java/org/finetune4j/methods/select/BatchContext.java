package org.finetune4j.methods.select;

import java.util.List;
import org.finetune4j.data.Example;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.train.TrainSettings;
import org.finetune4j.train.TrainingListener;

/**
 * What a method that works on batches may use.
 *
 * @param model    the policy, whose weights change from step to step
 * @param options  how its passes are computed
 * @param examples everything that is trained on
 * @param longest  tokens of the longest sample that may come, which {@code examples} need not hold where every pass chooses anew
 * @param train    how is trained, with the seed that what is drawn depends on
 * @param listener hears warnings
 */
public record BatchContext(LanguageModel model, EngineOptions options, List<Example> examples, int longest, TrainSettings train,
                           TrainingListener listener) {
    /** A context of samples that stay the same in every pass. */
    public BatchContext(LanguageModel model, EngineOptions options, List<Example> examples, TrainSettings train,
                        TrainingListener listener) {
        this(model, options, examples, BatchComposition.longest(examples), train, listener);
    }

    /** Keeps an immutable copy. */
    public BatchContext {
        examples = List.copyOf(examples);
    }
}
