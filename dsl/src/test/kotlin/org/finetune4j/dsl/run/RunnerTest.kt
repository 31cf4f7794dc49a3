package org.finetune4j.dsl.run

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import org.finetune4j.FinetuneException
import org.finetune4j.data.Sample
import org.finetune4j.dsl.GgufType
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.adamW
import org.finetune4j.dsl.asft
import org.finetune4j.dsl.bf16
import org.finetune4j.dsl.chatTemplate
import org.finetune4j.dsl.exactMatch
import org.finetune4j.dsl.grape
import org.finetune4j.dsl.jsonl
import org.finetune4j.dsl.linear
import org.finetune4j.dsl.lora
import org.finetune4j.dsl.objective
import org.finetune4j.dsl.recipe
import org.finetune4j.methods.evaluate.MetricResult
import org.finetune4j.train.BaseModel
import org.finetune4j.train.FineTuned
import org.finetune4j.train.FineTuning
import org.finetune4j.train.MemoryEstimate
import org.finetune4j.train.Plan
import org.finetune4j.train.Schedule
import org.finetune4j.train.TrainingListener
import java.nio.file.Path
import java.util.function.Predicate
import kotlin.io.path.readText

private val MEMORY = MemoryEstimate(100L shl 20, 50L shl 20, 90L shl 20, 30L shl 20, 0, 40L shl 20, 4000L shl 20, true, 3, 8, 0.1)

/** A trainer that remembers its jobs, complains as it is told to, and makes two steps. */
private class ScriptedTrainer(private val problems: List<String> = emptyList()) : Runner.Trainer {
    val planned = mutableListOf<FineTuning>()
    val ran = mutableListOf<FineTuning>()

    override fun plan(job: FineTuning): Plan {
        planned += job
        return Plan(listOf("load the model", "train"), listOf("policy"), 1_000_000, 25_000, 600, 60_000, 27_000, 3, 58, MEMORY, 125.0, problems)
    }

    override fun run(job: FineTuning, listener: TrainingListener): FineTuned {
        ran += job
        for (step in 1L..2L) listener.stepMade(TrainingListener.StepEvent(step, 2, 1.0, emptyMap(), 1.0, 1e-4, 10, 5, 100.0, 1.0))
        return Tuned
    }

    object Tuned : FineTuned {
        override fun plan(): Plan = error("not asked for")

        override fun comparisons(): List<FineTuned.Comparison> = listOf(
            FineTuned.Comparison(
                "exactMatch",
                MetricResult.mean("exactMatch", "", listOf(0.0, 0.0), 0),
                MetricResult.mean("exactMatch", "", listOf(1.0, 1.0), 0),
            ),
        )

        override fun answers(): List<FineTuned.Answer> = listOf(FineTuned.Answer("q", "a", "b", "a"))

        override fun lastStep(): TrainingListener.StepEvent = error("not asked for")

        override fun generate(
            conversation: List<Sample.Message>,
            maxNewTokens: Int,
            temperature: Double,
            topK: Int,
            topP: Double,
            seed: Long,
            onText: Predicate<String>,
        ) = "${conversation.single().content()}, $maxNewTokens, $temperature, $topK, $topP, $seed"

        override fun save(folder: Path) = Unit

        override fun saveAdapter(folder: Path) = Unit

        override fun saveGguf(file: Path, type: GgufType) = Unit

        override fun close() = Unit
    }
}

class RunnerTest : FunSpec({
    val whole = recipe {
        base("models/tiny")
        data(jsonl("train.jsonl", prompt = "question"), chatTemplate())
        heldOut(jsonl("held-out.jsonl"))
        select(grape(candidates = "pool"))
        objective(asft(kl = 0.1))
        adapt(lora(rank = 8))
        train { epochs = 2; tokensPerBatch = 512; optimizer = adamW(lr = 3e-4); schedule = linear(warmup = 0.2); precision = bf16; clip = null }
        evaluate(exactMatch(), maxNewTokens = 32)
        output("target/runs/x")
    }

    fun recorder() = TerminalRecorder(ansiLevel = AnsiLevel.NONE, width = 200, outputInteractive = false)

    fun problems(recipe: Recipe, vararg ofTrainer: String) =
        Runner(Terminal(terminalInterface = recorder()), ScriptedTrainer(ofTrainer.toList())).plan(recipe).problems

    test("the trainer gets all that the recipe says") {
        val trainer = ScriptedTrainer()
        Runner(Terminal(terminalInterface = recorder()), trainer).plan(whole)
        val job = trainer.planned.single()
        job.base() shouldBe BaseModel.Pretrained(Path.of("models/tiny"))
        job.objective() shouldBe asft(kl = 0.1)
        job.adapter() shouldBe lora(rank = 8)
        job.selector() shouldBe grape(candidates = "pool")
        job.runFolder() shouldBe Path.of("target/runs/x")
        job.evaluation()?.maxNewTokens() shouldBe 32
        job.evaluation()?.metrics() shouldBe listOf(exactMatch())
        job.train().epochs() shouldBe 2
        job.train().maxSteps() shouldBe 0
        job.train().tokensPerBatch() shouldBe 512
        job.train().learningRate() shouldBe 3e-4
        job.train().schedule() shouldBe Schedule.LINEAR
        job.train().warmupFraction() shouldBe 0.2
        job.train().precision() shouldBe bf16
        job.train().clip() shouldBe Double.POSITIVE_INFINITY
        val source = job.data() as org.finetune4j.data.DataSource.JsonLinesSource
        source.mapping().prompt() shouldBe "question"
        source.mapping().responses() shouldBe "pool"
        Recipe.fromJson(job.recipe()) shouldBe whole
    }

    test("the plan tells stages, models, parameters, data, steps, memory and time") {
        val text = Runner(Terminal(terminalInterface = recorder()), ScriptedTrainer()).plan(whole).toString()
        listOf(
            "1. load the model", "2. train", "policy", "1,000,000, of which 25,000 train (2.5 %)",
            "600 samples, 60,000 tokens, 45.0 % of them learned, 3 left out", "58", "about 310 MiB of 3.9 GiB available",
            "parameters 100 MiB, gradients and moments 50.0 MiB", "activations 90.0 MiB: 3 of 8 blocks recomputed, 10.0 % more operations",
            "head chunk 30.0 MiB, program 40.0 MiB", "about 2 min 5 s", "target/runs/x",
        ).forEach { text shouldContain it }
        text shouldNotContain "cannot run"
    }

    test("a recipe that can run has no problems") {
        problems(whole).shouldBeEmpty()
    }

    test("all problems are told at once: those of the recipe and those of the trainer, in the recipe's words") {
        val recipe = whole.copy(heldOut = null, data = whole.data.copy(template = chatTemplate("missing.jinja")))
        val found = problems(recipe, "train.learningRate is -1.0, but must be at least 0 and finite.", "data.file is missing.")
        found shouldHaveSize 4
        found[0] shouldContain "evaluate: evaluate(...) has no samples to ask. Add heldOut("
        found[1] shouldContain "data.template: missing.jinja is not a file"
        found[2] shouldBe "train.optimizer.lr is -1.0, but must be at least 0 and finite."
        found[3] shouldBe "data.file is missing."
    }

    test("held-out samples that are trained on are refused") {
        problems(whole.copy(heldOut = whole.data.source)).single() shouldContain "heldOut: jsonl(\"train.jsonl\""
    }

    test("a recipe with problems does not run, and the message lists them") {
        val trainer = ScriptedTrainer(listOf("adapt.rank is too large."))
        val recorder = recorder()
        val refusal = shouldThrow<FinetuneException> { Runner(Terminal(terminalInterface = recorder), trainer).run(whole) }
        refusal.message shouldBe "This recipe cannot run, one problem:\n  - adapt.rank is too large."
        trainer.ran.shouldBeEmpty()
        recorder.stdout() shouldBe ""
    }

    test("a run shows its plan, its steps, the table and the answers, and gives the model back") {
        val recorder = recorder()
        val tuned = Runner(Terminal(terminalInterface = recorder), ScriptedTrainer()).run(whole)
        val text = recorder.stdout()
        listOf("1. load the model", "step 1/2", "step 2/2", "+100.0 points", "before     b", "after      a").zipWithNext { first, next ->
            text.indexOf(first) shouldNotBe -1
            (text.indexOf(first) < text.indexOf(next)) shouldBe true
        }
        tuned.folder shouldBe "target/runs/x"
        Recipe.fromJson(Path.of("target/runs/x/recipe.json").readText()) shouldBe whole
        tuned.metrics.getValue("exactMatch").after().value() shouldBe 1.0
        tuned.generate("hello", maxNewTokens = 5) shouldBe "hello, 5, 0.0, 0, 1.0, 42"
        tuned.generate("hello", temperature = 0.5, topK = 3, topP = 0.9, seed = 7) shouldBe "hello, 256, 0.5, 3, 0.9, 7"
    }

    test("without an output, equal recipes share a folder and others do not") {
        fun folder(recipe: Recipe) = Job(recipe).folder
        val recipe = whole.copy(output = null)
        folder(recipe) shouldBe folder(recipe.copy())
        folder(recipe) shouldNotBe folder(recipe.copy(objective = asft(kl = 0.2)))
        folder(recipe).startsWith("runs") shouldBe true
    }

    test("an objective of one's own runs like any other") {
        val trainer = ScriptedTrainer()
        val mine = objective("mine") { view -> view.logProbability().neg() }
        Runner(Terminal(terminalInterface = recorder()), trainer).run(whole.copy(objective = mine))
        trainer.ran.single().objective() shouldBe mine
    }
})
