package org.finetune4j.model.family;

import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A block of the trunk: attention and feed-forward beside a residual stream, with norms before and behind them.
 *
 * @param order             how they follow each other
 * @param beforeAttention   norm of attention's input, or null
 * @param attention         the attention
 * @param afterAttention    norm behind attention, or null
 * @param beforeFeedForward norm of the feed-forward's input, or null
 * @param feedForward       the feed-forward
 * @param afterFeedForward  norm behind the feed-forward, or null
 */
public record Block(Order order, @Nullable Norm beforeAttention, SelfAttention attention, @Nullable Norm afterAttention,
                    @Nullable Norm beforeFeedForward, FeedForward feedForward, @Nullable Norm afterFeedForward) {
    /** How attention and feed-forward follow each other. */
    public enum Order {
        /** {@code x += after(attention(before(x)))}, then {@code x += after(feedForward(before(x)))}. */
        SEQUENTIAL,
        /** {@code x += attention(before(x)) + feedForward(before(x))}. */
        PARALLEL,
        /** {@code x = after(x + attention(x))}, then {@code x = after(x + feedForward(x))}. */
        NORM_OF_SUM
    }

    /** A sequential block with norms of both inputs. */
    public static Block sequential(Norm beforeAttention, SelfAttention attention, Norm beforeFeedForward,
                                   FeedForward feedForward) {
        return new Block(Order.SEQUENTIAL, beforeAttention, attention, null, beforeFeedForward, feedForward, null);
    }

    void weights(Consumer<Weight> into) {
        norm(beforeAttention, into);
        attention.weights(into);
        norm(afterAttention, into);
        norm(beforeFeedForward, into);
        feedForward.weights(into);
        norm(afterFeedForward, into);
    }

    private static void norm(@Nullable Norm norm, Consumer<Weight> into) {
        if (norm != null) {
            norm.weights(into);
        }
    }
}
