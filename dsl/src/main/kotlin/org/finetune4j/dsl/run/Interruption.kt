package org.finetune4j.dsl.run

import java.util.concurrent.CountDownLatch

/**
 * Lets a run end in good order when its process is asked to end (Ctrl-C, or a plain `kill`): the Java machine waits in a
 * shutdown hook until the run has written its checkpoint and said how to go on.
 */
internal class Interruption : AutoCloseable {
    /** Whether the process was asked to end. */
    @Volatile
    var requested: Boolean = false
        private set

    private val ended = CountDownLatch(1)
    private val hook = Thread({
        requested = true
        ended.await()
    }, "finetune4j-stop")

    init {
        Runtime.getRuntime().addShutdownHook(hook)
    }

    /** Ends the process if it was asked to end; else gives up the hook. */
    override fun close() {
        if (requested) {
            ended.countDown()
            // The machine halts when the hook is done; until then nothing more of the script may run.
            Thread.sleep(Long.MAX_VALUE)
        }
        Runtime.getRuntime().removeShutdownHook(hook)
    }
}
