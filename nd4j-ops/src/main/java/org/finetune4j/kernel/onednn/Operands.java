package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Checks what a kernel is given, and finds where it lies. */
final class Operands {
    private Operands() {
    }

    /** The address of the first element of a dense, row-major array. */
    static long address(String kernel, INDArray array) {
        long[] shape = array.shape();
        long[] strides = array.stride();
        long dense = 1;
        for (int i = shape.length - 1; i >= 0; i--) {
            if (shape[i] != 1 && strides[i] != dense && array.length() > 1) {
                throw new IllegalArgumentException(kernel + ": an array of shape " + Arrays.toString(shape)
                        + " has strides " + Arrays.toString(strides) + "; kernels take dense row-major arrays, use dup('c')");
            }
            dense *= shape[i];
        }
        return array.data().address() + array.offset() * array.dataType().width();
    }

    /** Whether the array is BFLOAT16; refuses all but FLOAT and BFLOAT16. */
    static boolean isBfloat16(String kernel, INDArray array) {
        DataType type = array.dataType();
        if (type != DataType.FLOAT && type != DataType.BFLOAT16) {
            throw new IllegalArgumentException(kernel + ": an array of shape " + Arrays.toString(array.shape()) + " is "
                    + type + "; onednn kernels take FLOAT and BFLOAT16, use the nd4j kernels for others");
        }
        return type == DataType.BFLOAT16;
    }

    static void isFloat(String kernel, INDArray array) {
        if (array.dataType() != DataType.FLOAT) {
            throw new IllegalArgumentException(kernel + ": an array of shape " + Arrays.toString(array.shape()) + " is "
                    + array.dataType() + " where FLOAT is wanted");
        }
    }

    static void sameType(String kernel, INDArray first, INDArray other) {
        if (first.dataType() != other.dataType()) {
            throw new IllegalArgumentException(kernel + ": arrays of shapes " + Arrays.toString(first.shape()) + " and "
                    + Arrays.toString(other.shape()) + " are of types " + first.dataType() + " and " + other.dataType()
                    + "; they must be of one type");
        }
    }

    static void sameShape(String kernel, INDArray first, INDArray other) {
        if (!Arrays.equals(first.shape(), other.shape())) {
            throw mismatch(kernel, first, other, "they must be equal");
        }
    }

    /** Refuses arrays that are not of one type and shape. */
    static void alike(String kernel, INDArray first, INDArray second, INDArray third) {
        sameType(kernel, first, second);
        sameType(kernel, first, third);
        sameShape(kernel, first, second);
        sameShape(kernel, first, third);
    }

    static void matrix(String kernel, INDArray array) {
        if (array.rank() != 2) {
            throw new IllegalArgumentException(kernel + ": an array of shape " + Arrays.toString(array.shape())
                    + " where a matrix is wanted");
        }
    }

    /** Refuses an array that is not of the shape {@code wanted}, which comes from {@code source}. */
    static void shape(String kernel, INDArray array, INDArray source, long... wanted) {
        if (!Arrays.equals(array.shape(), wanted)) {
            throw mismatch(kernel, source, array, "the second must be " + Arrays.toString(wanted));
        }
    }

    static IllegalArgumentException mismatch(String kernel, INDArray first, INDArray second, String why) {
        return new IllegalArgumentException(kernel + ": shapes " + Arrays.toString(first.shape()) + " and "
                + Arrays.toString(second.shape()) + " do not fit; " + why);
    }

    static void isInteger(String kernel, INDArray array) {
        if (array.dataType() != DataType.INT || array.rank() != 1) {
            throw new IllegalArgumentException(kernel + ": an array of shape " + Arrays.toString(array.shape()) + " and type "
                    + array.dataType() + " where a vector of INT32 is wanted");
        }
    }

    /** The numbers of a rank 1 INT32 array. */
    static int[] integers(String kernel, INDArray array) {
        isInteger(kernel, array);
        int[] values = new int[Math.toIntExact(array.length())];
        if (values.length > 0) {
            Memory.read(address(kernel, array), values, 0, values.length);
        }
        return values;
    }

    /** The numbers of a rank 1 INT32 array, each at least 0 and below {@code limit}. */
    static int[] indices(String kernel, INDArray array, long limit) {
        int[] values = integers(kernel, array);
        for (int i = 0; i < values.length; i++) {
            if (values[i] < 0 || values[i] >= limit) {
                throw new IllegalArgumentException(kernel + ": number " + i + " of the indices of shape "
                        + Arrays.toString(array.shape()) + " is " + values[i] + ", outside 0.." + (limit - 1));
            }
        }
        return values;
    }

    /** The beginnings of packed sequences and the end of the last. */
    static int[] offsets(String kernel, INDArray array, long tokens) {
        int[] values = integers(kernel, array);
        boolean right = values.length > 0 && values[0] == 0 && values[values.length - 1] == tokens;
        for (int i = 1; i < values.length && right; i++) {
            right = values[i] >= values[i - 1];
        }
        if (!right) {
            throw new IllegalArgumentException(kernel + ": sequence offsets " + Arrays.toString(values)
                    + " must begin with 0, not fall, and end with the " + tokens + " tokens");
        }
        return values;
    }
}
