package org.finetune4j.kernel.onednn;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.locks.LockSupport;

/**
 * Lets chunks of a kernel that add to the same numbers do so in a fixed order. A chunk may wait only for chunks before it:
 * those are handed out first, so that the one it waits for is done or being computed.
 */
final class Turns {
    private static final int SPINS = 2_000;
    private final AtomicIntegerArray done;
    private volatile boolean failed;

    /** Counts the turns taken of {@code places}, each from 0. */
    Turns(int places) {
        done = new AtomicIntegerArray(places);
    }

    /** Waits until {@code turn} turns have been taken at a place. */
    void await(int place, int turn) {
        for (int waited = 0; done.get(place) != turn; waited++) {
            if (failed) {
                throw new IllegalStateException("the chunk of this kernel that comes before has failed");
            }
            if (waited < SPINS) {
                Thread.onSpinWait();
            } else {
                // Whoever is waited for may lack a processor; leave it this one.
                LockSupport.parkNanos(20_000);
            }
        }
    }

    /** Ends the turn of whoever waited for {@code turn} at a place. */
    void end(int place, int turn) {
        done.set(place, turn + 1);
    }

    /** Runs a chunk; should it fail, those that wait for it do too. */
    void run(Runnable chunk) {
        boolean whole = false;
        try {
            chunk.run();
            whole = true;
        } finally {
            if (!whole) {
                failed = true;
            }
        }
    }
}
