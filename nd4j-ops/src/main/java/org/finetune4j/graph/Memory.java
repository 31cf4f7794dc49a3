package org.finetune4j.graph;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Named native buffers that grow to the largest array asked for, and plain copies between native arrays. */
public final class Memory implements AutoCloseable {
    private static final class Buffer {
        private final BytePointer pointer;
        private final long bytes;
        private final Map<String, INDArray> arrays = new HashMap<>();

        Buffer(long bytes) {
            this.pointer = new BytePointer(bytes + Arena.ALIGNMENT);
            this.bytes = bytes;
        }

        INDArray array(DataType type, long[] shape) {
            long start = Arena.aligned(pointer.address());
            return arrays.computeIfAbsent(type + Arrays.toString(shape), key -> Arena.arrayAt(start, type, shape));
        }
    }

    private final Map<String, Buffer> buffers = new HashMap<>();

    /** The buffer {@code name} as an array; its content is what was last written, earlier arrays of the name share it. */
    public INDArray array(String name, DataType type, long... shape) {
        long bytes = type.width();
        for (long extent : shape) {
            bytes = Math.multiplyExact(bytes, extent);
        }
        Buffer buffer = buffers.get(name);
        if (buffer == null || buffer.bytes < bytes) {
            if (buffer != null) {
                buffer.pointer.deallocate();
            }
            buffer = new Buffer(bytes);
            buffers.put(name, buffer);
        }
        return buffer.array(type, shape);
    }

    /** Bytes of all buffers. */
    public long bytes() {
        return buffers.values().stream().mapToLong(buffer -> buffer.bytes).sum();
    }

    /** The address of an array's first element. */
    public static long address(INDArray array) {
        return array.data().address() + array.offset() * array.dataType().width();
    }

    /** Copies bytes between native addresses that do not overlap. */
    public static void copy(long from, long to, long bytes) {
        if (bytes > 0) {
            Pointer.memcpy(new Arena.Address(to, bytes), new Arena.Address(from, bytes), bytes);
        }
    }

    /** Sets bytes at a native address to zero. */
    public static void zero(long address, long bytes) {
        if (bytes > 0) {
            Pointer.memset(new Arena.Address(address, bytes), 0, bytes);
        }
    }

    @Override
    public void close() {
        buffers.values().forEach(buffer -> buffer.pointer.deallocate());
        buffers.clear();
    }
}
