package org.finetune4j.model;

import org.nd4j.linalg.api.ndarray.INDArray;

/** Where the first values of base weights come from. */
interface WeightSource {
    /** Begins to read weights. */
    Reader open();

    /** Reads weights one after another. */
    interface Reader extends AutoCloseable {
        /** Writes the named weight into an array of its shape, in the array's type. */
        void read(String name, INDArray target);

        @Override
        default void close() {
        }
    }

    /** One that needs nothing to be opened. */
    static WeightSource of(Reader reader) {
        return () -> reader;
    }
}
