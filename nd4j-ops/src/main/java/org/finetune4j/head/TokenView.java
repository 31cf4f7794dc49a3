package org.finetune4j.head;

import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * What a token loss sees: one chunk of supervised tokens. Every variable belongs to {@link #graph()}, so that any ND4J
 * operation with a tested gradient may be applied to it. Values are FLOAT (DOUBLE in gradient checks).
 */
public interface TokenView {
    /** The graph of the loss; constants and stock operations are made through it. */
    SameDiff graph();

    /** The policy's logits {@code [chunk, vocabulary]} that predict {@link #labels()}. */
    SDVariable logits();

    /** The supervised token ids {@code [chunk]}, INT32. */
    SDVariable labels();

    /** The place of each label in its own sequence, 0 for the first token: {@code [chunk]}, INT32. */
    SDVariable positions();

    /** The number of the sample of the batch to which each label belongs, from 0: {@code [chunk]}, INT32. */
    SDVariable samples();

    /** Log-probability of each label under the policy, {@code [chunk]}; built once however often it is asked for. */
    SDVariable logProbability();

    /** {@code log sum exp} of each row of logits, {@code [chunk]}; built once. */
    SDVariable logSumExp();

    /**
     * The reference model's logits {@code [chunk, vocabulary]} for the same inputs; no gradient flows into them.
     *
     * @throws IllegalStateException when {@link TokenLoss#needsReference()} is false
     */
    SDVariable referenceLogits();

    /** {@code KL(softmax(from) || softmax(to))} of each row, {@code [chunk]}. */
    SDVariable klDivergence(SDVariable from, SDVariable to);

    /** Log-probability of each label under other logits {@code [chunk, vocabulary]}, {@code [chunk]}. */
    SDVariable logProbability(SDVariable logits);

    /** The entry of each row of {@code x}, {@code [chunk, vocabulary]}, at its label: {@code [chunk]}, without gradient. */
    SDVariable atLabel(SDVariable x);

    /** The number of the largest entry of each row, {@code [chunk]}, the first of equal ones; without gradient. */
    SDVariable largest(SDVariable x);

    /** Entropy in nats of the distribution of each row of logits, {@code [chunk]}. */
    SDVariable entropy(SDVariable logits);

    /**
     * A number that the batch brings for each supervised token, {@code [chunk]}.
     *
     * @throws IllegalStateException when {@link TokenLoss#columns()} does not name it
     */
    SDVariable column(String name);

    /**
     * How often each token is among {@code count} independent draws, with replacement, from
     * {@code softmax(logits / temperature)}: {@code [chunk, vocabulary]}. No gradient flows through the draw.
     *
     * @throws IllegalStateException when {@link TokenLoss#drawsTokens()} is false
     */
    default SDVariable drawnTokens(SDVariable logits, double temperature, int count) {
        return drawnTokens(logits, temperature, count, 0);
    }

    /**
     * As the shorter form, among the likeliest tokens of each row alone.
     *
     * @param among how many, the first of equal ones; 0 for all
     */
    SDVariable drawnTokens(SDVariable logits, double temperature, int count, int among);

    /** The value of {@code x} as a constant of the reverse pass. */
    SDVariable stopGradient(SDVariable x);
}
