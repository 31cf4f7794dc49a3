package org.finetune4j.model;

import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A parameter of a model.
 *
 * @param name       its full name, for base weights that of the Hugging Face checkpoint
 * @param shape      its shape
 * @param trains     whether it changes
 * @param decays     whether weight decay applies; it does not to norms
 * @param flatOffset where it begins in {@link Parameters#flat()}, in elements, or -1 when frozen
 * @param master     its values: a view into {@link Parameters#flat()}, or the frozen array
 * @param value      its values in the type of the graph; the master itself where the types agree, or where it is of bytes
 * @param scales     what the rows of a frozen matrix of bytes are multiplied by, or null
 */
public record Parameter(String name, long[] shape, boolean trains, boolean decays, long flatOffset, INDArray master,
                        INDArray value, @Nullable INDArray scales) {
    /** Number of elements. */
    public long count() {
        long count = 1;
        for (long extent : shape) {
            count *= extent;
        }
        return count;
    }
}
