package org.finetune4j.methods.objective;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.methods.objective.Undesirable.Detach;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Steering;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.GradientEngine;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The movement under feed-forward outputs that are steered for the worse by vectors with an optimiser of their own. */
final class SteeredStates extends UndesirableEngine {
    /** Adam's own numbers (arXiv 1412.6980). */
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPSILON = 1e-8;
    private static final long NO_DROPOUT = -1;

    private final Undesirable method;
    private final double rate;
    private final Kernels kernels;
    private final Steering steering;
    private final TrainingEngine ascent;
    private final HiddenStates clean;
    private final HiddenStates steered;
    private final INDArray firstMoment;
    private final INDArray secondMoment;
    private boolean ascended;

    SteeredStates(GradientEngine passes, boolean owned, PassContext context, Undesirable method) {
        super(passes, owned, context, method);
        this.method = method;
        rate = context.learningRate() * method.steeringRate();
        LanguageModel model = context.model();
        EngineOptions options = context.options();
        kernels = model.kernels();
        steering = new Steering(model, method.step(), CounterRandom.seed(context.seed(), "steering", 0));
        ascent = TrainingEngine.steered(model, new Sft().tokenLoss(), steering, options);
        clean = HiddenStates.trained(model, method.lowest(), highest(), options);
        steered = HiddenStates.steered(model, method.lowest(), highest(), method.detach() == Detach.CLEAN, steering,
                options);
        firstMoment = Nd4j.zeros(steering.vectors().dataType(), steering.vectors().length());
        secondMoment = firstMoment.dup();
    }

    /** The vectors and what their optimiser remembers. */
    @Override
    public Map<String, INDArray> state() {
        Map<String, INDArray> state = new HashMap<>(super.state());
        state.put("steering", steering.vectors());
        state.put("steering.first_moment", firstMoment);
        state.put("steering.second_moment", secondMoment);
        return state;
    }

    @Override
    public void beginStep(long made) {
        ascended = false;
        super.beginStep(made);
    }

    @Override
    double accumulateMovement(WholeResponses responses, PackedBatch other, double factor, long dropoutSeed) {
        if (!ascended) {
            ascend(other);
            ascended = true;
        }
        boolean drawsClean = method.detach() == Detach.PERTURBED;
        List<INDArray> targets = drawsClean ? steered.of(responses.batch(), responses.rows(), NO_DROPOUT)
                : clean.of(responses.batch(), responses.rows(), dropoutSeed);
        double movement = drawsClean
                ? clean.accumulateGradient(responses.batch(), responses.rows(), targets, factor, dropoutSeed)
                : steered.accumulateGradient(responses.batch(), responses.rows(), targets, factor, NO_DROPOUT);
        targets.forEach(INDArray::close);
        return movement;
    }

    /** One step of the vectors that makes another batch less likely. */
    private void ascend(PackedBatch other) {
        steering.gradient().assign(0);
        ascent.accumulateGradient(other, NO_DROPOUT);
        kernels.adamW(flat(steering.vectors()), flat(steering.gradient()), firstMoment, secondMoment,
                new AdamWStep(rate, BETA1, BETA2, EPSILON, 0, stepsDone() + 1, -1));
    }

    private static INDArray flat(INDArray array) {
        return array.reshape('c', true, array.length());
    }

    @Override
    long bytes() {
        return ascent.arenaBytes() + clean.arenaBytes() + steered.arenaBytes() + vectorBytes(steering);
    }

    /** Bytes of the vectors, their gradient and their moments. */
    static long vectorBytes(Steering steering) {
        return 4 * steering.vectors().length() * steering.vectors().dataType().width();
    }

    @Override
    public void close() {
        ascent.close();
        clean.close();
        steered.close();
        steering.close();
        firstMoment.close();
        secondMoment.close();
        super.close();
    }
}
