package org.finetune4j.kernel.onednn;

import org.nd4j.linalg.api.buffer.DataType;

/**
 * What this machine can do at most, measured in this process: the fastest matrix product and the fastest ways through
 * memory that can be found, whoever computes them. Speeds of kernels and of whole steps are stated as shares of these.
 *
 * <p>Each measurement takes about a second, and memory of some hundred MiB that {@link #close} frees.
 */
public final class OneDnnLimits implements AutoCloseable {
    private final Workers workers;

    /**
     * The best of several ways.
     *
     * @param perSecond operations per second of a product, where a multiplication and an addition count as two; bytes
     *                  per second of memory
     * @param way       which was the best, in words
     */
    public record Rate(double perSecond, String way) {
    }

    /** Limits of as many threads as the processor has cores. */
    public OneDnnLimits() {
        this(Runtime.getRuntime().availableProcessors());
    }

    /**
     * Limits of a number of threads.
     *
     * @param threads at least 1; the calling thread is one of them
     */
    public OneDnnLimits(int threads) {
        workers = new Workers(threads);
    }

    /**
     * Operations per second of the best matrix product of this type with f32 accumulation: among shapes of training
     * steps and square ones, those that fit a core's cache too, with plain weights, weights in oneDNN's own blocks, and
     * through this project's kernel as a step calls it.
     *
     * @param type FLOAT or BFLOAT16; where the processor does not multiply the latter, the limit is that of FLOAT
     * @throws IllegalArgumentException when it is another type
     */
    public Rate products(DataType type) {
        try (ProductLimit limit = new ProductLimit(workers, type)) {
            return limit.best();
        }
    }

    /** Bytes per second, read and written together, of copies of memory far larger than the caches. */
    public Rate copying() {
        try (MemoryLimit limit = new MemoryLimit(workers)) {
            return limit.copying();
        }
    }

    /** Bytes per second of reading memory far larger than the caches, as decoding reads weights. */
    public Rate reading() {
        try (MemoryLimit limit = new MemoryLimit(workers)) {
            return limit.reading();
        }
    }

    /** Seconds of the fastest of so many runs, after one that is not counted. */
    static double fastest(int runs, Runnable run) {
        run.run();
        long best = Long.MAX_VALUE;
        for (int i = 0; i < runs; i++) {
            long start = System.nanoTime();
            run.run();
            best = Math.min(best, System.nanoTime() - start);
        }
        return best / 1e9;
    }

    @Override
    public void close() {
        workers.close();
    }
}
