package org.finetune4j.methods.objective;

import org.finetune4j.model.EngineForecast;

/**
 * What passes beside those of the training need, for a plan.
 *
 * @param bytes      memory that they hold beside the weights: intermediate arrays, heads and copies
 * @param products   operations of matrix products for each micro-batch
 * @param movedBytes bytes that their other operations read and write for each micro-batch
 */
public record PassForecast(long bytes, double products, double movedBytes) {
    /** No pass. */
    public static final PassForecast NONE = new PassForecast(0, 0, 0);

    /** An engine of its own that runs once for each micro-batch. */
    public static PassForecast of(EngineForecast engine) {
        return new PassForecast(engine.arenaBytes() + engine.headBytes() + engine.referenceBytes(), engine.products(),
                engine.movedBytes());
    }

    /** Both. */
    public PassForecast plus(PassForecast other) {
        return new PassForecast(bytes + other.bytes, products + other.products, movedBytes + other.movedBytes);
    }
}
