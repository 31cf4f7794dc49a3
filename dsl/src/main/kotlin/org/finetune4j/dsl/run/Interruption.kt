package org.finetune4j.dsl.run

import java.util.concurrent.CountDownLatch

/**
 * Lets a run end in good order when its process is asked to end (Ctrl-C, or a plain `kill`): while optimiser steps are
 * made, the Java machine waits in a shutdown hook until the step in hand is done and its checkpoint is written. At any
 * other time there is nothing to save, and the process ends at once.
 *
 * @param onRequest told when the run is going to be ended, on a thread of its own
 */
internal class Interruption(private val onRequest: () -> Unit) : AutoCloseable {
    /** Whether the process was asked to end. */
    @Volatile
    var requested: Boolean = false
        private set

    /** Whether optimiser steps are being made, so that work would be lost. */
    @Volatile
    var stepping: Boolean = false

    private val ended = CountDownLatch(1)
    private val hook = Thread({
        requested = true
        if (stepping) {
            onRequest()
            ended.await()
        }
    }, "finetune4j-stop")

    init {
        Runtime.getRuntime().addShutdownHook(hook)
    }

    /** Lets the process end if it was asked to; else gives up the hook. */
    override fun close() {
        ended.countDown()
        if (requested) {
            // The machine halts when the hook is done; until then nothing more of the script may run.
            Thread.sleep(Long.MAX_VALUE)
        }
        try {
            Runtime.getRuntime().removeShutdownHook(hook)
        } catch (_: IllegalStateException) {
            // The machine began to shut down in this very moment, which leaves nothing to remove.
        }
    }
}
