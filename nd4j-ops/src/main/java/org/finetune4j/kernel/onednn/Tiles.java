package org.finetune4j.kernel.onednn;

/** Cuts kernels that treat every element alike into tiles that stay in a core's first cache, or pieces for oneDNN. */
final class Tiles {
    /** Elements of a tile, at most. */
    static final int TILE = 2048;
    /** Elements that one primitive computes: long against the cost of a call, and in the second cache as FLOAT. */
    private static final int PIECE = 1 << 14;
    private static final long CHUNK = 1 << 15;
    private final Workers workers;

    Tiles(Workers workers) {
        this.workers = workers;
    }

    /** Computes {@code count} elements from {@code first} on. */
    interface Tile {
        void run(Worker worker, long first, int count);
    }

    /** How many chunks so many elements are; each is computed by one thread. */
    static int chunks(long length) {
        return Math.toIntExact((length + CHUNK - 1) / CHUNK);
    }

    /** The chunk that an element is in. */
    static int chunk(long element) {
        return (int) (element / CHUNK);
    }

    /** Computes {@code length} elements, {@value #TILE} at a time. */
    void forTiles(long length, Tile body) {
        workers.run(chunks(length), (worker, chunk) -> {
            long end = Math.min(length, (chunk + 1) * CHUNK);
            for (long first = chunk * CHUNK; first < end; first += TILE) {
                body.run(worker, first, (int) Math.min(TILE, end - first));
            }
        });
    }

    /**
     * Computes {@code length} elements in pieces for oneDNN: of few different lengths whatever the length, so that their
     * primitives are soon all compiled.
     */
    void forPieces(long length, Tile body) {
        workers.run(chunks(length), (worker, chunk) -> {
            long first = chunk * CHUNK;
            int left = (int) Math.min(CHUNK, length - first);
            for (int count = PIECE; left > 0; count = Math.max(1, count / 2)) {
                int piece = count > 16 ? count : left;
                for (; piece <= left && left > 0; left -= piece, first += piece) {
                    body.run(worker, first, piece);
                }
            }
        });
    }
}
