package org.finetune4j.graph;

import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** One block of native memory that all intermediate arrays of a graph share; it grows and is reused by every run. */
public final class Arena implements AutoCloseable {
    /** Every array begins at a multiple of this many bytes: a cache line, and the widest vector. */
    static final long ALIGNMENT = 64;

    private @Nullable BytePointer memory;
    private long bytes;
    private int generation;

    /** Makes at least this many bytes available; arrays made before a growth are no longer valid. */
    void reserve(long wanted) {
        if (memory != null && wanted <= bytes) {
            return;
        }
        close();
        memory = new BytePointer(wanted + ALIGNMENT);
        bytes = wanted;
        generation++;
    }

    /** Changes whenever the block moves. */
    int generation() {
        return generation;
    }

    /** Size of the block in bytes. */
    public long bytes() {
        return bytes;
    }

    /** The array at {@code offset} bytes. */
    INDArray array(long offset, DataType type, long[] shape) {
        if (memory == null) {
            throw new IllegalStateException("the arena is closed");
        }
        return arrayAt(aligned(memory.address()) + offset, type, shape);
    }

    /** The first multiple of the alignment that is not below an address or a number of bytes. */
    static long aligned(long place) {
        return (place + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** An array over memory that somebody else owns and keeps. */
    public static INDArray arrayAt(long address, DataType type, long... shape) {
        long length = 1;
        for (long extent : shape) {
            length *= extent;
        }
        if (length == 0) {
            return Nd4j.empty(type).reshape(shape);
        }
        return Nd4j.create(Nd4j.createBuffer(new Address(address, length * type.width()), length, type), shape);
    }

    /** An array that has a type and a shape but no memory, for planning; its elements must not be touched. */
    public static INDArray hollow(DataType type, long... shape) {
        return arrayAt(ALIGNMENT, type, shape);
    }

    @Override
    public void close() {
        if (memory != null) {
            memory.deallocate();
            memory = null;
            bytes = 0;
        }
    }

    static final class Address extends Pointer {
        Address(long value, long bytes) {
            super((Pointer) null);
            address = value;
            limit = bytes;
            capacity = bytes;
        }
    }
}
