package org.finetune4j.graph;

import java.lang.ref.Cleaner;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Arrays that begin at a cache line. Those of ND4J begin 16 bytes after one, so that every load of a vector of AVX-512 (and
 * every other one of AVX2) touches two lines, which makes products with such a matrix up to a third slower.
 */
public final class AlignedArrays {
    private static final Cleaner CLEANER = Cleaner.create();
    /** By the address of an array, the memory of which it is a part, for as long as somebody refers to the array. */
    private static final Map<Long, Whole> WHOLES = new ConcurrentHashMap<>();

    private AlignedArrays() {
    }

    /** An array whose elements are whatever lies in memory; to be freed by {@link #close}, or when nobody refers to it. */
    public static INDArray uninitialized(DataType type, long... shape) {
        long length = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        if (length == 0) {
            return Nd4j.createUninitialized(type, shape);
        }
        Whole whole = new Whole(Nd4j.createUninitialized(type, length + Arena.ALIGNMENT / type.width()));
        long start = Arena.aligned(Memory.address(whole.array));
        INDArray array = Arena.arrayAt(start, type, shape);
        WHOLES.put(start, whole);
        CLEANER.register(array.data(), () -> WHOLES.remove(start, whole));
        return array;
    }

    /** Frees the memory of an array that {@link #uninitialized} has made, or of one of ND4J's own. */
    public static void close(INDArray array) {
        Whole whole = array.isEmpty() ? null : WHOLES.remove(Memory.address(array));
        array.close();
        if (whole != null) {
            whole.array.close();
        }
    }

    /** Whether memory is kept for an array that begins at an address. */
    static boolean keeps(long address) {
        return WHOLES.containsKey(address);
    }

    /** Equal to itself alone, unlike an array. */
    private static final class Whole {
        private final INDArray array;

        Whole(INDArray array) {
            this.array = array;
        }
    }
}
