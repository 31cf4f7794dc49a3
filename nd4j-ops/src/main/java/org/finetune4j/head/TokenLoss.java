package org.finetune4j.head;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/** A loss of single supervised tokens, given as a graph expression over the logits of a chunk of them. */
public interface TokenLoss {
    /** Whether {@link TokenView#referenceLogits()} will be asked for; only then is the reference model evaluated. */
    default boolean needsReference() {
        return false;
    }

    /** Builds the expression, once per graph. */
    Expression build(TokenView view);

    /** Names of the {@link TokenView#column columns} that every batch must bring. */
    default List<String> columns() {
        return List.of();
    }

    /** Whether {@link TokenView#drawnTokens} will be asked for, for which batches bring keys. */
    default boolean drawsTokens() {
        return false;
    }

    /**
     * A loss of whole samples over the token losses, or null where their weighted sum is what is minimised. It costs the
     * head's product once more, and nothing of the trunk.
     */
    default @Nullable SequenceLoss sequenceLoss() {
        return null;
    }

    /** How the reference follows the policy, or null where it stays as it is at the start. */
    default @Nullable Lag lag() {
        return null;
    }

    /** What the reference reads in the place of the batch's own tokens, or null where it reads these. */
    default @Nullable MaskedInput maskedInput() {
        return null;
    }

    /**
     * How much of each token's embedding is that of the batch's draft of it, in [0, 1], unless the batch says otherwise; 0
     * where batches have no drafts. With drafts no gradient flows into the embeddings.
     */
    default double draftShare() {
        return 0;
    }

    /**
     * Numbers of blocks behind each of which the model's final norm and head stand, ascending and with the last block;
     * what is minimised is the mean of the losses there. Empty for the last block alone.
     */
    default List<Integer> exits() {
        return List.of();
    }

    /** {@link #exits()} of a model of so many blocks, for losses whose exits depend on it. */
    default List<Integer> exits(int layers) {
        return exits();
    }

    /** Whether the losses at the exits are added up, where their mean is minimised by default. */
    default boolean addsExits() {
        return false;
    }

    /**
     * The name of the logged value whose sum over the whole optimiser step divides the sum of the losses, in the place of
     * the number of tokens; null for the batch's own weights. Of a loss of samples that is {@link SampleLosses#DIVISOR}.
     */
    default @Nullable String divisor() {
        return null;
    }

    /**
     * A reference that follows the policy: before step n, wherever n is a positive multiple of {@code every}, its
     * weights become {@code (1 - mix) reference + mix policy}.
     *
     * @param mix   the policy's share, in [0, 1]
     * @param every steps between two updates, at least 1
     */
    record Lag(double mix, int every) {
    }

    /**
     * The tokens of a batch of which some are masked, each but the first of a sequence alone, anew in every training pass and
     * always alike where nothing is trained.
     *
     * @param share probability of each, in [0, 1]
     * @param token the id that stands for masked ones, or -1 while it is not known, in which case nothing can be computed
     */
    record MaskedInput(double share, int token) {
    }

    /**
     * The expression of a token loss.
     *
     * @param loss   {@code [chunk]}, what is minimised, before the tokens' weights
     * @param logged further {@code [chunk]} values to report by name, such as {@code kl}; no gradient is taken of them
     */
    record Expression(SDVariable loss, Map<String, SDVariable> logged) {
        /** Keeps an immutable copy, in the order given. */
        public Expression {
            logged = Collections.unmodifiableMap(new LinkedHashMap<>(logged));
        }

        /** An expression that reports nothing beside its loss. */
        public static Expression of(SDVariable loss) {
            return new Expression(loss, Map.of());
        }
    }
}
