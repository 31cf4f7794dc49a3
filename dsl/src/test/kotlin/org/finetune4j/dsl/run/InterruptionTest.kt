package org.finetune4j.dsl.run

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import java.nio.file.Path
import java.util.concurrent.TimeUnit

/** Makes "steps" until it is asked to end; stepping or not as its argument says. */
object InterruptedProcess {
    @JvmStatic
    fun main(arguments: Array<String>) {
        Interruption { println("stopping") }.use { interruption ->
            interruption.stepping = arguments.single() == "stepping"
            println("ready")
            while (!interruption.requested) Thread.sleep(5)
            Thread.sleep(100)
            println("checkpoint written")
        }
        println("the script went on")
    }
}

class InterruptionTest : FunSpec({
    fun interrupted(mode: String): Pair<String, Int> {
        val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
        val command = listOf(java, "-cp", System.getProperty("java.class.path"), InterruptedProcess::class.java.name, mode)
        val process = ProcessBuilder(command).redirectErrorStream(true).start()
        val output = process.inputStream.bufferedReader()
        val text = StringBuilder(output.readLine())
        process.toHandle().destroy()
        output.forEachLine { text.append('\n').append(it) }
        process.waitFor(60, TimeUnit.SECONDS) shouldBe true
        return text.toString() to process.exitValue()
    }

    test("a process that is asked to end while it steps finishes its step first, and nothing after it") {
        val (text, code) = interrupted("stepping")
        text shouldBe "ready\nstopping\ncheckpoint written"
        code shouldBe 128 + 15
    }

    test("at any other time it ends at once") {
        val (text, _) = interrupted("loading")
        text shouldContain "ready"
        text shouldNotContain "checkpoint written"
    }
})
