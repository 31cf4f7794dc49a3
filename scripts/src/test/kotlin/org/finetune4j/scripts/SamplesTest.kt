package org.finetune4j.scripts

import io.kotest.assertions.withClue
import io.kotest.core.NamedTag
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import java.nio.file.Files
import java.nio.file.Path
import org.finetune4j.checkpoint.SafetensorsFile
import org.finetune4j.model.ModelConfig

/** Runs the sample scripts with few steps as a user would: in a process of their own, from the folder above `samples`. */
class SamplesTest : FunSpec({
    val slow = setOf(NamedTag("slow"))

    test("the quickstart tunes the committed model, shows it and saves a folder that loads") {
        inFreshFolder { folder ->
            val result = run(folder, "samples/quickstart.main.kts", "4")
            result.exitCode shouldBe 0
            listOf("plan", "grape", "asft", "lora", "step 4/4", "exactMatch", "before", "after")
                .forEach { result.output shouldContain it }
            val saved = folder.resolve("runs/quickstart-4/model")
            val base = ModelConfig.read(samples.resolve("models/tiny"))
            ModelConfig.read(saved) shouldBe base
            names(saved) shouldBe names(samples.resolve("models/tiny"))
        }
    }

    test("the experiment with GRAPE's orders tunes on each of them") {
        inFreshFolder { folder ->
            val result = run(folder, "samples/grape-orders.main.kts", "1", "2")
            result.exitCode shouldBe 0
            listOf("highest", "lowest", "random").forEach { result.output shouldContain Regex("│ $it +│ +\\d+\\.\\d %") }
            Files.exists(folder.resolve("runs/grape-orders-2/exactMatch.svg")) shouldBe true
        }
    }

    test("the catalogue tunes with the methods that are named, and knows which there are") {
        inFreshFolder { folder ->
            val result = run(folder, "samples/catalogue.main.kts", "faultWeighted", "cft", "demaks")
            result.exitCode shouldBe 0
            result.output shouldContain "there is no recipe for demaks; there are poft"
            listOf("== faultWeighted", "wrong variants", "== cft").forEach { result.output shouldContain it }
        }
    }

    test("the experiment with prompt diversity asks each model as trained, with other values and with fake ones").config(tags = slow) {
        inFreshFolder { folder ->
            val result = run(folder, "samples/prompt-diversity.main.kts", "1", "1")
            result.exitCode shouldBe 0
            listOf("fixed", "diverse", "diverse, cot").forEach { name ->
                listOf("as in training", "faces 7,7,7", "fake faces 7,7,7").forEach { asked ->
                    result.output shouldContain Regex("""\n${Regex.escape(name)} +${Regex.escape(asked)} +\d""")
                }
            }
        }
    }

    test("the experiment with what is learned in every step tunes in each way").config(tags = slow) {
        inFreshFolder { folder ->
            val result = run(folder, "samples/every-step.main.kts", "1", "2")
            result.exitCode shouldBe 0
            listOf("sft", "random half", "largest losses", "uds", "qTuning", "undesirable", "sorted")
                .forEach { result.output shouldContain it }
        }
    }

    val experiments = mapOf(
        "s3ft" to listOf("facts.jsonl"),
        "experiments/aft" to listOf("the majority of 5 drafts is right"),
        "experiments/branch-filter" to listOf("branching, filtered", "straight, steps dropped", "loss of a token"),
        "experiments/cft" to listOf("sft, right solutions", "cft"),
        "experiments/curiosft" to listOf("curioSft teacherMix=0.01", "entropy", "passAt8"),
        "experiments/discriminative" to listOf("sft, twice the passes", "discriminative2", "log p, the base's"),
        "experiments/exits" to listOf("at 2", "sorted"),
        "experiments/faults" to listOf("faultWeighted"),
        "experiments/llama-bar" to listOf("| 0 |", "| 1 |", "| 10 |", "| 50 |", "without a letter"),
        "experiments/longskywork" to listOf("| rebased alone |", "| + CIP + short + long |", "| + short + long |", "by depth"),
        "experiments/masked-ft" to listOf("next token", "demask", "first name never masked"),
        "experiments/one-token-rollout" to listOf("sft", "samples"),
        "experiments/own-errors" to listOf("behind its own error", "intuitive"),
        "experiments/pika" to listOf("easy, best of 4"),
        "experiments/poft" to listOf("poft beta=5.0 wrong=0.4", "on runs/poft/wrong.jsonl"),
        "experiments/q-tuning" to listOf("systematic "),
        "experiments/self-ensemble" to listOf("sft, largest of 4 templates", "sicl members=5", "ece"),
        "experiments/ssr" to listOf("F1 of declining"),
        "experiments/stat" to listOf("uniform"),
        "experiments/tl-training" to listOf("failed calls not learned", "keyTokenSft", "both"),
        "experiments/uds" to listOf("varied samples among those learned"),
        "experiments/undesirable" to listOf("undesirable"),
        "experiments/wrong-prior" to listOf("probability"),
    )

    test("every experiment is run by a test") {
        val there = Files.list(samples.resolve("experiments")).use { files -> files.map { "experiments/${it.fileName}" }.toList() }
        (there.map { it.removeSuffix(".main.kts") } - experiments.keys).shouldBeEmpty()
    }

    experiments.forEach { (name, shown) ->
        test("$name compares what it names").config(tags = slow) {
            inFreshFolder { folder ->
                val result = run(folder, "samples/$name.main.kts", "1", "2")
                withClue(result.output.takeLast(6000)) {
                    result.exitCode shouldBe 0
                    shown.forEach { result.output shouldContain it }
                }
            }
        }
    }

    test("the sample of formats tunes on a query's rows, holds an answer to its form and writes what other tools read") {
        inFreshFolder { folder ->
            val result = run(folder, "samples/formats.main.kts", "2")
            result.exitCode shouldBe 0
            result.output shouldContain Regex("""\n\d+ [-+*] \d+ = \d+\.[^\n]*\n#### \d+\n""")
            val saved = folder.resolve("runs/formats-2")
            names(saved.resolve("adapter/adapter_model.safetensors")).any { it.endsWith("lora_magnitude_vector") } shouldBe true
            Files.size(saved.resolve("model.gguf")) shouldBeGreaterThan 1_000_000
        }
    }

    test("the pretraining sample makes a corpus, a tokenizer and a model from nothing").config(tags = slow) {
        inFreshFolder { folder ->
            val result = run(folder, "samples/pretrain-tiny.main.kts", "2")
            result.exitCode shouldBe 0
            result.output shouldContain "step 2/2"
            val saved = folder.resolve("runs/pretrain-tiny-2/model")
            ModelConfig.read(saved).vocabularySize() shouldBe ModelConfig.read(samples.resolve("models/tiny")).vocabularySize()
            names(saved) shouldBe names(samples.resolve("models/tiny"))
        }
    }
}) {
    private class Result(val exitCode: Int, val output: String)

    private companion object {
        val samples: Path = Path.of("..", "samples").toAbsolutePath().normalize()

        fun names(folder: Path): Set<String> = SafetensorsFile.open(folder).use { it.names().toSet() }

        fun inFreshFolder(body: (Path) -> Unit) {
            val folder = Files.createTempDirectory("samples")
            try {
                Files.createSymbolicLink(folder.resolve("samples"), samples)
                body(folder)
            } finally {
                // The link itself, never what it points to.
                Files.delete(folder.resolve("samples"))
                folder.toFile().deleteRecursively()
            }
        }

        fun run(folder: Path, script: String, vararg arguments: String): Result {
            val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
            val output = folder.resolve("output.txt").toFile()
            val exitCode = ProcessBuilder(
                listOf(java, "-Xmx3g", "-cp", System.getProperty("java.class.path"), "org.finetune4j.scripts.MainKt", "run", script) + arguments,
            ).directory(folder.toFile()).redirectErrorStream(true).redirectOutput(output).start().waitFor()
            return Result(exitCode, output.readText())
        }
    }
}
