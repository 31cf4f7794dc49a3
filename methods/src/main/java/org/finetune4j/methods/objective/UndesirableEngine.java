package org.finetune4j.methods.objective;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.head.TokenValues;
import org.finetune4j.methods.objective.Undesirable.OverElements;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.train.DelegatingGradientEngine;
import org.finetune4j.train.GradientEngine;

/** Adds to every gradient that of the movement of hidden states, as {@link Undesirable} says. */
abstract class UndesirableEngine extends DelegatingGradientEngine {
    private final GradientEngine passes;
    private final boolean owned;
    private final PassContext context;
    private final Undesirable method;
    private long done;
    private int batch;

    /**
     * An engine.
     *
     * @param passes the base's
     * @param owned  whether that is to be closed with this
     */
    UndesirableEngine(GradientEngine passes, boolean owned, PassContext context, Undesirable method) {
        super(passes);
        this.passes = passes;
        this.owned = owned;
        this.context = context;
        this.method = method;
    }

    /** The engine of one way to make the model worse; the base's passes are closed with it if they are its own. */
    static UndesirableEngine of(GradientEngine passes, boolean owned, PassContext context, Undesirable method) {
        return switch (method.via()) {
            case WEIGHTS -> new WorseWeights(passes, owned, context, method);
            case STEERING -> new SteeredStates(passes, owned, context, method);
        };
    }

    @Override
    public void beginStep(long made) {
        done = made;
        batch = 0;
        super.beginStep(made);
    }

    /** Optimiser steps made before this one. */
    long stepsDone() {
        return done;
    }

    /** The last hidden state that counts. */
    int highest() {
        return method.highest() == -1 ? context.model().config().layers() : method.highest();
    }

    @Override
    public TokenValues accumulateGradient(PackedBatch learned, long dropoutSeed) {
        PackedBatch other = context.other().apply((int) (done * context.batches() + batch++));
        double share = 0;
        for (float weight : learned.weights()) {
            share += weight;
        }
        // The shares of a step's micro-batches add up to 1, so that the step has the mean over all its tokens.
        double factor = method.weight() * share
                * (method.overElements() == OverElements.SUM ? context.model().config().hiddenSize() : 1);
        double movement = accumulateMovement(WholeResponses.of(learned), other, factor, dropoutSeed);
        TokenValues values = super.accumulateGradient(learned, dropoutSeed);
        Map<String, float[]> all = new LinkedHashMap<>(values.values());
        float[] same = new float[learned.supervised()];
        Arrays.fill(same, (float) movement);
        all.put("undesirable", same);
        return new TokenValues(values.loss(), all, values.samples());
    }

    /**
     * Adds the gradient of so many times the mean movement; the weights are afterwards what they were, to the bit.
     *
     * @return the mean, without the factor
     */
    abstract double accumulateMovement(WholeResponses responses, PackedBatch other, double factor, long dropoutSeed);

    /** A pass of the base that adds to the gradient. */
    final TokenValues accumulateBase(PackedBatch batch, long dropoutSeed) {
        return super.accumulateGradient(batch, dropoutSeed);
    }

    /** Bytes that this holds beside the base's engine, as they are now. */
    abstract long bytes();

    @Override
    public void close() {
        if (owned) {
            passes.close();
        }
    }
}
