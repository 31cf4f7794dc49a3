package org.finetune4j.dsl.pipeline

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.adamW
import org.finetune4j.dsl.jsonl
import org.finetune4j.dsl.lora
import org.finetune4j.dsl.newModel
import org.finetune4j.dsl.recipe
import org.finetune4j.dsl.run
import org.finetune4j.model.ModelConfig
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.createTempDirectory
import kotlin.math.pow

/** Pipelines: their refusals, and real ones on a very small model, test 6 of the card longskywork among them. */
class PipelineTest : FunSpec({
    val here: Path = createTempDirectory("pipeline")
    val samples: Path = Path.of("..", "samples").toAbsolutePath().normalize()
    afterSpec { here.toFile().deleteRecursively() }

    fun quiet() = Terminal(terminalInterface = TerminalRecorder(ansiLevel = AnsiLevel.NONE, width = 160, outputInteractive = false))

    fun chats(name: String): String = "${Files.write(
        here.resolve("$name.jsonl"),
        (1..12).map { """{"prompt": "What is the $name number after $it?", "response": "It is ${it + 1}."}""" },
    )}"

    val chats = jsonl(chats("hard"))
    val easy = jsonl(chats("easy"))

    /** A model of one narrow block for texts of 256 tokens. */
    val small: String by lazy {
        recipe {
            base(
                newModel(layers = 1, hidden = 32, heads = 2, keyValueHeads = 1, feedForward = 32, contextLength = 256),
                tokenizer = "$samples/models/tiny",
            )
            data(easy)
            train { maxSteps = 1 }
            output("$here/start")
        }.run(quiet()).use { it.save("$here/small") }
        "$here/small"
    }

    fun documents(): Path = Files.write(
        here.resolve("documents.jsonl"),
        (1..12).map { """{"text": "${(1..60).joinToString(" ") { word -> "word${word % 7} of text $it" }}"}""" },
    )

    test("test 6: four stages in order, 200 steps in the last, one rotary base that the saved model has") {
        val pipeline = longSkywork(
            small, contextLength = 512, jsonl("${documents()}"), chats, chunk = 16, together = 3, pretrainingSteps = 2, instructionSteps = 2,
            lr = 1e-3, folder = "$here/long",
        ) { train { tokensPerBatch = 512; checkpointEvery = 100 } }
        pipeline.plan().problems.shouldBeEmpty()
        pipeline.ledger().shouldBeEmpty()
        val rebased = ModelConfig.read(Path.of("$here/long/rebased"))
        pipeline.run(quiet()).use { it.save("$here/long/model") }
        val ledger = pipeline.ledger()
        ledger.map { it.stage } shouldBe listOf("interleaved documents", "short instructions", "long instructions")
        ledger.map { it.steps } shouldBe listOf(2, 2, 200)
        ledger.map { it.longestSequence } shouldBe listOf(512, 256, 512)
        // Stage 1 is the new base: b s^(d / (d - 2)) with heads of 16 and twice the length.
        val expected = 10_000 * 2.0.pow(16.0 / 14)
        ledger.forEach { it.rotaryBase!! shouldBe (expected plusOrMinus 1e-6 * expected) }
        val saved = ModelConfig.read(Path.of("$here/long/model"))
        saved shouldBe rebased
        saved.maxPositions() shouldBe 512
        ledger.zipWithNext().forEach { (before, after) -> after.startedFrom shouldBe before.weights }
        ledger.map { it.weights }.distinct() shouldHaveSize 3
    }

    fun twoStages(folder: String, lr: Double = 1e-3) = pipeline("two", "$here/$folder") {
        common {
            base(small)
            train { maxSteps = 2; tokensPerBatch = 256; optimizer = adamW(lr = lr) }
        }
        stage("easy") { data(easy) }
        stage("hard") { data(chats) }
    }

    test("a pipeline that is run again trains nothing, and one whose first stage was trained again refuses the old second") {
        val pipeline = twoStages("again")
        pipeline.run(quiet()).close()
        val ledger = pipeline.ledger()
        val stamp = Files.getLastModifiedTime(Path.of("$here/again/2-hard/checkpoints/step-000002/weights.safetensors"))
        pipeline.run(quiet()).close()
        pipeline.ledger() shouldBe ledger
        Files.getLastModifiedTime(Path.of("$here/again/2-hard/checkpoints/step-000002/weights.safetensors")) shouldBe stamp

        Path.of("$here/again/1-easy").toFile().deleteRecursively()
        val other = twoStages("again", lr = 2e-3)
        val changed = other.copy(stages = listOf(other.stages[0], pipeline.stages[1]))
        val refusal = shouldThrow<FinetuneException> { changed.run(quiet()) }
        refusal.message shouldContain "began with other weights than the stage before it has now. Delete that folder"
        Path.of("$here/again/2-hard").toFile().deleteRecursively()
        changed.run(quiet()).close()
        changed.ledger().map { it.weights } shouldNotBe ledger.map { it.weights }
    }

    test("a pipeline survives its JSON") {
        val pipeline = twoStages("json")
        Pipeline.fromJson(pipeline.toJson()) shouldBe pipeline
        shouldThrow<FinetuneException> { Pipeline.fromJson(pipeline.toJson().replace("json/2-hard", "json/elsewhere")) }
            .message shouldContain "stage 'hard' must write to"
    }

    test("stages whose weights do not fit each other are refused, with the mend") {
        fun refused(content: PipelineScope.() -> Unit) = shouldThrow<FinetuneException> { pipeline("p", "$here/p", content) }.message.orEmpty()
        refused { } shouldContain "there is no stage"
        refused {
            stage("a") { base(small); data(chats) }
            stage("b") { base("$samples/models/tiny"); data(chats) }
        } shouldContain "different parts 'base'"
        refused {
            common { base(small); data(chats) }
            stage("a") { adapt(lora(rank = 2)) }
            stage("b") { }
        } shouldContain "different parts 'adapter'"
        refused {
            common { base(small); data(chats) }
            stage("a") { train { checkpointEvery = 0 } }
            stage("b") { output("elsewhere") }
        }.let {
            it shouldContain "stage 'b' says output(...)"
        }
        refused {
            common { base(small); data(chats) }
            stage("a") { train { checkpointEvery = 0 } }
            stage("b") { }
        } shouldContain "stage 'a' writes no checkpoints"
        refused {
            common { base(small); data(chats) }
            stage("a") { }
            stage("a") { train { maxSteps = 3 } }
        } shouldContain "two stages are called 'a'"
        shouldThrow<FinetuneException> { longSkywork(small, 256, jsonl("d.jsonl"), chats, folder = "$here/no") }
            .message shouldContain "the target length must exceed the base length"
        shouldThrow<FinetuneException> { longSkywork(small, 512, jsonl("d.jsonl"), chats, tables = 0.9, folder = "$here/no") }
            .message shouldContain "together at most 1"
    }
})
