package org.finetune4j.kernel.nd4j;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Refuses wrong arguments of one kernel by {@link IllegalArgumentException}, naming the kernel and both shapes. */
final class Arguments {
    private final String kernel;

    Arguments(String kernel) {
        this.kernel = kernel;
    }

    /** Refuses an array that has not this many dimensions. */
    void rank(String name, INDArray array, int rank) {
        if (array.rank() != rank) {
            throw refused(name + " has shape " + text(array.shape()) + " of rank " + array.rank()
                    + ", but must be of rank " + rank + "; reshape it");
        }
    }

    /** Refuses an array whose shape is not {@code expected}, which the array {@code partner} asks for. */
    void shape(String name, INDArray array, String partnerName, INDArray partner, long... expected) {
        if (!Arrays.equals(array.shape(), expected)) {
            throw refused(name + " has shape " + text(array.shape()) + ", but " + partnerName + " of shape "
                    + text(partner.shape()) + " asks for " + text(expected));
        }
    }

    /** Refuses an array whose shape is not that of {@code partner}. */
    void sameShape(String name, INDArray array, String partnerName, INDArray partner) {
        shape(name, array, partnerName, partner, partner.shape());
    }

    /** Refuses arrays of types that the portable kernels do not compute with. */
    void numbers(INDArray... arrays) {
        for (INDArray array : arrays) {
            if (!Nd4jKernels.isSupported(array.dataType())) {
                throw refused("an array of shape " + text(array.shape()) + " is of type " + array.dataType()
                        + ", but must be DOUBLE, FLOAT or BFLOAT16; cast it");
            }
        }
    }

    /** The values of an INT32 vector, refused unless each is at least 0 and below {@code bound}. */
    int[] indices(String name, INDArray array, long bound) {
        int[] values = integers(name, array);
        for (int i = 0; i < values.length; i++) {
            if (values[i] < 0 || values[i] >= bound) {
                throw refused(name + "[" + i + "] of shape " + text(array.shape()) + " is " + values[i]
                        + ", but must be at least 0 and below " + bound);
            }
        }
        return values;
    }

    /** Sequence offsets, refused unless they rise from 0 to {@code tokens}. */
    int[] offsets(INDArray array, long tokens) {
        int[] values = integers("offsets", array);
        boolean whole = values.length > 0 && values[0] == 0 && values[values.length - 1] == tokens;
        for (int i = 1; whole && i < values.length; i++) {
            whole = values[i - 1] <= values[i];
        }
        if (!whole) {
            throw refused("offsets " + Arrays.toString(values) + " must rise from 0 to the number of tokens, "
                    + tokens);
        }
        return values;
    }

    IllegalArgumentException refused(String why) {
        return new IllegalArgumentException(kernel + ": " + why);
    }

    static String text(long... shape) {
        return Arrays.toString(shape);
    }

    private int[] integers(String name, INDArray array) {
        rank(name, array, 1);
        if (array.dataType() != DataType.INT) {
            throw refused(name + " of shape " + text(array.shape()) + " is of type " + array.dataType()
                    + ", but must be INT; cast it");
        }
        return array.isEmpty() ? new int[0] : array.toIntVector();
    }
}
