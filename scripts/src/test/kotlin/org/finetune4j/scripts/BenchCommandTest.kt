package org.finetune4j.scripts

import com.github.ajalt.clikt.testing.test
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import io.kotest.matchers.string.shouldNotContain

class BenchCommandTest : FunSpec({
    listOf("", " --lora 4").forEach { adapter ->
        test("it times a step and says its share of the limit$adapter") {
            val result = BenchCommand().test("--shape tiny --batch 1 --seq 16 --steps 1$adapter")
            withClue(result.output) { result.statusCode shouldBe 0 }
            val lines = result.stdout.trimEnd().lines()
            lines.size shouldBe 2
            lines[0] shouldMatch
                Regex("shape=tiny .*\\bstep_s=\\d+\\.\\d+ tokens_per_s=\\d+\\.\\d+ peak_mib=[1-9]\\d*")
            lines[1] shouldMatch
                Regex("gflop_per_step=\\d+\\.\\d gflop_per_s=\\d+\\.\\d limit_gflop_per_s=[1-9]\\d*\\.\\d share=0\\.\\d{3}")
        }
    }

    mapOf("" to " calls +\\d+\\.\\d GFLOP/s", "=shapes" to "matmul 16x128 384x128 -> 16x384 .*GFLOP/s +\\d+\\.\\d % of products")
        .forEach { (detail, expected) ->
            test("--profile$detail prints achieved rates by operation") {
                val result = BenchCommand().test("--shape tiny --batch 1 --seq 16 --steps 1 --no-fusion --memory 1 --profile$detail")
                withClue(result.output) { result.statusCode shouldBe 0 }
                result.stdout shouldContain Regex(expected)
                result.stdout shouldContain Regex("clipping and AdamW .* GB/s +\\d+\\.\\d % of copying")
                result.stdout shouldContain Regex("limit of copying +\\d+\\.\\d GB/s")
            }
        }

    test("--generate times prompts and new tokens and says their shares of the limits") {
        val result = BenchCommand().test("--generate --shape tiny --batch 2 --prompt 9 --new 3 --profile")
        withClue(result.output) { result.statusCode shouldBe 0 }
        result.stdout.lines().first() shouldMatch Regex(
            "generate shape=tiny dtype=f32 batch=2 prompt=9 new=3 prefill_tokens_per_s=[1-9].* prefill_share=0\\.\\d{3} " +
                "decode_tokens_per_s=[1-9].* decode_share=\\d\\.\\d{3} peak_mib=[1-9]\\d*",
        )
        result.stdout shouldContain Regex("cached_attention .* calls")
    }

    test("--score times forward passes and says their share of the limit") {
        val result = BenchCommand().test("--score --shape tiny --batch 2 --seq 16 --steps 1")
        withClue(result.output) { result.statusCode shouldBe 0 }
        result.stdout.trimEnd() shouldMatch Regex(
            "score shape=tiny dtype=f32 batch=2 seq=16 supervised=0.5 loss=\\d.* tokens_per_s=[1-9].* share=0\\.\\d{3} " +
                "peak_mib=[1-9]\\d*",
        )
    }

    listOf(
        "--generate --score" to "Give one of them",
        "--generate --lora 0" to "--generate takes no --lora.",
        "--generate --int8 --no-fusion --memory 0" to "--generate takes no --memory, --int8, --no-fusion.",
        "--generate --seq 256 --supervised 0.5 --steps 5" to "--generate takes no --seq, --supervised, --steps.",
        "--score --lora 16 --int8" to "--score takes no --lora, --int8.",
        "--score --memory 1 --no-fusion" to "--score takes no --memory, --no-fusion.",
        "--score --prompt 128" to "--score takes no --prompt.",
        "--prompt 9 --new 3" to "a benchmark of steps takes no --prompt, --new.",
        "--shape tiny --int8" to "without --lora",
        "--generate --prompt 9000" to "prompt + new within the context",
        "--score --seq 1" to "seq >= 2",
        "--shape foo" to "there is no shape 'foo'. Choose one of ",
        "--batch 0" to "batch >= 1",
        "--memory -1" to "--memory must be at least 0",
        "--shape tiny --seq 16 --lora 4000" to "rank",
    ).forEach { (options, message) ->
        test("$options is refused in words") {
            val result = BenchCommand().test(options)
            result.statusCode shouldBe 2
            result.stderr shouldContain message
            result.stderr shouldNotContain "\tat "
        }
    }
})
