package org.finetune4j.model;

import java.util.stream.IntStream;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A weight as signed bytes with a scale for each row, symmetric and rounded to nearest: {@code scales[r] = max |w[r]| / 127},
 * {@code bytes[r, c] = round(w[r, c] / scales[r])}.
 *
 * @param bytes  BYTE {@code [outputs, inputs]}
 * @param scales FLOAT {@code [outputs]}; 1 for a row of zeros
 */
record Int8Weights(INDArray bytes, INDArray scales) {
    private static final int LARGEST = 127;

    /** The nearest bytes to a FLOAT weight {@code [outputs, inputs]}. */
    static Int8Weights of(INDArray weight) {
        int rows = Math.toIntExact(weight.size(0));
        int columns = Math.toIntExact(weight.size(1));
        INDArray bytes = Nd4j.createUninitialized(DataType.BYTE, rows, columns);
        INDArray scales = Nd4j.createUninitialized(DataType.FLOAT, rows);
        IntStream.range(0, rows).parallel().forEach(row -> {
            float[] values = new float[columns];
            byte[] rounded = new byte[columns];
            new FloatPointer(weight.data().addressPointer()).position((long) row * columns).get(values);
            float largest = 0;
            for (float value : values) {
                largest = Math.max(largest, Math.abs(value));
            }
            float scale = largest == 0 ? 1 : largest / LARGEST;
            for (int i = 0; i < columns; i++) {
                rounded[i] = (byte) Math.round(values[i] / scale);
            }
            new BytePointer(bytes.data().addressPointer()).position((long) row * columns).put(rounded);
            new FloatPointer(scales.data().addressPointer()).put(row, scale);
        });
        return new Int8Weights(bytes, scales);
    }

    /** A new FLOAT array of the weights that the bytes stand for. */
    INDArray numbers() {
        return bytes.castTo(DataType.FLOAT).muliColumnVector(scales);
    }
}
