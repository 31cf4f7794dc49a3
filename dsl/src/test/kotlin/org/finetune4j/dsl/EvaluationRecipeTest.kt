package org.finetune4j.dsl

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import org.finetune4j.FinetuneException
import org.finetune4j.methods.decode.SelfEnsemble
import org.finetune4j.methods.evaluate.Examinee
import org.finetune4j.methods.evaluate.Examinee.Continuation
import java.lang.reflect.Proxy
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.readText

/** A recipe with metrics of every kind, on the tiny model of the samples. */
class EvaluationRecipeTest : FunSpec({
    val folder: Path = tempdir().toPath()
    fun path(name: String) = folder.resolve(name).toString()

    /** Sums whose answers stand among three choices. */
    fun sums(name: String, from: Int, count: Int) = path(name).also { file ->
        Files.write(
            Path.of(file),
            List(count) { i ->
                val a = from + 7 * i
                val right = a + 12
                """{"prompt": "Ben has $a nuts. He finds 12 more. How many nuts does Ben have now?", """ +
                    """"response": "$a + 12 = $right.\n#### $right", "answer": "$right", """ +
                    """"choices": ["$right", "9", "none"]}"""
            },
        )
    }

    fun evaluated(vararg heldOut: String) = recipe {
        base("../samples/models/tiny")
        data(jsonl(sums("train.jsonl", 20, 6)))
        heldOut(jsonl(heldOut.first()))
        adapt(lora(rank = 2))
        train { maxSteps = 2; tokensPerBatch = 512; optimizer = adamW(lr = 1e-3) }
        evaluate(
            exactMatch(),
            tokenF1(),
            rouge("rouge1", "rougeLsum"),
            perplexity(),
            multipleChoice(),
            calibration(bins = 5),
            passAtK(k = 1, n = 2, by = exactAnswer()),
            forgetting(on = jsonl(sums("general.jsonl", 300, 3)), metric = perplexity()),
            maxNewTokens = 12,
        )
        decode(selfEnsemble(vary = SelfEnsemble.Vary.PROMPT, templates = listOf("{prompt}", "{prompt} Count.")))
        output(path("run"))
    }

    test("metrics of every kind are measured before and after, shown, and kept with the run") {
        val recipe = evaluated(sums("held-out.jsonl", 31, 4))
        recipe.plan().problems.shouldBeEmpty()
        Recipe.fromJson(recipe.toJson()) shouldBe recipe
        val recorder = TerminalRecorder(ansiLevel = AnsiLevel.NONE, width = 160, outputInteractive = false)
        recipe.run(Terminal(terminalInterface = recorder)).use { tuned ->
            tuned.metrics.keys.toList() shouldContainExactly listOf(
                "exactMatch", "tokenF1", "rouge1", "rougeLsum", "perplexity", "multipleChoice", "ece", "mce", "nll", "entropy",
                "passAt1", "perplexity on ${path("general.jsonl")}", "heldOutLoss",
            )
            val perplexity = tuned.metrics.getValue("perplexity")
            perplexity.before().value() shouldBeGreaterThan perplexity.after().value()
            perplexity.after().value() shouldBeGreaterThan 1.0
            tuned.metrics.getValue("nll").after().signature() shouldContain "decode:[selfEnsemble{"
        }
        listOf("rougeLsum", "passAt1", "perplexity on").forEach { recorder.stdout() shouldContain it }
        Path.of(path("run"), "evaluation.json").readText() shouldContain "mean confidence"
    }

    test("a metric of a script is measured like any other, at exits too") {
        var calls = 0
        val surprise = metric("surprise") { samples, model ->
            calls++
            model.likelihoods(samples.map { Continuation(it, it.response()!!) }).map { -it.sum() }
        }
        val recipe = evaluated(sums("held-out.jsonl", 31, 4)).copy(
            evaluation = Evaluation(listOf(surprise, perExit(listOf(2, 6), surprise))),
            decoder = null,
            output = path("own"),
        )
        recipe.run(Terminal(terminalInterface = TerminalRecorder())).use { tuned ->
            tuned.metrics.keys.toList() shouldContainExactly listOf("surprise", "surprise at 2", "surprise at 6", "heldOutLoss")
            fun after(name: String) = tuned.metrics.getValue(name).after().value()
            after("surprise at 6") shouldBe after("surprise")
            after("surprise at 2") shouldBeGreaterThan after("surprise")
        }
        calls shouldBe 6
    }

    test("a metric of a script that gives no numbers is refused") {
        for ((scores, told) in listOf(emptyList<Double>() to "gave no score", listOf(1.0, Double.NaN) to "gave NaN")) {
            val metric = metric("mine") { _, _ -> scores }
            shouldThrow<FinetuneException> { metric.measure(emptyList(), Proxy.newProxyInstance(Examinee::class.java.classLoader, arrayOf(Examinee::class.java)) { _, _, _ -> null } as Examinee) }
                .message.orEmpty() shouldContain "metric(mine) $told"
        }
        shouldThrow<FinetuneException> { metric("mine", answersPerPrompt = -1) { _, _ -> listOf(1.0) } }
    }

    test("what a metric lacks is told by the plan with its place") {
        val plain = path("plain.jsonl").also { Files.writeString(Path.of(it), """{"prompt": "What?", "answer": "4"}""") }
        val problems = evaluated(plain).plan().problems
        problems.any { it.startsWith("evaluate: perplexity: plain.jsonl:1 has no text") } shouldBe true
        problems.any { it.startsWith("evaluate: calibration: plain.jsonl:1 has no field 'choices'") } shouldBe true
    }

    test("a decoder of nothing is refused") {
        evaluated(sums("held-out.jsonl", 31, 4)).copy(evaluation = null).plan().problems.single() shouldContain
            "decode: selfEnsemble makes probabilities of choices, for which no metric asks"
    }

    test("demonstrations are trained on with the last turn alone") {
        val data = jsonl(sums("train.jsonl", 20, 6)).inContext(k = 2)
        val recipe = evaluated(sums("held-out.jsonl", 31, 4)).copy(data = TrainingData(data))
        recipe.plan().problems.single() shouldContain "data.source.by: inContext puts demonstrations before every sample"
        recipe.copy(data = TrainingData(data, chatTemplate(supervise = Turns.LAST))).plan().problems.shouldBeEmpty()
    }
})
