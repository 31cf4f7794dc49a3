package org.finetune4j.dsl.study

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import io.kotest.matchers.string.shouldStartWith
import org.finetune4j.dsl.adamW
import org.finetune4j.dsl.bf16
import org.finetune4j.dsl.dftDynamic
import org.finetune4j.dsl.grape
import org.finetune4j.dsl.gsm8kStrict
import org.finetune4j.dsl.jsonl
import org.finetune4j.dsl.lora
import org.finetune4j.dsl.sft
import org.finetune4j.dsl.sql
import org.finetune4j.dsl.take
import java.nio.file.Path
import kotlin.io.path.createTempDirectory
import kotlin.io.path.readText

/** Two arms with two seeds and two steps each on the committed model, really trained. */
class StudyEndToEndTest : FunSpec({
    val here: Path = createTempDirectory("study")
    val samples: Path = Path.of("..", "samples").toAbsolutePath().normalize()
    afterSpec { here.toFile().deleteRecursively() }

    /** Answers of the right form, so that there is a held-out loss, to prompts that are not among the first ones. */
    val heldOut = sql(
        "select prompt, responses[1].text as response, answer from '$samples/data/quickstart-candidates.jsonl' order by prompt limit 4 offset 300",
    )

    fun studied(name: String) = study(name, "${here.resolve(name)}") {
        seeds = listOf(1, 2)
        equalSteps(2)
        common {
            base("$samples/models/tiny")
            data(jsonl("$samples/data/quickstart-candidates.jsonl").take(24))
            heldOut(heldOut)
            select(grape())
            adapt(lora(rank = 4))
            train { tokensPerBatch = 512; optimizer = adamW(lr = 2e-3); precision = bf16 }
            evaluate(gsm8kStrict(), maxNewTokens = 4)
        }
        baseline("sft") { objective(sft()) }
        arm("dft") { objective(dftDynamic()) }
    }

    fun run(study: Study): Pair<StudyResults, String> {
        val recorder = TerminalRecorder(ansiLevel = AnsiLevel.NONE, width = 160, outputInteractive = false)
        return study.run(Terminal(terminalInterface = recorder)) to recorder.stdout()
    }

    test("arms are trained with equal budgets and compared, and a study that is run again reads its results") {
        val study = studied("objectives")
        study.plan().problems.shouldBeEmpty()
        val (results, text) = run(study)
        results.failures.shouldBeEmpty()
        results.metrics shouldBe listOf("exactMatch", "heldOutLoss")
        results.runs.map { it.steps } shouldBe List(4) { 2L }
        results.runs.first().supervisedTokens.toDouble() shouldBeGreaterThan 100.0
        val losses = results.runs.map { it.measurement("heldOutLoss")!! }
        losses.map { it.before }.distinct().size shouldBe 1
        losses.map { it.after }.distinct().size shouldBe 4
        results["dft"].toBaseline("heldOutLoss")!!.differences.mean shouldNotBe 0.0
        text shouldContain "run 4 of 4: dft, seed 2"
        // What the first run measured of the base model and the candidates serves all others.
        for (stage in listOf("score the candidate responses", "generate answers with the base model")) {
            text.lines().count { it.trim() == stage } shouldBe 1
        }
        results.toMarkdown() shouldContain "| sft |"
        here.resolve("objectives/heldOutLoss.svg").readText() shouldStartWith "<svg"

        val (again, silence) = run(study)
        again.toMarkdown() shouldBe results.toMarkdown()
        silence shouldNotContain "run 1 of 4"
    }

    test("a swept number is the horizontal axis of the plot") {
        val study = study("ranks") {
            common {
                base("$samples/models/tiny")
                data(jsonl("train.jsonl"))
            }
            baseline("full")
            arm("full")
            sweep("rank", 2, 4) { adapt(lora(rank = it)) }
        }
        StudyPlot.sweptNumber(study) shouldBe "rank"
        fun measured(arm: String, seed: Long, loss: Double) =
            StudyRun(arm, seed, "f", 1, 1, 1, 1.0, listOf(Measurement("heldOutLoss", "", 2.0, loss, null, 4, share = false)))
        val runs = study.arms.flatMapIndexed { i, arm -> listOf(1L, 2L).map { measured(arm.name, it, 1.0 + i + 0.1 * it) } }
        val svg = StudyPlot.svg(StudyResults(study, runs, emptyList()).plot("heldOutLoss"))
        listOf("ranks: heldOutLoss", "rank", "full", "heldOutLoss").forEach { svg shouldContain Regex(">\\s*$it\\s*</text>") }
        svg shouldContain "stroke-dasharray"
    }
})
