package org.finetune4j.checkpoint;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.concurrency.AffinityManager;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.shape.Shape;
import org.nd4j.linalg.factory.Nd4j;

/** Looks at the memory of a row-major, gapless array as bytes, in windows that fit a {@link ByteBuffer}. */
final class ArrayBytes {
    private final INDArray array;
    private final BytePointer bytes;

    /** Takes an array that must stay reachable and open while this object is used. */
    ArrayBytes(INDArray array) {
        if (!isGapless(array)) {
            throw new IllegalArgumentException("the array must be row-major and without gaps");
        }
        this.array = array;
        Nd4j.getAffinityManager().ensureLocation(array, AffinityManager.Location.HOST);
        this.bytes = new BytePointer(array.data().addressPointer());
    }

    static boolean isGapless(INDArray array) {
        return array.isScalar() || array.ordering() == 'c' && Shape.hasDefaultStridesForShape(array);
    }

    /** Returns a buffer of {@code length} bytes, those from {@code offset} on, little-endian; several threads may ask. */
    ByteBuffer window(long offset, int length) {
        // A pointer of its own, because the buffer of a moved one begins at the array and has its position behind that.
        return bytes.getPointer(offset).limit(length).asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    /** Says that the array's memory on the host was written, for back ends that keep a copy elsewhere. */
    void written() {
        Nd4j.getAffinityManager().tagLocation(array, AffinityManager.Location.HOST);
    }
}
