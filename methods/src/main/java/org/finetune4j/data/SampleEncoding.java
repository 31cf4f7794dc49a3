package org.finetune4j.data;

/**
 * Turns a sample into tokens and marks those that are to be learned; a tokenizer with its chat template does. It is used
 * by several threads at once.
 */
@FunctionalInterface
public interface SampleEncoding {
    /**
     * The sample's tokens, however many.
     *
     * @throws org.finetune4j.FinetuneException when the sample has no response, or the template cannot render it
     */
    Example encode(Sample sample);
}
