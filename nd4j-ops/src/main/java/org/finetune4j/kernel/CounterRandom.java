package org.finetune4j.kernel;

/**
 * A counter-based random generator: every number is a pure function of a seed and a counter, so that it does not depend
 * on threads, on order, or on what was drawn before. The mixing is SplitMix64's finaliser (Steele, Lea, Flood 2014).
 */
public final class CounterRandom {
    private CounterRandom() {
    }

    /** A 64-bit number for this seed and counter. */
    public static long bits(long seed, long counter) {
        return mix(mix(seed + 0x9E3779B97F4A7C15L) ^ (counter * 0xD1342543DE82EF95L + 0x632BE59BD9B4E019L));
    }

    /** A number in [0, 1) with 24 random bits. */
    public static float uniform(long seed, long counter) {
        return (bits(seed, counter) >>> 40) * 0x1p-24f;
    }

    /** A standard normal number, by Box and Muller. */
    public static double gaussian(long seed, long counter) {
        double u = ((bits(seed, 2 * counter) >>> 11) + 1) * 0x1p-53;
        double angle = 2 * Math.PI * ((bits(seed, 2 * counter + 1) >>> 11) * 0x1p-53);
        return Math.sqrt(-2 * Math.log(u)) * Math.cos(angle);
    }

    /** A seed for one purpose, derived from the run's seed, so that purposes do not share numbers. */
    public static long seed(long seed, String purpose, long index) {
        long value = seed;
        for (int i = 0; i < purpose.length(); i++) {
            value = bits(value, purpose.charAt(i));
        }
        return bits(value, index);
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
