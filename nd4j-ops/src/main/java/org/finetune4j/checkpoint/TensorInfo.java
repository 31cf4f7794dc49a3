package org.finetune4j.checkpoint;

import java.util.Arrays;

/**
 * What a safetensors header says of one tensor.
 *
 * @param name the tensor's name, unique in its file and among the shards of one model
 * @param type the element type as stored
 * @param shape the length of each axis, row-major; empty for a single value
 * @param begin where its bytes begin, counted from the end of the header
 * @param end where its bytes end (exclusive), counted from the end of the header
 */
public record TensorInfo(String name, TensorType type, long[] shape, long begin, long end) {
    /** Keeps a copy of the shape. */
    public TensorInfo {
        shape = shape.clone();
    }

    /** Returns a copy of the shape. */
    @Override
    public long[] shape() {
        return shape.clone();
    }

    /** Returns the number of elements; 1 for a single value and 0 for an empty tensor. */
    public long elements() {
        return (end - begin) / type.bytes();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof TensorInfo that && name.equals(that.name) && type == that.type
            && Arrays.equals(shape, that.shape) && begin == that.begin && end == that.end;
    }

    @Override
    public int hashCode() {
        return name.hashCode() * 31 + Long.hashCode(begin);
    }

    @Override
    public String toString() {
        return name + " " + type + Arrays.toString(shape) + " at " + begin + ".." + end;
    }
}
