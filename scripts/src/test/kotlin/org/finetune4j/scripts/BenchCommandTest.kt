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
        test("it times a step and prints one line$adapter") {
            val result = BenchCommand().test("--shape tiny --batch 1 --seq 16 --steps 1$adapter")
            withClue(result.output) { result.statusCode shouldBe 0 }
            result.stdout.trimEnd() shouldMatch
                Regex("shape=tiny .*\\bstep_s=\\d+\\.\\d+ tokens_per_s=\\d+\\.\\d+ peak_mib=[1-9]\\d*")
        }
    }

    listOf(
        "--shape foo" to "there is no shape 'foo'. Choose one of ",
        "--batch 0" to "batch >= 1",
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
