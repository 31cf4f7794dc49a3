package org.finetune4j.methods.objective;

import java.util.List;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.methods.objective.Undesirable.Detach;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.train.GradientEngine;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The movement under a step of the weights along the gradient of another batch. */
final class WorseWeights extends UndesirableEngine {
    private final Undesirable method;
    private final Kernels kernels;
    private final HiddenStates states;
    private final INDArray keptWeights;
    private final INDArray keptGradient;

    WorseWeights(GradientEngine passes, boolean owned, PassContext context, Undesirable method) {
        super(passes, owned, context, method);
        this.method = method;
        kernels = context.model().kernels();
        states = HiddenStates.trained(context.model(), method.lowest(), highest(), context.options());
        keptWeights = Nd4j.createUninitialized(passes.weights().dataType(), passes.weights().length());
        keptGradient = Nd4j.createUninitialized(passes.weights().dataType(), passes.weights().length());
    }

    @Override
    double accumulateMovement(WholeResponses responses, PackedBatch other, double factor, long dropoutSeed) {
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
        accumulateBase(other, dropoutSeed < 0 ? dropoutSeed
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

    @Override
    long bytes() {
        return states.arenaBytes() + (keptWeights.length() + keptGradient.length()) * keptWeights.dataType().width();
    }

    @Override
    public void close() {
        states.close();
        keptWeights.close();
        keptGradient.close();
        super.close();
    }
}
