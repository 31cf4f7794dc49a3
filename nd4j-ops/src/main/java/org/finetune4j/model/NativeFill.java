package org.finetune4j.model;

import java.util.function.LongToDoubleFunction;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.ShortPointer;
import org.finetune4j.checkpoint.FloatFormats;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Fills FLOAT, BFLOAT16 and DOUBLE arrays element by element, in parallel parts that need no memory but a small block. */
final class NativeFill {
    private static final int PART = 1 << 20;
    private static final int BLOCK = 1 << 13;

    private NativeFill() {
    }

    /** Sets element {@code i} of a gapless array to {@code value(i)}; BFLOAT16 is rounded from the nearest float. */
    static void fill(INDArray array, LongToDoubleFunction value) {
        long length = array.length();
        IntStream.range(0, (int) ((length + PART - 1) / PART)).parallel().forEach(part -> {
            Writer writer = writer(array);
            double[] values = new double[BLOCK];
            long end = Math.min(length, (part + 1L) * PART);
            for (long begin = (long) part * PART; begin < end; begin += BLOCK) {
                int count = (int) Math.min(BLOCK, end - begin);
                for (int i = 0; i < count; i++) {
                    values[i] = value.applyAsDouble(begin + i);
                }
                writer.write(begin, values, count);
            }
        });
    }

    /** Writes the first {@code count} values to an array, from element {@code begin} on. */
    private interface Writer {
        void write(long begin, double[] values, int count);
    }

    private static Writer writer(INDArray array) {
        if (array.dataType() == DataType.DOUBLE) {
            DoublePointer pointer = new DoublePointer(array.data().addressPointer());
            return (begin, values, count) -> pointer.position(begin).put(values, 0, count);
        }
        if (array.dataType() == DataType.FLOAT) {
            float[] floats = new float[BLOCK];
            FloatPointer pointer = new FloatPointer(array.data().addressPointer());
            return (begin, values, count) -> {
                for (int i = 0; i < count; i++) {
                    floats[i] = (float) values[i];
                }
                pointer.position(begin).put(floats, 0, count);
            };
        }
        if (array.dataType() != DataType.BFLOAT16) {
            throw new IllegalArgumentException("cannot fill an array of " + array.dataType());
        }
        short[] patterns = new short[BLOCK];
        ShortPointer pointer = new ShortPointer(array.data().addressPointer());
        return (begin, values, count) -> {
            for (int i = 0; i < count; i++) {
                patterns[i] = FloatFormats.toBfloat16((float) values[i]);
            }
            pointer.position(begin).put(patterns, 0, count);
        };
    }
}
