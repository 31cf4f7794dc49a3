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
 * @param train    how is trained, with the seed that what is drawn depends on
 * @param listener hears warnings
 */
public record BatchContext(LanguageModel model, EngineOptions options, List<Example> examples, TrainSettings train,
                           TrainingListener listener) {
    /** Keeps an immutable copy. */
    public BatchContext {
        examples = List.copyOf(examples);
    }
}
