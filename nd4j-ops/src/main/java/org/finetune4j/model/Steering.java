package org.finetune4j.model;

import java.util.HashMap;
import java.util.Map;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Memory;
import org.finetune4j.kernel.CounterRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A vector for each block of a model, towards which the outputs of the block's feed-forward part are turned in the passes of
 * engines that are given it: {@code |m| unit(unit(m) + step unit(v))}, so that their lengths stay.
 *
 * <p>The engines read the vectors as they are at each pass, and must be closed before this is.
 */
public final class Steering implements AutoCloseable {
    private final double step;
    private final int layers;
    private final INDArray vectors;
    private final INDArray gradient;

    /**
     * Vectors with standard normal elements.
     *
     * @param model whose outputs are turned
     * @param step  how far, finite and at least 0
     * @param seed  the same seed gives the same vectors
     */
    public Steering(LanguageModel model, double step, long seed) {
        this.step = step;
        layers = model.config().layers();
        vectors = Nd4j.createUninitialized(model.precision().masterType(), layers, model.config().hiddenSize());
        NativeFill.fill(vectors, index -> CounterRandom.gaussian(seed, index));
        gradient = Nd4j.zeros(vectors.dataType(), vectors.shape());
    }

    /** The vectors, FLOAT or in gradient checks DOUBLE {@code [layers, hidden]}; they may be changed between passes. */
    public INDArray vectors() {
        return vectors;
    }

    /** What {@link TrainingEngine#steered} adds gradients to, laid out like {@link #vectors()}. */
    public INDArray gradient() {
        return gradient;
    }

    double step() {
        return step;
    }

    static String name(int layer) {
        return "steering." + layer;
    }

    /** The vector of a block, {@code [1, hidden]}: a view. */
    INDArray vector(int layer) {
        return row(vectors, layer);
    }

    /** Where the gradient of each vector goes, by the vectors' names: views. */
    Map<String, INDArray> gradients() {
        Map<String, INDArray> gradients = new HashMap<>();
        for (int layer = 0; layer < layers; layer++) {
            gradients.put(name(layer), row(gradient, layer));
        }
        return gradients;
    }

    private static INDArray row(INDArray all, int layer) {
        return Arena.arrayAt(Memory.address(all) + layer * all.size(1) * all.dataType().width(), all.dataType(),
                new long[] {1, all.size(1)});
    }

    @Override
    public void close() {
        vectors.close();
        gradient.close();
    }
}
