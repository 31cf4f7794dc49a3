package org.finetune4j.head;

import org.finetune4j.op.MatMul;
import org.finetune4j.op.SoftCap;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * What a family does to its logits: {@code z = factor * hidden weight^T}, and with a cap {@code cap * tanh(z / cap)}.
 *
 * @param factor what logits are multiplied by before they are capped, finite and not 0; 1 for most families
 * @param cap    above 0 and finite, or null for none; 30 for Gemma 2 (arXiv 2408.00118)
 */
public record LogitScaling(double factor, @Nullable Double cap) {
    /** Leaves logits as they are. */
    public static final LogitScaling NONE = new LogitScaling(1, null);

    /** Refuses what would lose logits. */
    public LogitScaling {
        if (factor == 0 || !Double.isFinite(factor) || cap != null && !(cap > 0 && Double.isFinite(cap))) {
            throw new IllegalArgumentException("logits times " + factor + " with a cap of " + cap
                    + "; the factor must be finite and not 0, the cap above 0 and finite, or null for none");
        }
    }

    /** Logits {@code [tokens, vocabulary]} of hidden states, for generation, which forms them for few tokens. */
    public SDVariable logits(SDVariable hidden, SDVariable weight, DataType type) {
        SDVariable scaled = MatMul.of(hidden, false, weight, true, factor, type, null);
        return cap == null ? scaled : SoftCap.of(scaled, cap);
    }
}
