package org.finetune4j.scripts

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import java.nio.file.Files
import java.nio.file.Path

/** Runs the real `scripts/bench-peer` with programs in place of both sides that print what a run would. */
class BenchPeerTest : FunSpec({
    val case = "smollm2-135m-bf16-lora"

    test("both sides get the same arguments in turns, and medians, ratios and floors are right") {
        Sides().use { sides ->
            sides.ours("1.0 1100 500", "0.5 1000 600", "3.0 1200 400")
            sides.peer("6.0 3600", "5.0 4000", "9.0 3000")
            val result = sides.run(case)
            withClue(result.output) { result.exitCode shouldBe 0 }
            result.row(case) shouldBe listOf(
                case, "1.0", "6.0", "1024.0", "170.7", "6.00", "500.0", "1000.0", "0.500", "1200", "4000", "0.30",
                "speed 4.5x met, share 0.50 met, memory 0.35x met",
            )
            val arguments = "--shape smollm2-135m --dtype bf16 --lora 16 --batch 4 --seq 256 --supervised 0.5 --steps 5"
            sides.calls() shouldBe List(3) { listOf("ours bench $arguments", "peer sft_step.py $arguments") }.flatten()
        }
    }

    test("floors that are missed are said to be") {
        Sides().use { sides ->
            sides.ours("2.0 2000 200")
            sides.peer("4.4 4000")
            sides.run("--rounds", "1", case).row(case).last() shouldBe
                "speed 4.5x **not met**, share 0.50 **not met**, memory 0.35x **not met**"
        }
    }

    test("a side that fails is shown as failed, with its last words and a status of its own") {
        Sides().use { sides ->
            sides.ours("1.0 1000 500", "1.0 1000 500")
            sides.failingPeer()
            val result = sides.run("--rounds", "2", case)
            result.exitCode shouldBe 1
            result.row(case).drop(1).take(5) shouldBe listOf("1", "-", "1024", "-", "-")
            result.row(case).last() shouldContain "speed 4.5x unknown, share 0.50 met, memory 0.35x unknown"
            result.row(case).last() shouldContain "failed: peer exit 3: out of luck (2 of 2)"
        }
    }

    test("memory limits in GiB hold for our side alone, and the peer can be left out") {
        Sides().use { sides ->
            sides.ours("1.0 2561 500")
            val row = sides.run("--rounds", "1", "--ours-only", "qwen2.5-0.5b-bf16-lora").row("qwen2.5-0.5b-bf16-lora")
            row.last() shouldBe "speed 2.8x unknown, share 0.55 **not met**, memory 2.5 GiB **not met**"
            sides.calls().size shouldBe 1
        }
    }

    test("a share that falls with the length of the sequences is noticed") {
        Sides().use { sides ->
            sides.ours("1.0 1000 500", "1.0 1000 450", "1.0 1000 370")
            val result = sides.run("--rounds", "1", "length")
            result.output shouldContain "along 'length': 0.500 to 0.370, -26 %; a fall of at most a quarter is **not met**"
            sides.calls().filter { it.startsWith("peer") } shouldBe emptyList()
        }
    }

    test("wrong calls are refused in words") {
        Sides().use { sides ->
            sides.run("smollm3").let {
                it.exitCode shouldBe 2
                it.output shouldContain "there is no case or group 'smollm3'"
            }
            sides.run("--steps", "4").output shouldContain "--steps must be at least 5, got 4"
            val missing = sides.run(case, settings = mapOf("PEER" to "/no/peer.sh"))
            missing.exitCode shouldBe 2
            missing.output shouldContain "shared/peer/setup.sh"
            missing.output shouldNotContain "|"
        }
    }
})

private class Sides : AutoCloseable {
    private val folder: Path = Files.createTempDirectory("bench peer")
    private val calls = folder.resolve("calls")

    init {
        Files.createDirectories(folder.resolve("installed/usr"))
        ours()
        peer()
    }

    /** What successive runs print: seconds, peak MiB, and GFLOP/s of a limit of 1000. */
    fun ours(vararg runs: String) = side(
        "ours",
        runs,
        "set -- ${'$'}figures; echo \"shape=x step_s=${'$'}1 tokens_per_s=1024.0 peak_mib=${'$'}2\"; " +
            "echo \"gflop_per_step=500.0 gflop_per_s=${'$'}3.0 limit_gflop_per_s=1000.0 share=0.${'$'}3\"",
    )

    /** What successive runs of the peer print: seconds and peak MiB. */
    fun peer(vararg runs: String) = side(
        "peer",
        runs,
        "set -- ${'$'}figures; echo \"shape=x step_s=${'$'}1 tokens_per_s=$(awk \"BEGIN { printf \\\"%.1f\\\", " +
            "1024 / ${'$'}1 }\") peak_mib=${'$'}2\"",
    )

    fun failingPeer() = side("peer", emptyArray(), "echo 'out of luck' >&2; exit 3")

    private fun side(name: String, runs: Array<out String>, print: String) {
        val file = folder.resolve(name)
        Files.writeString(folder.resolve("$name.runs"), runs.joinToString("") { "$it\n" })
        Files.writeString(
            file,
            "#!/bin/bash\ncd '$folder'\necho \"$name ${'$'}*\" >> calls\n" +
                "turn=$(grep -c '^$name ' calls)\nfigures=$(sed -n \"${'$'}{turn}p\" $name.runs)\n$print\n",
        )
        file.toFile().setExecutable(true)
    }

    fun calls(): List<String> = if (Files.exists(calls)) Files.readAllLines(calls) else emptyList()

    class Result(val exitCode: Int, val output: String) {
        fun row(case: String): List<String> =
            output.lines().first { it.startsWith("| $case |") }.trim('|', ' ').split(" | ")
    }

    fun run(vararg arguments: String, settings: Map<String, String> = emptyMap()): Result {
        val builder = ProcessBuilder(listOf("bash", Path.of("bench-peer").toAbsolutePath().toString()) + arguments)
            .redirectErrorStream(true)
        builder.environment().apply {
            put("FINETUNE", folder.resolve("ours").toString())
            put("PEER", folder.resolve("peer").toString())
            put("PEER_DIR", folder.resolve("installed").toString())
            put("TMPDIR", folder.toString())
            putAll(settings)
        }
        val process = builder.start()
        val output = process.inputStream.bufferedReader().readText()
        return Result(process.waitFor(), output)
    }

    override fun close() {
        folder.toFile().deleteRecursively()
    }
}
