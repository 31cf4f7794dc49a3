package org.finetune4j.model.family;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What a model computes, and with which tensors.
 *
 * @param embeddings   what tokens become
 * @param blocks       the blocks, each with the sizes and names of its own
 * @param finalNorm    norm of the last hidden states, or null
 * @param head         what makes logits; null for an encoder
 * @param maxPositions longest text in tokens
 */
public record Architecture(Embeddings embeddings, List<Block> blocks, @Nullable Norm finalNorm, @Nullable Head head,
                           int maxPositions) {
    /** Copies the list. */
    public Architecture {
        blocks = List.copyOf(blocks);
    }

    /** So many blocks, each made from its number. */
    public static List<Block> blocks(int count, IntFunction<Block> block) {
        return IntStream.range(0, count).mapToObj(block).toList();
    }

    /**
     * The model that ends behind its first blocks, with its own final norm and head there.
     *
     * @param count in [1, number of blocks]
     */
    public Architecture cut(int count) {
        return new Architecture(embeddings, blocks.subList(0, count), finalNorm, head, maxPositions);
    }

    /** The scalings of rotary positions whose frequencies depend on the length of a text. */
    public List<RotaryScaling> scalingsByLength() {
        List<RotaryScaling> scalings = new ArrayList<>();
        for (Block block : blocks) {
            Rotary rotary = block.attention().rotary();
            if (rotary != null && rotary.scaling().byLength() && !scalings.contains(rotary.scaling())) {
                scalings.add(rotary.scaling());
            }
        }
        return scalings;
    }

    /** All tensors in the order of the model; a tied head is left out. */
    public List<Weight> weights() {
        List<Weight> weights = new ArrayList<>();
        embeddings.weights(weights::add);
        blocks.forEach(block -> block.weights(weights::add));
        if (finalNorm != null) {
            finalNorm.weights(weights::add);
        }
        if (head != null && !head.tied()) {
            weights.add(new Weight(head.weight(), new long[] {embeddings.tokens().rows(), embeddings.tokens().width()},
                    Weight.Role.TABLE));
        }
        return weights;
    }
}
