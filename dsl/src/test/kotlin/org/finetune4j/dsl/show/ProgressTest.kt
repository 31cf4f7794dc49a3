package org.finetune4j.dsl.show

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import org.finetune4j.train.TrainingListener
import java.nio.file.Path

class ProgressTest : FunSpec({
    val second = 1_000_000_000L

    fun step(step: Long, total: Long = 40, loss: Double = 1.5) =
        TrainingListener.StepEvent(step, total, loss, emptyMap(), 1.0, 1e-4, 2048, 900, 5432.1, 75.0)

    fun recorder(interactive: Boolean) =
        TerminalRecorder(ansiLevel = AnsiLevel.NONE, width = 120, outputInteractive = interactive)

    test("elsewhere than on a terminal: the first step, the last, and one line every ten seconds between") {
        val recorder = recorder(interactive = false)
        var now = 0L
        Progress(Terminal(terminalInterface = recorder), nanoTime = { now }).use { progress ->
            for (i in 1L..40L) {
                now += second
                progress.stepMade(step(i))
            }
        }
        recorder.stdout().trim().lines().map { it.substringBefore("  ") } shouldContainExactly
            listOf("step 1/40", "step 11/40", "step 21/40", "step 31/40", "step 40/40")
        recorder.stdout() shouldContain "step 11/40  loss 1.5000  5,432 tokens/s  1 min 15 s left"
    }

    test("on a terminal a bar with loss, speed and time left") {
        val recorder = recorder(interactive = true)
        Progress(Terminal(terminalInterface = recorder)).use { it.stepMade(step(10, loss = 0.25)) }
        recorder.stdout() shouldContain "step 10/40  loss 0.2500  5,432 tokens/s  1 min 15 s left"
        recorder.stdout() shouldContain "━"
    }

    test("a bar is drawn ten times a second at most, but its end always") {
        val recorder = recorder(interactive = true)
        var now = 0L
        Progress(Terminal(terminalInterface = recorder), nanoTime = { now }).use { progress ->
            for (i in 1L..40L) {
                now += second / 1000
                progress.stepMade(step(i))
            }
        }
        recorder.stdout() shouldContain "step 1/40"
        recorder.stdout() shouldNotContain "step 20/40"
        recorder.stdout() shouldContain "step 40/40"
    }

    test("a run that is continued says that it was finished only when no step is made") {
        fun shown(steps: Int): String = recorder(interactive = false).also { recorder ->
            Progress(Terminal(terminalInterface = recorder)).use { progress ->
                progress.resumed(12, Path.of("c"))
                repeat(steps) { progress.stepMade(step(13)) }
            }
        }.stdout()
        shown(steps = 0) shouldContain "finished already"
        shown(steps = 1) shouldNotContain "finished already"
    }

    test("stages, warnings, held-out losses and what was selected are told") {
        val recorder = recorder(interactive = false)
        Progress(Terminal(terminalInterface = recorder)).use { progress ->
            progress.stageBegan("load the model")
            progress.resumed(12, Path.of("runs/x/checkpoints/12"))
            progress.warned("the first loss is high")
            progress.selected(linkedMapOf("prompts" to "600", "from steps" to "80.0 % (480)"))
            progress.evaluated(TrainingListener.EvaluationEvent(20, 0.75, emptyMap(), 100))
        }
        val text = recorder.stdout()
        text shouldContain "load the model"
        text shouldContain "going on from step 12 of runs/x/checkpoints/12; to start afresh, delete"
        text shouldContain "warning: the first loss is high"
        text shouldContain "  from steps  80.0 % (480)"
        text shouldContain "step 20: held-out loss 0.7500"
    }
})
