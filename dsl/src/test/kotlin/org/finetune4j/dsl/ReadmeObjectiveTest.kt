package org.finetune4j.dsl

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.Path
import kotlin.io.path.createTempDirectory
import kotlin.io.path.readText

/** The README's recipe with an objective of one's own stands here as code, letter by letter, and trains. */
class ReadmeObjectiveTest : FunSpec({
    val here: Path = createTempDirectory("readme")
    afterSpec { here.toFile().deleteRecursively() }

    // README: begin
    val recipe = recipe {
        base("samples/models/tiny")
        data(jsonl("samples/data/quickstart-candidates.jsonl"))
        heldOut(jsonl("samples/data/quickstart-heldout.jsonl"))
        select(grape())
        objective("focal") { tokens ->
            val probability = tokens.stopGradient(tokens.graph().math().exp(tokens.logProbability()))
            tokens.logProbability().neg().mul(probability.rsub(1.0))       // -(1 - p) log p
        }
        adapt(lora(rank = 8))
        train { tokensPerBatch = 2048; optimizer = adamW(lr = 2e-3) }
        evaluate(gsm8kStrict(), maxNewTokens = 64)
    }
    // README: end

    test("the README shows this code") {
        val code = Path.of("src/test/kotlin/org/finetune4j/dsl/ReadmeObjectiveTest.kt").readText()
            .substringAfter("// README: begin\n").substringBefore("    // README: end").trimIndent()
        Path.of("../README.md").readText() shouldContain "```kotlin\n$code\nrecipe.run()\n```"
    }

    test("it chooses, trains its adapter and measures") {
        fun samples(count: Long, source: DataSource) = (source as JsonLinesFile).copy(file = "../" + source.file).take(count)
        val recorder = TerminalRecorder(ansiLevel = AnsiLevel.NONE, width = 160, outputInteractive = false)
        val small = recipe.copy(
            base = ModelFolder("../samples/models/tiny"),
            data = recipe.data.copy(source = samples(16, recipe.data.source)),
            heldOut = samples(2, recipe.heldOut!!),
            training = recipe.training.copy(maxSteps = 2, tokensPerBatch = 512),
            evaluation = recipe.evaluation!!.copy(maxNewTokens = 4),
            output = "${here.resolve("run")}",
        )
        small.run(Terminal(terminalInterface = recorder)).use { tuned -> tuned.metrics.keys shouldBe setOf("exactMatch") }
        listOf("select with grape", "train 16 samples with focal", "step 2/2", "exactMatch").forEach { recorder.stdout() shouldContain it }
        val losses = here.resolve("run/metrics.jsonl").readText().lines().filter { "tokensPerSecond" in it }
        losses.size shouldBe 2
        losses[0].substringBefore("gradientNorm") shouldNotBe losses[1].substringBefore("gradientNorm")
    }
})
