package org.finetune4j.model;

import java.util.function.LongToDoubleFunction;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Fills FLOAT and DOUBLE arrays element by element, in parallel blocks. */
final class NativeFill {
    private static final int BLOCK = 1 << 16;

    private NativeFill() {
    }

    static void fill(INDArray array, LongToDoubleFunction value) {
        long length = array.length();
        IntStream.range(0, (int) ((length + BLOCK - 1) / BLOCK)).parallel().forEach(block -> {
            long begin = (long) block * BLOCK;
            int count = (int) Math.min(BLOCK, length - begin);
            if (array.dataType() == DataType.DOUBLE) {
                double[] values = new double[count];
                for (int i = 0; i < count; i++) {
                    values[i] = value.applyAsDouble(begin + i);
                }
                new DoublePointer(array.data().addressPointer()).position(begin).put(values);
            } else {
                float[] values = new float[count];
                for (int i = 0; i < count; i++) {
                    values[i] = (float) value.applyAsDouble(begin + i);
                }
                new FloatPointer(array.data().addressPointer()).position(begin).put(values);
            }
        });
    }
}
