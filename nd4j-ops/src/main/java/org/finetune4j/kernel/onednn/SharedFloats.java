package org.finetune4j.kernel.onednn;

/**
 * FLOAT copies of BFLOAT16 matrices from which several tiles of a product are computed, on processors that do not multiply
 * BFLOAT16: made once by all threads, where otherwise each tile would make its own.
 */
final class SharedFloats implements AutoCloseable {
    /** Bytes of all copies at a time; beyond, tiles make their own, which takes a few hundredths of the product's time. */
    private static final long MOST_BYTES = 64L << 20;
    private static final int PIECE = 1 << 15;
    private final Workers workers;
    private final RunBuffers copies = new RunBuffers();
    private long bytes;

    private record Numbers(long source, long count) {
    }

    SharedFloats(Workers workers) {
        this.workers = workers;
    }

    /** Forgets the copies made so far, which nobody may read any more. */
    void begin() {
        copies.begin();
        bytes = 0;
    }

    /** The address of a copy of the numbers at an address, or 0 if there is no room for one. */
    long of(long source, long count) {
        Numbers numbers = new Numbers(source, count);
        if (!copies.holds(numbers)) {
            if (bytes + 4 * count > MOST_BYTES) {
                return 0;
            }
            bytes += 4 * count;
        }
        return copies.of(numbers, 4 * count, target -> widen(source, count, target));
    }

    private void widen(long source, long count, long target) {
        workers.run((int) ((count + PIECE - 1) / PIECE), (worker, piece) -> {
            long first = (long) piece * PIECE;
            Bfloat16.widen(source + 2 * first, target + 4 * first, (int) Math.min(PIECE, count - first));
        });
    }

    /** Frees everything; to be called once nothing computes any more. */
    @Override
    public void close() {
        copies.close();
    }
}
