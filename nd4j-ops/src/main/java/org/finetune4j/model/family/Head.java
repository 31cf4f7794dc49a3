package org.finetune4j.model.family;

/**
 * What turns hidden states to logits.
 *
 * @param weight  name of its tensor {@code [vocabulary, width]}; the embedding's where it is tied
 * @param own     name of the tensor that it has where it is not tied, and that a tied checkpoint may repeat
 * @param softcap logits become {@code softcap * tanh(logits / softcap)}; 0 leaves them
 */
public record Head(String weight, String own, double softcap) {
    /** A head without softcap: the embedding's table, or one of its own. */
    public static Head of(boolean tied, Embeddings embeddings, String module) {
        String own = module + ".weight";
        return new Head(tied ? embeddings.tokens().weight() : own, own, 0);
    }

    /** This head with capped logits; 0 leaves them. */
    public Head cappedAt(double cap) {
        return new Head(weight, own, cap);
    }

    /** Whether it is the embedding's table. */
    public boolean tied() {
        return !weight.equals(own);
    }
}
