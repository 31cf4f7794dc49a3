package org.finetune4j.dsl.show

import com.github.ajalt.mordant.animation.Animation
import com.github.ajalt.mordant.animation.animation
import com.github.ajalt.mordant.rendering.TextColors.yellow
import com.github.ajalt.mordant.rendering.Whitespace
import com.github.ajalt.mordant.table.horizontalLayout
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.widgets.ProgressBar
import com.github.ajalt.mordant.widgets.Text
import org.finetune4j.dsl.run.Interruption
import org.finetune4j.train.TrainingListener
import java.nio.file.Path
import java.util.Locale

/**
 * Shows a run as it goes: on a terminal one bar that moves, elsewhere a line every [interval] nanoseconds at most.
 *
 * @param interruption tells whether the run is to end after the step in hand
 * @param nanoTime the clock, in nanoseconds from any origin
 */
internal class Progress(
    private val terminal: Terminal,
    private val interruption: Interruption? = null,
    private val interval: Long = LINE_INTERVAL,
    private val nanoTime: () -> Long = System::nanoTime,
) : TrainingListener, AutoCloseable {
    private class State(val done: Long, val total: Long, val text: String)

    private var bar: Animation<State>? = null
    private var shown = 0L

    /** Whether a run was continued and no step made since. */
    private var nothingLeft = false

    override fun stageBegan(stage: String) {
        interruption?.stepping = false
        endLeg()
        terminal.println(stage)
    }

    override fun stageProgressed(stage: String, done: Long, total: Long) {
        show(State(done, total, "$done/$total"), plain = "$stage: $done/$total", first = done == 1L)
    }

    override fun stepMade(event: TrainingListener.StepEvent) {
        nothingLeft = false
        interruption?.stepping = event.step() < event.totalSteps()
        val text = "step %d/%d  loss %.4f  %s tokens/s  %s left".format(
            Locale.ROOT,
            event.step(),
            event.totalSteps(),
            event.loss(),
            count(event.tokensPerSecond().toLong()),
            duration(event.remainingSeconds()),
        )
        show(State(event.step(), event.totalSteps(), text), plain = text, first = event.step() == 1L)
    }

    override fun evaluated(event: TrainingListener.EvaluationEvent) {
        if (event.step() > 0) line("step ${event.step()}: held-out loss %.4f".format(Locale.ROOT, event.loss()))
    }

    override fun selected(report: Map<String, String>) {
        endBar()
        val width = report.keys.maxOfOrNull { it.length } ?: 0
        report.forEach { (name, value) -> terminal.println("  ${name.padEnd(width)}  $value", whitespace = Whitespace.PRE) }
    }

    override fun resumed(step: Long, folder: Path) {
        nothingLeft = true
        line("going on from step $step of $folder; to start afresh, delete that run's folder")
    }

    override fun stopRequested(): Boolean = interruption?.requested == true

    override fun warned(message: String) {
        line(yellow("warning: $message"))
    }

    override fun close() {
        endLeg()
    }

    private fun endLeg() {
        endBar()
        if (nothingLeft) terminal.println("the run was finished already: its result is loaded, and nothing is trained")
        nothingLeft = false
    }

    /** Ends the bar and leaves its last state on the screen. */
    private fun endBar() {
        bar?.stop()
        bar = null
    }

    /** Text that stays, above the bar if there is one. */
    private fun line(text: String) {
        endBar()
        terminal.println(text)
    }

    private fun show(state: State, plain: String, first: Boolean) {
        val now = nanoTime()
        val last = state.done >= state.total
        if (terminal.terminalInfo.outputInteractive) {
            if (bar != null && !last && now - shown < FRAME) return
            val moving = bar ?: terminal.animation<State> { render(it) }.also { bar = it }
            moving.update(state)
            if (last) endBar()
        } else {
            if (!first && !last && now - shown < interval) return
            terminal.println(plain)
        }
        shown = now
    }

    private fun render(state: State) = horizontalLayout {
        cell(ProgressBar(total = state.total, completed = state.done, width = BAR_WIDTH))
        cell(Text(state.text, whitespace = Whitespace.PRE))
    }

    private companion object {
        const val LINE_INTERVAL = 10_000_000_000L
        const val FRAME = 100_000_000L
        const val BAR_WIDTH = 24
    }
}
