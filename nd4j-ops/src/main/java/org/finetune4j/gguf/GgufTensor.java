package org.finetune4j.gguf;

import org.finetune4j.checkpoint.PendingTensor;

/**
 * A tensor of a GGUF file.
 *
 * @param values its name there, shape (the fastest axis last, as everywhere but in the file) and values in FLOAT
 * @param type   how it is stored
 */
record GgufTensor(PendingTensor values, GgufType type) {
    long bytes() {
        return type.bytes(values.elements());
    }
}
