package org.finetune4j.kernel.onednn;

import java.util.ArrayList;
import java.util.List;

/**
 * FLOAT copies of BFLOAT16 matrices from which several tiles of a product are computed, on processors that do not multiply
 * BFLOAT16: made once by all threads, where otherwise each tile would make its own.
 */
final class SharedFloats implements AutoCloseable {
    /** Bytes of all copies at a time; beyond, tiles make their own, which takes a few hundredths of the product's time. */
    private static final long MOST_BYTES = 64L << 20;
    private static final int PIECE = 1 << 15;
    private final Workers workers;
    private final List<Copy> copies = new ArrayList<>();
    private int used;
    private long bytes;

    SharedFloats(Workers workers) {
        this.workers = workers;
    }

    /** Forgets the copies made so far, which nobody may read any more. */
    void begin() {
        used = 0;
        bytes = 0;
    }

    /** The address of a copy of the numbers at an address, or 0 if there is no room for one. */
    long of(long source, long count) {
        for (Copy known : copies.subList(0, used)) {
            if (known.source == source && known.count == count) {
                return known.memory.reserve(4 * count);
            }
        }
        if (bytes + 4 * count > MOST_BYTES) {
            return 0;
        }
        if (used == copies.size()) {
            copies.add(new Copy());
        }
        Copy fresh = copies.get(used++);
        fresh.source = source;
        fresh.count = count;
        bytes += 4 * count;
        long target = fresh.memory.reserve(4 * count);
        workers.run((int) ((count + PIECE - 1) / PIECE), (worker, piece) -> {
            long first = (long) piece * PIECE;
            Bfloat16.widen(source + 2 * first, target + 4 * first, (int) Math.min(PIECE, count - first));
        });
        return target;
    }

    /** Frees everything; to be called once nothing computes any more. */
    @Override
    public void close() {
        copies.forEach(copy -> copy.memory.close());
        copies.clear();
    }

    private static final class Copy {
        private final NativeBuffer memory = new NativeBuffer();
        private long source;
        private long count;
    }
}
