package org.finetune4j.bench;

import java.util.Locale;
import org.finetune4j.kernel.onednn.OneDnnLimits;
import org.finetune4j.kernel.onednn.OneDnnLimits.Rate;
import org.finetune4j.model.Precision;

/**
 * What this machine can do at most, measured in this process on all its cores: what shares of the limit refer to.
 *
 * @param products operations per second of the best oneDNN matrix product of the precision, found among many
 * @param copying  bytes per second, read and written together, of copies of memory that no cache holds
 * @param reading  bytes per second of reading memory that no cache holds
 */
public record MachineLimits(Rate products, Rate copying, Rate reading) {
    /**
     * Measures, in about three seconds and with half a GiB of memory, which is freed again.
     *
     * @param precision F32 or BF16; where the processor does not multiply the latter, the limit is that of F32
     * @throws IllegalArgumentException when it is F64
     */
    public static MachineLimits measure(Precision precision) {
        try (OneDnnLimits limits = new OneDnnLimits()) {
            return new MachineLimits(limits.products(precision.type()), limits.copying(), limits.reading());
        }
    }

    /**
     * The limit of products alone, in a second and with little memory: a machine that others use too is not always as
     * fast, so that it is worth measuring before and after what it is compared with.
     */
    public static Rate products(Precision precision) {
        try (OneDnnLimits limits = new OneDnnLimits()) {
            return limits.products(precision.type());
        }
    }

    /** These limits, but that of products at least {@code other}. */
    public MachineLimits atLeast(Rate other) {
        return other.perSecond() > products.perSecond() ? new MachineLimits(other, copying, reading) : this;
    }

    /** The share of the limit, as 0.5 for a half, that so many operations in so many seconds are. */
    public double productShare(double operations, double seconds) {
        return operations / seconds / products.perSecond();
    }

    /** The three limits with how they were reached, one a line. */
    @Override
    public String toString() {
        return String.format(Locale.ROOT, "limit of products %8.1f GFLOP/s (%s)%n", products.perSecond() / 1e9,
                        products.way())
                + String.format(Locale.ROOT, "limit of copying  %8.1f GB/s (%s)%n", copying.perSecond() / 1e9, copying.way())
                + String.format(Locale.ROOT, "limit of reading  %8.1f GB/s (%s)%n", reading.perSecond() / 1e9, reading.way());
    }
}
