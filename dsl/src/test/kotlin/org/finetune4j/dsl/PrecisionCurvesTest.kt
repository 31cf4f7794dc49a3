package org.finetune4j.dsl

import com.fasterxml.jackson.databind.ObjectMapper
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.core.NamedTag
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.doubles.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import org.finetune4j.model.FrozenWeights
import org.finetune4j.model.Precision
import java.nio.file.Files
import java.nio.file.Path
import kotlin.math.abs

/** The quickstart's training with other number formats: its curve may differ by far less than another seed makes it. */
class PrecisionCurvesTest : FunSpec({
    val folder: Path = tempdir().toPath()

    fun losses(name: String, precision: Precision, seed: Long, frozen: FrozenWeights = asActivations): List<Double> {
        val output = folder.resolve(name)
        val recipe = recipe {
            base("../samples/models/tiny")
            data(jsonl("../samples/data/quickstart-candidates.jsonl"), chatTemplate())
            select(grape())
            objective(asft(kl = 0.1))
            adapt(lora(rank = 8))
            train {
                maxSteps = STEPS
                tokensPerBatch = 2048
                optimizer = adamW(lr = 2e-3)
                this.precision = precision
                frozenWeights = frozen
                this.seed = seed
            }
            output(output.toString())
        }
        recipe.run(Terminal(terminalInterface = TerminalRecorder(outputInteractive = false))).close()
        val json = ObjectMapper()
        return Files.readAllLines(output.resolve("metrics.jsonl")).map(json::readTree)
            .filter { it.has("step") && it.has("loss") }.map { it["loss"].asDouble() }
    }

    fun distance(a: List<Double>, b: List<Double>) = a.zip(b) { x, y -> abs(x - y) }.average()

    test("bf16, with and without a base of bytes, follows f32 on the quickstart far closer than another seed does").config(
        tags = setOf(NamedTag("slow")),
    ) {
        val full = losses("f32", f32, 1)
        val half = losses("bf16", bf16, 1)
        val bytes = losses("int8", bf16, 1, int8)
        val otherSeed = losses("other-seed", f32, 2)
        listOf(full, half, bytes).forEach { it.size shouldBe STEPS.toInt() }
        // The curve must move, or following it would be no feat.
        full.first() - full.takeLast(5).average() shouldBeGreaterThan 0.2 * full.first()
        distance(full, half) shouldBeLessThan 0.2 * distance(full, otherSeed)
        distance(full, half) shouldBeLessThan 0.02 * full.average()
        distance(full, bytes) shouldBeLessThan 0.5 * distance(full, otherSeed)
        (bytes == half) shouldBe false
    }

    test("bytes without an adapter are refused before anything is trained") {
        val plan = recipe {
            base("../samples/models/tiny")
            data(jsonl("../samples/data/quickstart-candidates.jsonl"), chatTemplate())
            select(grape())
            train { frozenWeights = int8 }
            output(folder.resolve("never").toString())
        }.plan()
        plan.problems.single() shouldContain "train.frozenWeights is int8, but every weight of this run trains"
    }
}) {
    private companion object {
        const val STEPS = 24L
    }
}
