package org.finetune4j.methods.generate;

import java.nio.file.Path;

/** The models that a source of text may use. */
public interface SourceContext {
    /**
     * The model that is about to be trained, as it is before training; it stays its owner's.
     *
     * @throws org.finetune4j.FinetuneException when nothing is about to be trained
     */
    TextModel policy();

    /**
     * Loads a model, which whoever asks for it closes.
     *
     * @param folder in the Hugging Face layout
     * @throws org.finetune4j.FinetuneException when a file is missing, damaged or of an unknown model
     */
    TextModel load(Path folder);
}
