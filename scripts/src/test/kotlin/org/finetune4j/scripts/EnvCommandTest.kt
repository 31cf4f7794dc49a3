package org.finetune4j.scripts

import com.github.ajalt.clikt.testing.test
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch

class EnvCommandTest : FunSpec({
    test("it names the versions in use and computes with ND4J") {
        val result = EnvCommand().test("")
        result.statusCode shouldBe 0
        BuildInfo.components.forEach { BuildInfo.version(it) shouldMatch Regex("\\d+\\.\\d+.*") }
        result.stdout shouldContain Regex("nd4j +" + Regex.escape(BuildInfo.version("nd4j")))
        result.stdout shouldContain "ND4J started and a small matrix product is right"
        result.stdout shouldContain Regex("threads +Java \\d+, finetune4j's kernels \\d+ .*, ND4J's OpenMP \\d+, OpenBLAS \\d+")
    }
})
