package org.finetune4j.kernel.onednn;

/**
 * Scratch memory that the threads of an attention kernel share, kept from call to call: copies of queries, keys and
 * values, and for the gradient also of the output's gradient, sums of the queries' gradient in f32 and two numbers per
 * token and head. For a batch of {@code n} numbers of queries and {@code k} of keys that is {@code n + 2.2 k} numbers, and
 * {@code 2 n + 2.2 k} with {@code n} FLOAT sums; sequences are filled up to a multiple of 16 tokens at most.
 */
final class AttentionScratch implements AutoCloseable {
    private final NativeBuffer[] buffers = new NativeBuffer[Part.values().length];
    private final long[] addresses = new long[buffers.length];

    /** What a part of the scratch memory holds. */
    enum Part {
        QUERIES, KEYS, VALUES, OUT_GRADIENTS, QUERY_SUMS, LOG_SUMS, MEANS
    }

    AttentionScratch() {
        for (int i = 0; i < buffers.length; i++) {
            buffers[i] = new NativeBuffer();
        }
    }

    void reserveForward(AttentionLayout layout) {
        reserve(Part.QUERIES, layout.allQueryRows() * layout.headBytes());
        reserve(Part.KEYS, layout.allKeyRows() * layout.headBytes());
        reserve(Part.VALUES, layout.allKeyRows() * layout.valueStride() * layout.width());
    }

    void reserveBackward(AttentionLayout layout) {
        reserveForward(layout);
        reserve(Part.OUT_GRADIENTS, layout.allQueryRows() * layout.headBytes());
        reserve(Part.QUERY_SUMS, 4 * layout.allQueryRows() * layout.depth());
        reserve(Part.LOG_SUMS, 4 * layout.allQueryRows());
        reserve(Part.MEANS, 4 * layout.allQueryRows());
    }

    /** The address of a part that has been reserved. */
    long at(Part part) {
        return addresses[part.ordinal()];
    }

    private void reserve(Part part, long bytes) {
        addresses[part.ordinal()] = buffers[part.ordinal()].reserve(bytes);
    }

    @Override
    public void close() {
        for (NativeBuffer buffer : buffers) {
            buffer.close();
        }
    }
}
