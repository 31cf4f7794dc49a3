package org.finetune4j.kernel.benchmark;

/**
 * What one call of a kernel must do.
 *
 * @param operations of matrix products, a multiplication and an addition counted as two
 * @param bytes      to read and write, nothing twice
 */
record Work(double operations, double bytes) {
    /** Seconds that the machine needs at least. */
    double limit(double operationsPerSecond, double bytesPerSecond) {
        return Math.max(operations / operationsPerSecond, bytes / bytesPerSecond);
    }
}
