package org.finetune4j.kernel;

/**
 * What becomes of a query-key product before the softmax, and which keys a query sees.
 *
 * <p>The score of a query and a key is {@code s = scale * q . k}, or {@code softcap * tanh(s / softcap)} where there is a
 * softcap (Gemma 2, arXiv 2408.00118). A query at place {@code p} of its sequence sees the keys of places {@code 0..p}
 * where attention is causal, of {@code p - window + 1 .. p} where there is a window too (Mistral, arXiv 2310.06825, in
 * the convention of Hugging Face's {@code sliding_window}, which counts the query's own place), and of the whole sequence
 * where it is not causal (BERT, arXiv 1810.04805).
 *
 * @param scale   the factor on query-key products, positive; {@code 1 / sqrt(headDimension)} in most families
 * @param softcap what scores stay below in magnitude, positive; 0 for none
 * @param window  how many keys a query sees at most, its own included; 0 for all
 * @param causal  whether a query sees no later keys; a window wants that
 */
public record AttentionScores(double scale, double softcap, int window, boolean causal) {
    /** Refuses numbers outside their ranges, and a window that is not causal. */
    public AttentionScores {
        if (!(scale > 0) || Double.isInfinite(scale) || !(softcap >= 0) || Double.isInfinite(softcap) || window < 0) {
            throw new IllegalArgumentException("attention scores with scale " + scale + ", softcap " + softcap
                    + " and window " + window + ": the scale must be positive, softcap and window at least 0, where 0 is none");
        }
        if (!causal && window > 0) {
            throw new IllegalArgumentException("attention with a window of " + window
                    + " keys that is not causal: a window ends at the query's own place; set window to 0 or causal to true");
        }
    }

    /** Causal attention over all earlier keys with the scale {@code 1 / sqrt(headDimension)}. */
    public static AttentionScores of(int headDimension) {
        return new AttentionScores(1 / Math.sqrt(headDimension), 0, 0, true);
    }

    /** The place of the first key that a query sees. */
    public int firstKey(int place) {
        return window == 0 ? 0 : Math.max(0, place - window + 1);
    }

    /** The place after the last key that a query sees, in a sequence of so many keys. */
    public int endKey(int place, int keys) {
        return causal ? place + 1 : keys;
    }

    /** Pairs of a query and a key that it sees, for {@code queries} new tokens of a sequence after {@code past} earlier ones. */
    double pairs(double queries, double past) {
        if (!causal) {
            return queries * (past + queries);
        }
        // So many queries see all keys up to their own, the others a whole window.
        double all = window == 0 ? queries : Math.min(queries, Math.max(0, window - past));
        return all * (all + 1) / 2 + all * past + (queries - all) * window;
    }
}
