package org.finetune4j.scripts

import com.github.ajalt.clikt.testing.CliktCommandTestResult
import com.github.ajalt.clikt.testing.test
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.kotest.matchers.string.shouldNotContain
import org.finetune4j.scripts.host.ScriptFolder
import org.finetune4j.scripts.host.ScriptHost
import java.io.RandomAccessFile
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest
import java.util.HexFormat
import kotlin.io.path.exists
import kotlin.io.path.isRegularFile
import kotlin.io.path.readText
import kotlin.io.path.writeText

/**
 * Everything bad that users give: the command ends with 2 and one message that says what to do, and what an earlier run
 * of the same script left is whole.
 */
class BadInputTest : FunSpec({
    val scripts = ScriptFolder()
    val folder = scripts.folder
    // Where a process finds it whose XDG_CACHE_HOME is the folder.
    val host = ScriptHost(folder.resolve("finetune4j/scripts"))
    val good = SAMPLES.map { (prompt, response) -> """{"prompt": "$prompt", "response": "$response"}""" }
    val script = scripts.write("recipe.main.kts", SCRIPT)

    fun path(name: String) = folder.resolve(name)

    fun data(name: String, lines: List<String>) = "data=${path(name).apply { writeText(lines.joinToString("\n")) }}"

    /** Prompts with one candidate each. */
    fun single() = data("single.jsonl", SAMPLES.map { (prompt, response) -> """{"prompt": "$prompt", "responses": ["$response"]}""" })

    /** A copy of the tiny model, to be spoilt. */
    fun model(name: String, spoil: (Path) -> Unit): String {
        TINY.toFile().copyRecursively(path(name).toFile())
        spoil(path(name))
        return "base=${path(name)}"
    }

    fun arguments() = listOf("base=$TINY", "data=${path("good.jsonl")}", "run=${path("run")}", "save=${path("tuned")}")

    /** Runs the script on what is good, but for [bad]. */
    fun run(vararg bad: String): CliktCommandTestResult = RunCommand(host).test(listOf("$script") + arguments() + bad)

    fun refused(result: CliktCommandTestResult, vararg words: String): String = withClue(result.stderr) {
        words.forEach { result.stderr shouldContain it }
        result.stderr shouldNotContain "\tat "
        result.stderr shouldNotContain "Exception"
        result.statusCode shouldBe 2
        result.stderr
    }

    lateinit var whole: Map<String, String>

    beforeSpec {
        data("good.jsonl", good)
        run().run { withClue(output) { statusCode shouldBe 0 } }
        whole = hashes(path("run")) + hashes(path("tuned"))
    }

    afterTest { withClue("what the earlier run left") { hashes(path("run")) + hashes(path("tuned")) shouldBe whole } }

    afterSpec { scripts.close() }

    context("models") {
        test("a folder that is not there") {
            refused(run("base=${path("nowhere")}"), "base: ", "${path("nowhere")}", "config.json")
        }
        test("truncated weights") {
            val base = model("truncated") { file ->
                RandomAccessFile("${file.resolve(WEIGHTS)}", "rw").use { it.setLength(it.length() - 1000) }
            }
            refused(run(base), "base: ", "truncated/$WEIGHTS", "again")
        }
        test("a corrupt header of the weights") {
            val base = model("corrupt") { file ->
                RandomAccessFile("${file.resolve(WEIGHTS)}", "rw").use { it.seek(8); it.write("[[[[".toByteArray()) }
            }
            refused(run(base), "base: ", "corrupt/$WEIGHTS", "header")
        }
        test("an architecture that nobody here knows") {
            val base = model("unknown") { it.edit("config.json", "LlamaForCausalLM", "MambaForCausalLM") }
            refused(run(base), "base: ", "MambaForCausalLM", "LlamaForCausalLM")
        }
        test("a tokenizer with more tokens than the embedding") {
            val base = model("sizes") { it.edit("config.json", "\"vocab_size\": 1024", "\"vocab_size\": 1000") }
            refused(run(base), "the tokenizer has 1024 tokens", "1000 rows", "Take tokenizer.json and config.json of the same model")
        }
        test("weights that do not fit config.json") {
            val base = model("misfit") { it.edit("config.json", "\"intermediate_size\": 512", "\"intermediate_size\": 256") }
            refused(run(base), "mlp", "256", "512", "Check that config.json and the weights belong together")
        }
    }

    context("data") {
        test("a line that is not JSON") {
            val data = data("broken.jsonl", good.take(2) + "{\"prompt\": \"a\", oops}")
            refused(run(data), "broken.jsonl:3:", "is not JSON", "Correct or remove the line")
        }
        test("a sample with no response") {
            val data = data("silent.jsonl", good.take(1) + """{"prompt": "Where?"}""")
            refused(run(data), "silent.jsonl:2 has ", "response")
        }
        test("a sample longer than the context") {
            val data = data("long.jsonl", good.take(1) + """{"prompt": "Where?", "response": "${"far away ".repeat(600)}"}""")
            refused(run(data), "long.jsonl:2", "512", "tooLong = DROP")
        }
        test("samples that are all left out for their length") {
            val data = data("all-long.jsonl", listOf("""{"prompt": "Where?", "response": "${"far away ".repeat(600)}"}"""))
            refused(run(data, "tooLong=DROP"), "no sample is left of 1", "512")
        }
        test("nothing to select from") {
            refused(run(single(), "select=grape"), "grape: nothing to choose", "Add candidates")
        }
        test("a selector that keeps nothing") {
            refused(run(single(), "select=nothing"), "select: nothing left none of ${SAMPLES.size} samples", "Loosen its settings")
        }
    }

    test("a rank larger than the layer") {
        refused(run("rank=100"), "adapt: lora: rank 100 is larger than", "at most 64")
    }

    test("a loss that is not a number names step, samples, batch and the last good checkpoint") {
        val text = refused(run("lr=1e15", "run=${path("diverged")}"), "step 2 was stopped", "good.jsonl:", "lower train.optimizer.lr")
        val checkpoint = Regex("The last good checkpoint is (.+/step-\\d+)\\.").find(text)!!.groupValues[1]
        Path.of(checkpoint, "state.json").readText() shouldMatch Regex("(?s).*\"step\" ?: ?1\\D.*")
        path("diverged/replay-step-2.json").exists() shouldBe true
    }

    test("a base with an infinite weight is stopped at the first step") {
        val base = model("infinite") { file ->
            RandomAccessFile("${file.resolve(WEIGHTS)}", "rw").use { it.seek(it.length() - 2); it.write(byteArrayOf(0x80.toByte(), 0x7f)) }
        }
        refused(run(base, "run=${path("infinite-run")}"), "step 1 was stopped", "good.jsonl:")
    }

    // A file may grow no further than the limit, which is what a full disk is to the one who writes it.
    listOf(1 to "full/recipe.json", 64 to "full/checkpoints/", 3000 to "tuned").forEach { (kibibytes, file) ->
        test("a disk that is full after $kibibytes KiB") {
            val run = if (kibibytes == 3000) "run" else "full"
            val (exitCode, output) = limited(script, folder, kibibytes, arguments() + "run=${path(run)}")
            withClue(output) {
                listOf("${path(file)}", "could not be written", "make room").forEach { output shouldContain it }
                output shouldNotContain "\tat "
                exitCode shouldBe 2
            }
        }
    }
}) {
    private companion object {
        const val WEIGHTS = "model.safetensors"
        val TINY: Path = Path.of("..", "samples", "models", "tiny").toAbsolutePath().normalize()
        val SAMPLES = List(4) { i -> "What is $i + $i?" to "$i + $i = ${i + i}." }

        /** What may be wrong comes as arguments, so that the compiler runs once. */
        val SCRIPT = """
            import org.finetune4j.data.Sample
            import org.finetune4j.data.TooLong
            import org.finetune4j.dsl.*
            import org.finetune4j.methods.Method
            import org.finetune4j.methods.select.SelectionContext
            import org.finetune4j.methods.select.Selector

            class Nothing : Selector {
                override fun method() = Method("nothing", Method.Kind.SELECT, "a test", "none") { Nothing() }
                override fun settings() = emptyMap<String, Any>()
                override fun traits() = emptySet<Selector.Trait>()
                override fun select(samples: List<Sample>, context: SelectionContext) =
                    Selector.Selection(emptyList(), emptyList(), emptyMap())
            }

            val given = args.associate { it.substringBefore('=') to it.substringAfter('=') }
            val tuned = finetune {
                base(given.getValue("base"))
                data(jsonl(given.getValue("data")), chatTemplate())
                when (given["select"]) {
                    "grape" -> select(grape())
                    "nothing" -> select(Nothing())
                }
                adapt(lora(rank = given["rank"]?.toInt() ?: 2))
                train {
                    maxSteps = 2
                    tokensPerBatch = 64
                    checkpointEvery = 1
                    optimizer = adamW(lr = given["lr"]?.toDouble() ?: 1e-3)
                    tooLong = TooLong.valueOf(given["tooLong"] ?: "ERROR")
                }
                output(given.getValue("run"))
            }
            tuned.use { it.save(given.getValue("save")) }
        """

        fun Path.edit(file: String, old: String, new: String) = resolve(file).run {
            val text = readText()
            check(old in text) { "$this has no $old" }
            writeText(text.replace(old, new))
        }

        fun hashes(folder: Path): Map<String, String> = Files.walk(folder).use { paths ->
            paths.filter { it.isRegularFile() }.toList().associate { file ->
                "$file" to HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)))
            }
        }

        /** Runs the script in a process of its own that can write no file above [kibibytes]: exit code and output. */
        fun limited(script: Path, cache: Path, kibibytes: Int, arguments: List<String>): Pair<Int, String> {
            val java = Path.of(System.getProperty("java.home"), "bin", "java").toString()
            val command = listOf(
                java, "-Xmx2g", "-XX:-UsePerfData", "-cp", System.getProperty("java.class.path"),
                "org.finetune4j.scripts.MainKt", "run", "$script",
            )
            // POSIX counts in blocks of 512 bytes.
            val shell = listOf("sh", "-c", "ulimit -f ${2 * kibibytes} && exec \"\$@\"", "sh")
            val process = ProcessBuilder(shell + command + arguments).redirectErrorStream(true)
                .apply { environment()["XDG_CACHE_HOME"] = "$cache" }.start()
            val output = process.inputStream.bufferedReader().readText()
            return process.waitFor() to output
        }
    }
}
