package org.finetune4j.train;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.Kernels;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** AdamW (arXiv 1711.05101) over the flat weights; decay leaves out the parameters that do not decay. */
final class AdamW implements AutoCloseable {
    private final Kernels kernels;
    private final TrainSettings settings;
    private final INDArray firstMoment;
    private final INDArray secondMoment;
    private final List<Part> parts = new ArrayList<>();
    private long updates;

    /** Neighbouring parameters that decay alike, updated in one pass. */
    private record Part(boolean decays, INDArray weights, INDArray gradient, INDArray first, INDArray second) {
    }

    AdamW(GradientEngine engine, Kernels kernels, TrainSettings settings) {
        this.kernels = kernels;
        this.settings = settings;
        firstMoment = Nd4j.zeros(engine.weights().dataType(), engine.weights().length());
        secondMoment = firstMoment.dup();
        List<GradientEngine.Slice> slices = engine.slices();
        for (int from = 0; from < slices.size();) {
            int to = from + 1;
            while (to < slices.size() && slices.get(to).decays() == slices.get(from).decays()) {
                to++;
            }
            long begin = slices.get(from).offset();
            long end = slices.get(to - 1).offset() + slices.get(to - 1).count();
            parts.add(new Part(slices.get(from).decays(), view(engine.weights(), begin, end),
                    view(engine.gradient(), begin, end), view(firstMoment, begin, end), view(secondMoment, begin, end)));
            from = to;
        }
    }

    private static INDArray view(INDArray flat, long begin, long end) {
        return flat.get(NDArrayIndex.interval(begin, end));
    }

    /** First moments, laid out like the weights. */
    INDArray firstMoment() {
        return firstMoment;
    }

    /** Second moments, laid out like the weights. */
    INDArray secondMoment() {
        return secondMoment;
    }

    /** Updates made, by which the moments' bias is corrected. */
    long updates() {
        return updates;
    }

    /** To be called after the moments were read from a checkpoint. */
    void restored(long made) {
        updates = made;
    }

    /** Makes one update. */
    void update(double learningRate, double gradientScale) {
        updates++;
        for (Part part : parts) {
            kernels.adamW(part.weights, part.gradient, part.first, part.second, new AdamWStep(learningRate,
                    settings.beta1(), settings.beta2(), settings.epsilon(), part.decays ? settings.weightDecay() : 0,
                    updates, gradientScale));
        }
    }

    @Override
    public void close() {
        firstMoment.close();
        secondMoment.close();
    }
}
