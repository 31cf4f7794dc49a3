package org.finetune4j.dsl

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.doubles.shouldBeLessThan
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.kotest.matchers.string.shouldNotContain
import org.finetune4j.FinetuneException
import org.finetune4j.generation.EndReason
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.exists
import kotlin.io.path.readText
import kotlin.random.Random

/** A recipe from nothing to a new model, and a recipe from that model to a tuned one, with real weights. */
class EndToEndTest : FunSpec({
    val folder: Path = tempdir().toPath()
    fun path(name: String) = folder.resolve(name).toString()
    fun write(name: String, lines: List<String>) = path(name).also { Files.write(Path.of(it), lines) }

    val words = listOf("red", "blue", "green", "white")
    val random = Random(5)
    val corpus = List(60) { List(6) { words.random(random) }.joinToString(" ") }
    val prompts = List(12) { i -> "Say ${words[i % 4]} $i." }

    fun recorder() = TerminalRecorder(ansiLevel = AnsiLevel.NONE, width = 160, outputInteractive = false)

    lateinit var model: String

    fun tuning(rank: Int = 2, heldOut: String = "held-out.jsonl") = recipe {
        base(model)
        data(jsonl(path("train.jsonl")), chatTemplate())
        heldOut(jsonl(path(heldOut)))
        select(grape())
        objective(asft(kl = 0.1))
        adapt(lora(rank = rank))
        train { maxSteps = 3; tokensPerBatch = 256; optimizer = adamW(lr = 1e-2); checkpointEvery = 1 }
        evaluate(exactMatch(trim = true), maxNewTokens = 4)
        output(path("tuning"))
    }

    beforeSpec {
        write("corpus.jsonl", corpus.map { """{"text": "$it"}""" })
        write("train.jsonl", prompts.mapIndexed { i, p -> """{"prompt": "$p", "responses": ["${words[i % 4]}", "It is ${words[i % 4]}, I say"]}""" })
        write("held-out.jsonl", List(4) { i -> """{"prompt": "Tell ${words[i]}.", "response": "${words[i]}", "answer": "${words[i]}"}""" })
        trainTokenizer(corpus.asSequence() + prompts, path("tokenizer"), vocabularySize = 280, contextLength = 64)
        model = path("model")
        val recipe = recipe {
            base(newModel(layers = 2, hidden = 32, heads = 2, contextLength = 64), tokenizer = path("tokenizer"))
            data(jsonl(path("corpus.jsonl")))
            heldOut(jsonl(write("pages.jsonl", List(4) { """{"text": "red blue green white"}""" })))
            train { epochs = 4; tokensPerBatch = 256; optimizer = adamW(lr = 1e-2) }
            output(path("pretraining"))
        }
        recipe.run(Terminal(terminalInterface = recorder())).use { tuned ->
            val loss = tuned.metrics.getValue("heldOutLoss")
            loss.after().value() shouldBeLessThan loss.before().value() - 0.5
            tuned.save(model)
        }
    }

    test("the plan of a new model tells nothing of its temporary folder, and leaves nothing") {
        val plan = recipe {
            base(newModel(layers = 1, hidden = 32, heads = 2, contextLength = 64), tokenizer = path("tokenizer"))
            data(jsonl(path("corpus.jsonl")))
            output(path("never"))
        }.plan()
        plan.problems.shouldBeEmpty()
        plan.toString() shouldNotContain "finetune4j-plan"
        Path.of(path("never")).exists() shouldBe false
    }

    test("a new model is saved in the Hugging Face layout") {
        for (file in listOf("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")) {
            Path.of(model, file).exists() shouldBe true
        }
    }

    test("the plan knows parameters, data and steps without loading a weight") {
        val plan = tuning().plan()
        plan.problems.shouldBeEmpty()
        plan.plan.steps() shouldBe 3
        plan.plan.samples() shouldBe 12
        plan.plan.trainableParameters() shouldBe 2 * 2 * (4L * (32 + 32) + 3L * (32 + 96))
        plan.plan.memoryBytes() shouldBeGreaterThan 0
    }

    test("a recipe runs to the end, shows what it did, and its result can be saved, and run again without training") {
        val recorder = recorder()
        tuning().run(Terminal(terminalInterface = recorder)).use { tuned ->
            tuned.metrics.keys shouldBe setOf("exactMatch", "heldOutLoss")
            tuned.answers shouldHaveSize 2
            tuned.save(path("tuned"))
            tuned.saveAdapter(path("adapter"))
            val text = recorder.stdout()
            listOf("select with grape", "step 3/3", "exactMatch", "heldOutLoss", "before", "after").forEach { text shouldContain it }
        }
        Path.of(path("tuned"), "model.safetensors").exists() shouldBe true
        Path.of(path("adapter"), "adapter_model.safetensors").exists() shouldBe true

        val again = recorder()
        tuning().run(Terminal(terminalInterface = again)).close()
        again.stdout() shouldContain "going on from step 3"
        again.stdout() shouldContain "the run was finished already"
        again.stdout() shouldNotContain "step 1/3"
    }

    test("every problem of a recipe is told at once, with its place") {
        val recipe = tuning(rank = 4096, heldOut = "nowhere.jsonl").let { it.copy(training = it.training.copy(tokensPerBatch = 0)) }
        val problems = recipe.plan().problems
        problems shouldHaveSize 3
        problems.single { it.startsWith("train.tokensPerBatch is 0") }
        problems.single { it.startsWith("adapt") && "rank 4096 is larger than the smaller side" in it }
        problems.single { it.startsWith("heldOut") && "nowhere.jsonl does not exist" in it }
    }

    test("a folder without a model is refused before anything runs") {
        val problems = tuning().copy(base = ModelFolder(path("no-model"))).plan().problems
        problems.single() shouldContain "no-model"
    }

    test("a selector without candidates to choose from is refused by the plan") {
        val single = write("single.jsonl", prompts.map { """{"prompt": "$it", "response": "red"}""" })
        val problems = tuning().let { it.copy(data = it.data.copy(source = jsonl(single))) }.plan().problems
        problems.single() shouldContain "nothing to choose"
    }

    test("candidates without a selector are refused by the plan") {
        tuning().copy(selectors = emptyList()).plan().problems.single() shouldContain "nothing chooses among them"
    }

    test("an objective of one's own trains") {
        val mine = objective("mine") { view -> view.logProbability().neg().mul(0.5) }
        val recipe = tuning().copy(objective = mine, output = path("mine"))
        recipe.run(Terminal(terminalInterface = recorder())).close()
        Path.of(path("mine"), "checkpoints").exists() shouldBe true
    }

    test("an objective is taught by another model, on responses that are chosen anew in every pass") {
        val teacher = path("tuned")
        val recipe = tuning().let {
            it.copy(
                selectors = listOf(eachEpoch(grape())),
                objective = taught(asft(kl = 0.5), teacher = teacher, temperature = 1.5),
                training = it.training.copy(maxSteps = null, epochs = 2),
                output = path("taught"),
            )
        }
        Recipe.fromJson(recipe.toJson()) shouldBe recipe
        val plan = recipe.plan()
        plan.problems.shouldBeEmpty()
        listOf(
            "reference: the model $teacher, which stays as it is", "weights of the reference", "further passes",
            "at the start of every pass, select with grape",
        ).forEach { plan.toString() shouldContain it }
        val recorder = recorder()
        recipe.run(Terminal(terminalInterface = recorder)).close()
        "mean log-probability a token, chosen".toRegex().findAll(recorder.stdout()).count() shouldBe 2
        recorder.stdout() shouldContain "load the teacher $teacher"
        val mine = objective("mine", needsReference = true) { it.klDivergence(it.referenceLogits(), it.logits()) }
        recipe.copy(objective = taught(mine, teacher = teacher), output = path("taught-mine")).run(Terminal(terminalInterface = recorder())).close()
        recipe.copy(objective = taught(mine, teacher = path("no-model"))).plan().problems.single() shouldContain "no-model"
        shouldThrow<FinetuneException> { Recipe.fromJson(recipe.toJson().replace("\"grape\"", "\"branchFilter\"")) }
    }

    test("a run begins with the weights of another run that it continues from") {
        fun loss(tuned: TunedModel) = tuned.metrics.getValue("heldOutLoss")
        val first = tuning().run(Terminal(terminalInterface = recorder())).use(::loss)
        val second = tuning().copy(objective = sft(), output = path("second"), continueFrom = path("tuning"))
        val continued = second.run(Terminal(terminalInterface = recorder())).use(::loss)
        continued.before().value() shouldBe (first.after().value() plusOrMinus 1e-6)
        (first.after().value() == first.before().value()) shouldBe false
    }

    test("a run without checkpoints is nothing to continue from") {
        tuning().copy(continueFrom = path("nowhere")).plan().problems.single() shouldContain
            "continueFrom: ${path("nowhere")} is no folder of a run with checkpoints"
    }

    test("a generated answer follows its seed, and numbers out of range are refused") {
        tuning().run(Terminal(terminalInterface = recorder())).use { tuned ->
            fun drawn(number: Long) = tuned.generate(prompts[0]) {
                maxNewTokens = 12
                temperature = 5.0
                topK = 50
                topP = 0.99
                seed = number
            }
            drawn(1) shouldBe drawn(1)
            List(5) { drawn(it.toLong()) }.distinct().size shouldBeGreaterThan 1
            val greedy = tuned.generate(prompts[0]) { maxNewTokens = 4 }
            tuned.generate(prompts[0]) { maxNewTokens = 4; temperature = 5.0; topK = 1 } shouldBe greedy
            tuned.stream(prompts[0]) { maxNewTokens = 4 }.joinToString("") shouldBe greedy
            tuned.stream(prompts[0]) { maxNewTokens = 4; cancelWhen { true } }.toList() shouldBe emptyList()
            val heard = mutableListOf<String>()
            val first = tuned.stream(prompts[0]) { maxNewTokens = 4; onText { heard.add(it); false } }.toList()
            first shouldBe heard
            first.size shouldBe 1
            shouldThrow<FinetuneException> { tuned.generate(prompts[0]) { topP = 0.0 } }.message!! shouldContain "topP"
            tuned.generate(prompts[0]) { regex("[0-9]{3}"); temperature = 1.0 } shouldMatch Regex("[0-9]{3}")
            tuned.generations(prompts[0]) { json("""{"enum": ["yes", "no"]}"""); temperature = 1.0; samples = 3; logProbabilities = 1 }.map {
                it.reason() shouldBe EndReason.STRUCTURE_COMPLETE
                it.tokens().choices().size shouldBe it.tokens().tokens().size
                it.text() shouldMatch Regex("\"(yes|no)\"")
            }.size shouldBe 3
            val cut = greedy.substring(1)
            if (cut.isNotEmpty()) tuned.generate(prompts[0]) { maxNewTokens = 4; stop(cut) } shouldBe greedy.substringBefore(cut)
            tuned.generations(prompts[0]) { maxNewTokens = 4; cancelWhen { true } }.single().reason() shouldBe EndReason.CANCELLED
            tuned.limitGeneration(texts = 2, cacheMebibytes = 1)
            tuned.generate(prompts[0]) { maxNewTokens = 4 } shouldBe greedy
            shouldThrow<FinetuneException> { tuned.limitGeneration(texts = 0) }.message!! shouldContain "texts"
        }
    }

    test("another new model in the folder of a run is refused, and the run stays whole") {
        val start = Path.of(path("pretraining"), "start", "config.json")
        val before = start.readText()
        val other = recipe {
            base(newModel(layers = 1, hidden = 32, heads = 2, contextLength = 64), tokenizer = path("tokenizer"))
            data(jsonl(path("corpus.jsonl")))
            output(path("pretraining"))
        }
        shouldThrow<FinetuneException> { other.run(Terminal(terminalInterface = recorder())) }.message!! shouldContain
            "holds the start of a run with another new model"
        start.readText() shouldBe before
    }

    test("sizes of a new model that do not fit together are refused by name") {
        val odd = recipe {
            base(newModel(layers = 1, hidden = 32, heads = 4, keyValueHeads = 3, contextLength = 64), tokenizer = path("tokenizer"))
            data(jsonl(path("corpus.jsonl")))
            output(path("odd"))
        }
        val refusal = shouldThrow<FinetuneException> { odd.run(Terminal(terminalInterface = recorder())) }.message!!
        refusal shouldContain "num_attention_heads 4 is not a multiple of num_key_value_heads 3"
        refusal shouldContain "newModel"
    }
})
