package org.finetune4j.methods.generate;

/** Spreads requests evenly over time. */
final class Pace {
    private static final double NANOS_PER_MINUTE = 60e9;

    private final long gap;
    private long next = Long.MIN_VALUE;

    /** A pace of so many requests a minute, 0 for no limit. */
    Pace(double perMinute) {
        gap = perMinute == 0 ? 0 : (long) (NANOS_PER_MINUTE / perMinute);
    }

    /** Takes the next place and tells how many nanoseconds from {@code now} it is away, at least 0. */
    synchronized long reserve(long now) {
        long place = Math.max(now, next);
        next = place + gap;
        return place - now;
    }
}
