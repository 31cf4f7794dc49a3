package org.finetune4j.methods.objective;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.head.TokenValues;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.methods.objective.Undesirable.Detach;
import org.finetune4j.methods.objective.Undesirable.OverElements;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.train.DelegatingGradientEngine;
import org.finetune4j.train.GradientEngine;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Adds to every gradient that of the movement of hidden states, as {@link Undesirable} says. */
final class UndesirableEngine extends DelegatingGradientEngine {
    private final GradientEngine passes;
    private final boolean owned;
    private final PassContext context;
    private final Undesirable method;
    private final Kernels kernels;
    private final HiddenStates states;
    private final INDArray keptWeights;
    private final INDArray keptGradient;
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
        kernels = context.model().kernels();
        int highest = method.highest() == -1 ? context.model().config().layers() : method.highest();
        states = HiddenStates.trained(context.model(), method.lowest(), highest, context.options());
        keptWeights = Nd4j.createUninitialized(passes.weights().dataType(), passes.weights().length());
        keptGradient = Nd4j.createUninitialized(passes.weights().dataType(), passes.weights().length());
    }

    @Override
    public void beginStep(long made) {
        done = made;
        batch = 0;
        super.beginStep(made);
    }

    @Override
    public TokenValues accumulateGradient(PackedBatch learned, long dropoutSeed) {
        PackedBatch other = context.other().apply((int) (done * context.batches() + batch++));
        double movement = accumulateMovement(learned, other, dropoutSeed);
        TokenValues values = super.accumulateGradient(learned, dropoutSeed);
        Map<String, float[]> all = new LinkedHashMap<>(values.values());
        float[] same = new float[learned.supervised()];
        Arrays.fill(same, (float) movement);
        all.put("undesirable", same);
        return new TokenValues(values.loss(), all, values.samples());
    }

    /** Adds the gradient of the weighted movement; the weights are afterwards what they were, to the bit. */
    private double accumulateMovement(PackedBatch learned, PackedBatch other, long dropoutSeed) {
        WholeResponses responses = WholeResponses.of(learned);
        double share = 0;
        for (float weight : learned.weights()) {
            share += weight;
        }
        // The shares of a step's micro-batches add up to 1, so that the step has the mean over all its tokens.
        double factor = method.weight() * share
                * (method.overElements() == OverElements.SUM ? context.model().config().hiddenSize() : 1);
        boolean clean = method.detach() == Detach.CLEAN;
        List<INDArray> targets = clean ? states.of(responses.batch(), responses.rows(), dropoutSeed) : List.of();
        keptGradient.assign(gradient());
        if (!accumulateStep(other, dropoutSeed)) {
            gradient().assign(keptGradient);
            targets.forEach(INDArray::close);
            return 0;
        }
        keptWeights.assign(weights());
        double movement = 0;
        try {
            kernels.add(keptWeights, gradient(), weights());
            weightsChanged();
            gradient().assign(keptGradient);
            if (clean) {
                movement = states.accumulateGradient(responses.batch(), responses.rows(), targets, factor, dropoutSeed);
            } else {
                targets = states.of(responses.batch(), responses.rows(), dropoutSeed);
            }
        } finally {
            weights().assign(keptWeights);
            weightsChanged();
        }
        if (!clean) {
            movement = states.accumulateGradient(responses.batch(), responses.rows(), targets, factor, dropoutSeed);
        }
        targets.forEach(INDArray::close);
        return movement;
    }

    /** Puts the step for the worse into the gradient's place; false where there is none. */
    private boolean accumulateStep(PackedBatch other, long dropoutSeed) {
        zeroGradients();
        // A negative seed stands for no dropout.
        super.accumulateGradient(other, dropoutSeed < 0 ? dropoutSeed
                : CounterRandom.seed(dropoutSeed, "undesirable", 0) & Long.MAX_VALUE);
        return normalise(kernels, gradient(), method.step());
    }

    /** Scales a gradient over all weights to this length; false where it is zero. */
    static boolean normalise(Kernels kernels, INDArray gradient, double length) {
        double norm = Math.sqrt(kernels.squaredNorm(gradient));
        if (norm == 0) {
            return false;
        }
        kernels.scale(gradient, length / norm, gradient);
        return true;
    }

    /** Bytes that this holds beside the base's engine, as they are now. */
    long bytes() {
        return states.arenaBytes() + (keptWeights.length() + keptGradient.length()) * keptWeights.dataType().width();
    }

    @Override
    public void close() {
        states.close();
        keptWeights.close();
        keptGradient.close();
        if (owned) {
            passes.close();
        }
    }
}
