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
import org.finetune4j.data.FileSource
import org.finetune4j.data.LengthStatistics
import org.finetune4j.data.LengthStatistics.Bin
import org.finetune4j.data.format.FieldMapping
import org.finetune4j.data.format.Part
import org.finetune4j.data.read.FileKind
import org.finetune4j.data.transform.HashSplit
import org.finetune4j.data.transform.Range
import org.finetune4j.dsl.DataSource
import org.finetune4j.dsl.GgufType
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.adamW
import org.finetune4j.dsl.asft
import org.finetune4j.dsl.bf16
import org.finetune4j.dsl.chatTemplate
import org.finetune4j.dsl.exactMatch
import org.finetune4j.dsl.fields
import org.finetune4j.dsl.grape
import org.finetune4j.dsl.jsonl
import org.finetune4j.dsl.linear
import org.finetune4j.dsl.lora
import org.finetune4j.dsl.objective
import org.finetune4j.dsl.recipe
import org.finetune4j.dsl.shuffle
import org.finetune4j.dsl.split
import org.finetune4j.dsl.take
import org.finetune4j.generation.EndReason
import org.finetune4j.generation.Depth
import org.finetune4j.generation.GeneratedText
import org.finetune4j.generation.GeneratedTokens
import org.finetune4j.generation.GenerationLimits
import org.finetune4j.generation.GenerationSettings
import org.finetune4j.generation.GenerationSettings.EarlyStopping
import org.finetune4j.generation.TextListener
import org.finetune4j.generation.TextStream
import org.finetune4j.methods.evaluate.MetricResult
import org.finetune4j.methods.generate.TextModel
import org.finetune4j.tokenizer.Message
import org.finetune4j.train.BaseModel
import org.finetune4j.train.DataSummary
import org.finetune4j.train.FineTuned
import org.finetune4j.train.FineTuning
import org.finetune4j.train.MemoryEstimate
import org.finetune4j.train.Plan
import org.finetune4j.train.Schedule
import org.finetune4j.train.TrainingListener
import java.nio.file.Path
import kotlin.io.path.readText

private val MEMORY = MemoryEstimate(100L shl 20, 50L shl 20, 90L shl 20, 30L shl 20, 0, 0, 0, 20L shl 20, 12L shl 20, 0, 40L shl 20, 4000L shl 20, true, 3, 8, 0.1)

private val DATA = DataSummary(
    listOf("train.jsonl read as messages ('messages'): 603"),
    LengthStatistics(603, 10, 96, 210, 400, 812, "train.jsonl:17", 99.0, listOf(Bin(0, 99, 400), Bin(100, 199, 0), Bin(200, 299, 203))),
    2,
)

/** A trainer that remembers its jobs, complains as it is told to, and makes two steps. */
private class ScriptedTrainer(private val problems: List<String> = emptyList()) : Runner.Trainer {
    val planned = mutableListOf<FineTuning>()
    val ran = mutableListOf<FineTuning>()

    override fun prepare(job: FineTuning): Runner.Prepared = object : Runner.Prepared {
        override val plan = plan(job)

        override fun run(base: BaseModel, listener: TrainingListener): FineTuned {
            ran += job
            for (step in 1L..2L) listener.stepMade(TrainingListener.StepEvent(step, 2, 1.0, emptyMap(), 1.0, 1e-4, 10, 5, 100.0, 1.0))
            return Tuned
        }
    }

    private fun plan(job: FineTuning): Plan {
        planned += job
        return Plan(listOf("load the model", "train"), listOf("policy"), 1_000_000, 25_000, 600, 60_000, 27_000, 3, 58, MEMORY, 125.0, DATA, problems)
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

        override fun generation(): GenerationSettings.Builder = GenerationSettings.builder().stopIds(setOf(1))

        override fun generate(
            conversation: List<Message>,
            settings: GenerationSettings,
            listener: TextListener,
        ): List<GeneratedText> {
            val text = conversation.single().content() + ", " + settings
            listener.onText(0, 0, text)
            return listOf(GeneratedText(text, GeneratedTokens(0, 0, intArrayOf(), emptyList(), EndReason.LENGTH, Double.NaN)))
        }

        override fun stream(conversation: List<Message>, settings: GenerationSettings): TextStream = error("not asked for")

        override fun texts(): TextModel = error("not asked for")

        override fun limitGeneration(limits: GenerationLimits) = Unit

        override fun depth(depth: Depth) = Unit

        override fun decidedBehind(): Map<Int, Long> = emptyMap()

        override fun save(folder: Path) = Unit

        override fun saveAdapter(folder: Path) = Unit

        override fun saveGguf(file: Path, type: GgufType) = Unit

        override fun close() = Unit
    }
}

class RunnerTest : FunSpec({
    val whole = recipe {
        base("models/tiny")
        data(jsonl("train.jsonl", fields(prompt = "question")), chatTemplate())
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
        job.selectors() shouldBe listOf(grape(candidates = "pool"))
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
        job.data() shouldBe FileSource(
            "train.jsonl",
            FileKind.JSON_LINES,
            FieldMapping.standard().with(Part.PROMPT, "question").with(Part.RESPONSES, "pool"),
            "",
        )
        Recipe.fromJson(job.recipe()) shouldBe whole
    }

    test("both sides of a split have their candidates where the selector says, and other held-out samples do not") {
        val trainer = ScriptedTrainer()
        fun responses(heldOut: DataSource): String? {
            val train = jsonl("train.jsonl").split(heldOut = 0.1).train.shuffle()
            Runner(Terminal(terminalInterface = recorder()), trainer)
                .plan(whole.copy(data = whole.data.copy(source = train), heldOut = heldOut))
            val given = trainer.planned.last().evaluation()?.heldOut()
            val files = generateSequence(given) { (it as? HashSplit)?.source() ?: (it as? Range)?.source() }.last()
            return (files as FileSource).mapping().named()[Part.RESPONSES]
        }
        responses(jsonl("train.jsonl").split(heldOut = 0.1).heldOut) shouldBe "pool"
        responses(jsonl("train.jsonl").split(heldOut = 0.1).heldOut.take(5)) shouldBe "pool"
        responses(jsonl("other.jsonl").split(heldOut = 0.1).heldOut) shouldBe null
        responses(jsonl("held-out.jsonl")) shouldBe null
    }

    test("a folder of caches that is empty or relative counts as none") {
        val usual = Path.of(System.getProperty("user.home"), ".cache")
        listOf(null, "", "cache").forEach { Job.userCache(it) shouldBe usual }
        Job.userCache(usual.resolve("x").toString()) shouldBe usual.resolve("x")
    }

    test("the plan tells stages, models, parameters, data, steps, memory and time") {
        val text = Runner(Terminal(terminalInterface = recorder()), ScriptedTrainer()).plan(whole).toString()
        listOf(
            "1. load the model", "2. train", "policy", "1,000,000, of which 25,000 train (2.5 %)",
            "600 samples, 60,000 tokens, 45.0 % of them learned, 3 left out", "58", "about 310 MiB of 3.9 GiB available",
            "            train.jsonl read as messages ('messages'): 603\n",
            "            tokens 10 to 812 (train.jsonl:17), half at most 96, 90 % at most 210, 99 % at most 400\n",
            "            lengths █ ▄ by 100 tokens\n            2 cut for their length\n",
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
        text shouldContain "answers before and after: keys and values 20.0 MiB, the rest 12.0 MiB"
        listOf("1. load the model", "step 1/2", "step 2/2", "+100.0 points", "before     b", "after      a").zipWithNext { first, next ->
            text.indexOf(first) shouldNotBe -1
            (text.indexOf(first) < text.indexOf(next)) shouldBe true
        }
        tuned.folder shouldBe "target/runs/x"
        Recipe.fromJson(Path.of("target/runs/x/recipe.json").readText()) shouldBe whole
        tuned.metrics.getValue("exactMatch").after().value() shouldBe 1.0
        fun told(settings: GenerationSettings.Builder) = "hello, " + settings.stopIds(setOf(1)).build()
        tuned.generate("hello") { maxNewTokens = 5 } shouldBe told(GenerationSettings.builder().maxNewTokens(5).seed(42))
        val heard = mutableListOf<String>()
        val drawn = tuned.generate("hello") {
            temperature = 0.5
            topK = 3
            topP = 0.9
            minP = 0.05
            typicalP = 0.8
            minNewTokens = 2
            repetitionPenalty = 1.1
            presencePenalty = 0.2
            frequencyPenalty = 0.3
            noRepeatNgram = 4
            logitBias = mapOf(3 to 1.5)
            bannedTokens = setOf(9)
            seed = 7
            samples = 2
            lengthPenalty = 0.5
            earlyStopping = EarlyStopping.WHEN_FULL
            logProbabilities = 2
            stop("a", "b")
            onText { heard.add(it) }
        }
        drawn shouldBe told(
            GenerationSettings.builder().temperature(0.5).topK(3).topP(0.9).minP(0.05).typicalP(0.8).minNewTokens(2)
                .repetitionPenalty(1.1).presencePenalty(0.2).frequencyPenalty(0.3).noRepeatNgram(4).logitBias(mapOf(3 to 1.5))
                .bannedTokens(setOf(9)).seed(7).samples(2).lengthPenalty(0.5).earlyStopping(EarlyStopping.WHEN_FULL)
                .logProbabilities(2).stopStrings(listOf("a", "b")),
        )
        heard shouldBe listOf(drawn)
        val contradiction = shouldThrow<FinetuneException> { tuned.generate("hello") { beams = 2; temperature = 1.0 } }
        contradiction.message!! shouldContain "beams 2"
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
