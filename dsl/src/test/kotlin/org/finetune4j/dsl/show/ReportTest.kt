package org.finetune4j.dsl.show

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.kotest.matchers.string.shouldNotContain
import org.finetune4j.methods.evaluate.MetricResult
import org.finetune4j.train.FineTuned

class ReportTest : FunSpec({
    fun shown(comparisons: List<FineTuned.Comparison>, answers: List<FineTuned.Answer> = emptyList()): String {
        val recorder = TerminalRecorder(ansiLevel = AnsiLevel.NONE, width = 120)
        Report(Terminal(terminalInterface = recorder)).show(comparisons, answers)
        return recorder.stdout()
    }

    fun row(text: String, name: String) = text.lines().first { name in it }.replace(Regex("\\s+"), " ")

    test("a metric whose items are right or wrong is told in per cent, with its change in points") {
        val before = MetricResult.mean("exactMatch", "", listOf(0.0, 0.0, 0.0, 1.0), 0)
        val after = MetricResult.mean("exactMatch", "", listOf(1.0, 0.0, 1.0, 1.0), 0)
        row(shown(listOf(FineTuned.Comparison("exactMatch", before, after))), "exactMatch") shouldMatch
            ".*25\\.0 % ± 25\\.0.*75\\.0 % ± 25\\.0.*\\+50\\.0 points.*4.*"
    }

    test("other numbers are told as they are") {
        fun loss(value: Double) = MetricResult("loss", "", value, null, 200, 0, emptyList())
        val row = row(shown(listOf(FineTuned.Comparison("loss", loss(1.25), loss(0.75)))), "loss")
        row shouldMatch ".*1\\.2500.*0\\.7500.*-0\\.5000.*200.*"
        row shouldNotContain "±"
    }

    test("two answers before and after are shown, line for line") {
        val answers = List(3) { FineTuned.Answer("question $it", "42", "", "6 * 7 = 42.\n#### 42") }
        val text = shown(emptyList(), answers)
        text shouldContain "prompt     question 1"
        text shouldContain "before     (nothing)"
        text shouldContain "after      6 * 7 = 42.\n           #### 42"
        text shouldNotContain "question 2"
    }
})
