package org.finetune4j.train;

import java.nio.file.Path;

/** The model that training starts from. */
public sealed interface BaseModel {
    /** A folder in the Hugging Face layout. */
    Path folder();

    /** Weights and tokenizer of a folder: config.json, tokenizer.json, *.safetensors. */
    record Pretrained(Path folder) implements BaseModel {
    }

    /**
     * Random weights, for training from scratch.
     *
     * @param folder holds config.json and tokenizer.json; weights in it are not read
     * @param seed   decides the weights
     */
    record Fresh(Path folder, long seed) implements BaseModel {
    }
}
