package org.finetune4j.graph;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Named native buffers that grow to the largest array asked for, and plain copies between native arrays. */
public final class Memory implements AutoCloseable {
    private record Buffer(BytePointer pointer, long bytes) {
    }

    private final Map<String, Buffer> buffers = new HashMap<>();
    private final Map<String, INDArray> arrays = new HashMap<>();

    /** The buffer {@code name} as an array; its content is what was last written, earlier arrays of the name share it. */
    public INDArray array(String name, DataType type, long... shape) {
        String key = name + type + java.util.Arrays.toString(shape);
        INDArray known = arrays.get(key);
        if (known != null) {
            return known;
        }
        long bytes = type.width();
        for (long extent : shape) {
            bytes = Math.multiplyExact(bytes, extent);
        }
        Buffer buffer = buffers.get(name);
        if (buffer == null || buffer.bytes() < bytes) {
            if (buffer != null) {
                buffer.pointer().deallocate();
                arrays.keySet().removeIf(other -> other.startsWith(name + "F") || other.startsWith(name + "B")
                        || other.startsWith(name + "D") || other.startsWith(name + "I"));
            }
            buffer = new Buffer(new BytePointer(bytes + Arena.ALIGNMENT), bytes);
            buffers.put(name, buffer);
        }
        long start = (buffer.pointer().address() + Arena.ALIGNMENT - 1) / Arena.ALIGNMENT * Arena.ALIGNMENT;
        INDArray array = Arena.arrayAt(start, type, shape);
        arrays.put(key, array);
        return array;
    }

    /** Bytes of all buffers. */
    public long bytes() {
        return buffers.values().stream().mapToLong(Buffer::bytes).sum();
    }

    /** The address of an array's first element. */
    public static long address(INDArray array) {
        return array.data().address();
    }

    /** Copies bytes between native addresses that do not overlap. */
    public static void copy(long from, long to, long bytes) {
        if (bytes > 0) {
            Pointer.memcpy(new Arena.Address(to), new Arena.Address(from), bytes);
        }
    }

    /** Sets bytes at a native address to zero. */
    public static void zero(long address, long bytes) {
        if (bytes > 0) {
            Pointer.memset(new Arena.Address(address), 0, bytes);
        }
    }

    @Override
    public void close() {
        buffers.values().forEach(buffer -> buffer.pointer().deallocate());
        buffers.clear();
        arrays.clear();
    }
}
