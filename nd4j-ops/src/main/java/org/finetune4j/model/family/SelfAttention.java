package org.finetune4j.model.family;

import java.util.function.Consumer;
import org.finetune4j.kernel.AttentionScores;
import org.finetune4j.kernel.AttentionShape;
import org.jspecify.annotations.Nullable;

/**
 * The attention of a block.
 *
 * @param shape       heads, scores and what a token sees
 * @param projections what makes queries, keys and values
 * @param output      what the attended values go through
 * @param queryNorm   norm of queries, of one head's width or of all heads', or null
 * @param keyNorm     norm of keys, alike
 * @param rotary      rotary positions, or null
 */
public record SelfAttention(AttentionShape shape, Projections projections, Linear output, @Nullable Norm queryNorm,
                            @Nullable Norm keyNorm, @Nullable Rotary rotary) {
    /** Causal attention of all tokens before, scaled by the root of the head's width, without norms and positions. */
    public static SelfAttention of(Heads heads, Projections projections, Linear output) {
        return new SelfAttention(heads.shape(), projections, output, null, null, null);
    }

    /** {@link #of} with layers {@code q_proj}, {@code k_proj}, {@code v_proj} and {@code o_proj} of a module. */
    public static SelfAttention separate(String module, int hidden, Heads heads) {
        return of(heads, new Projections.Separate(Linear.of(module + ".q_proj", hidden, heads.queryWidth()),
                Linear.of(module + ".k_proj", hidden, heads.keyValueWidth()),
                Linear.of(module + ".v_proj", hidden, heads.keyValueWidth())),
                Linear.of(module + ".o_proj", heads.queryWidth(), hidden));
    }

    /** This with biases of the projections and of the output. */
    public SelfAttention withBias(boolean onProjections, boolean onOutput) {
        return new SelfAttention(shape, projections.withBias(onProjections), output.withBias(onOutput), queryNorm, keyNorm,
                rotary);
    }

    /** This with norms of queries and keys. */
    public SelfAttention withNorms(Norm query, Norm key) {
        return new SelfAttention(shape, projections, output, query, key, rotary);
    }

    /** This with rotary positions; null leaves them out. */
    public SelfAttention turnedBy(@Nullable Rotary positions) {
        return new SelfAttention(shape, projections, output, queryNorm, keyNorm, positions);
    }

    /** This with scores multiplied by a factor. */
    public SelfAttention scaledBy(double factor) {
        AttentionScores old = shape.scores();
        return scored(new AttentionScores(factor, old.softcap(), old.window(), old.causal()));
    }

    /** This with scores that become {@code cap * tanh(score / cap)}; 0 leaves them. */
    public SelfAttention cappedAt(double cap) {
        AttentionScores old = shape.scores();
        return scored(new AttentionScores(old.scale(), cap, old.window(), old.causal()));
    }

    /** This where a token sees only so many, itself included; 0 means all before it. */
    public SelfAttention within(int window) {
        AttentionScores old = shape.scores();
        return scored(new AttentionScores(old.scale(), old.softcap(), window, old.causal()));
    }

    /** This over all tokens of a text, later ones too. */
    public SelfAttention bidirectional() {
        AttentionScores old = shape.scores();
        return scored(new AttentionScores(old.scale(), old.softcap(), 0, false));
    }

    private SelfAttention scored(AttentionScores scores) {
        return new SelfAttention(shape.withScores(scores), projections, output, queryNorm, keyNorm, rotary);
    }

    void weights(Consumer<Weight> into) {
        projections.layers().forEach(layer -> layer.weights(into));
        output.weights(into);
        if (queryNorm != null) {
            queryNorm.weights(into);
        }
        if (keyNorm != null) {
            keyNorm.weights(into);
        }
    }
}
