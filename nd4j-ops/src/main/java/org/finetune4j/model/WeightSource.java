package org.finetune4j.model;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Where the first values of base weights come from. */
interface WeightSource {
    /** A fresh array of the named weight in this type. */
    INDArray read(String name, long[] shape, DataType type);
}
