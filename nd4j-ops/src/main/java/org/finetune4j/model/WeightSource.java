package org.finetune4j.model;

import org.nd4j.linalg.api.ndarray.INDArray;

/** Where the first values of base weights come from. */
interface WeightSource {
    /** Writes the named weight into an array of its shape, in the array's type. */
    void read(String name, INDArray target);
}
