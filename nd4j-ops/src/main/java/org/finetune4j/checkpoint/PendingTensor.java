package org.finetune4j.checkpoint;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A tensor to be saved, whose values are made when they are needed, so that a model is saved without lying in memory twice.
 *
 * @param name its name
 * @param type the type of its values
 * @param shape the length of each axis
 * @param fresh whether every call of {@code values} makes an array of its own, which is closed after use
 * @param values makes the values, of this type and shape, as often as they are asked for
 */
public record PendingTensor(String name, DataType type, long[] shape, boolean fresh, Supplier<INDArray> values) {
    /** A tensor whose values are there. */
    public static PendingTensor of(String name, INDArray array) {
        return new PendingTensor(name, array.dataType(), array.shape(), false, () -> array);
    }

    /** Returns the number of elements. */
    public long elements() {
        long elements = 1;
        for (long length : shape) {
            elements *= length;
        }
        return elements;
    }

    /** Gives the values to a user, and closes them afterwards where they are nobody else's. */
    public void use(Consumer<INDArray> user) {
        INDArray array = values.get();
        try {
            user.accept(array);
        } finally {
            if (fresh) {
                array.close();
            }
        }
    }
}
