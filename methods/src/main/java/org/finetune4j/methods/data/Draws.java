package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.finetune4j.kernel.CounterRandom;

/** A sequence of random choices that a seed, a purpose and a number decide; it is used by one thread. */
public final class Draws {
    private final long random;
    private long count;

    /** The choices for one purpose and, there, for one row or group. */
    public Draws(long seed, String purpose, long index) {
        random = CounterRandom.seed(seed, purpose, index);
    }

    /** A whole number of at least 0 and below a bound of at least 1. */
    public int below(int bound) {
        return (int) Long.remainderUnsigned(CounterRandom.bits(random, count++), bound);
    }

    /** A whole number from one to another, both included. */
    public int between(int low, int high) {
        return low + below(high - low + 1);
    }

    /** A real number in [0, 1). */
    public double real() {
        return (CounterRandom.bits(random, count++) >>> 11) * 0x1p-53;
    }

    /** One of several, each as likely as any other. */
    public <T> T pick(List<T> from) {
        return from.get(below(from.size()));
    }

    /** All of them in another order, each order as likely as any other. */
    public <T> List<T> shuffled(List<T> from) {
        List<T> order = new ArrayList<>(from);
        for (int i = order.size() - 1; i > 0; i--) {
            Collections.swap(order, i, below(i + 1));
        }
        return order;
    }

    /** So many different elements in random order; all of them where there are fewer. */
    public <T> List<T> sample(List<T> from, int size) {
        List<T> order = shuffled(from);
        return List.copyOf(order.subList(0, Math.min(size, order.size())));
    }
}
