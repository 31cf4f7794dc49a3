package org.finetune4j.train;

import java.util.List;
import java.util.Map;
import org.finetune4j.head.TokenValues;
import org.finetune4j.model.PackedBatch;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What the trainer needs of a model with its loss: flat weights, their gradient, and passes over batches. */
public interface GradientEngine extends AutoCloseable {
    /** The parameters that train, one after another as they lie in {@link #weights()}. */
    List<Slice> slices();

    /** Masters of all that trains, FLOAT {@code [trainable]}. */
    INDArray weights();

    /** Their gradient, FLOAT {@code [trainable]}. */
    INDArray gradient();

    /** To be called after {@link #weights()} changed. */
    void weightsChanged();

    /** SHA-256 over everything that does not train. */
    String hashOfFrozen();

    /** Size of the vocabulary. */
    int vocabulary();

    /** To be called before each optimiser step, with the number of steps made until then. */
    default void beginStep(long done) {
    }

    /** Arrays beside the weights that a run must find again when it continues, by name. */
    default Map<String, INDArray> state() {
        return Map.of();
    }

    /** To be called after {@link #state()} was read from a checkpoint. */
    default void stateRestored() {
    }

    /** Sets the gradient to zero. */
    void zeroGradients();

    /** Forward and backward; adds to {@link #gradient()}. */
    TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed);

    /** Forward only, without dropout. */
    TokenValues evaluate(PackedBatch batch);

    /** Gives back what belongs to this engine alone. */
    @Override
    default void close() {
    }

    /**
     * Where one parameter lies in the flat arrays.
     *
     * @param name   its name
     * @param shape  its shape
     * @param decays whether weight decay applies
     * @param offset where it begins, in elements
     */
    record Slice(String name, long[] shape, boolean decays, long offset) {
        /** Number of elements. */
        public long count() {
            long count = 1;
            for (long extent : shape) {
                count *= extent;
            }
            return count;
        }

        /** The part of a flat array that belongs to this parameter, as a view in its shape. */
        public INDArray of(INDArray flat) {
            return flat.get(org.nd4j.linalg.indexing.NDArrayIndex.interval(offset, offset + count())).reshape('c', shape);
        }
    }
}
