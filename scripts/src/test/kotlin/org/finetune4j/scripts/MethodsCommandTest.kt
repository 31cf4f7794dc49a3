package org.finetune4j.scripts

import com.github.ajalt.clikt.testing.test
import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.reference.MethodReference
import org.finetune4j.methods.Methods
import org.finetune4j.scripts.methods.ReadmeMethods
import java.nio.file.Path
import kotlin.io.path.readText

class MethodsCommandTest : FunSpec({
    fun shown(arguments: String): String = MethodsCommand().test(arguments).let { result ->
        withClue(result.output) { result.statusCode shouldBe 0 }
        result.stdout
    }

    test("the list has every method of the catalogue with its paper and its defaults") {
        val text = shown("")
        for (method in Methods.all()) text shouldContain Regex("\n  ${method.name()} +\\S")
        text shouldContain "Anchored Supervised Fine-Tuning (arXiv 2509.23753)"
        text shouldContain "kl = 0.05, direction = KlDirection.FORWARD, weightFloor = 0.0"
        (text.indexOf("\nobjective\n") < text.indexOf("\nadapt\n")) shouldBe true
    }

    test("one method is shown with its settings, call and samples") {
        val text = shown("asft")
        listOf(
            "asft: Anchored Supervised Fine-Tuning\n", "objective(...), arXiv 2509.23753\n", "a number, default 0.05\n", "finite and at least 0",
            "forward or reverse, default KlDirection.FORWARD\n", "asft(kl = 0.05, direction = KlDirection.FORWARD, weightFloor = 0.0)\n",
            "samples/quickstart.main.kts\n",
        ).forEach { text shouldContain it }
    }

    test("JSON has the same for programs") {
        val all = Json.parseToJsonElement(shown("--json")).jsonArray
        all.size shouldBe Methods.all().size
        val kl = Json.parseToJsonElement(shown("asft --json")).jsonArray.single().jsonObject.getValue("settings").jsonArray.first().jsonObject
        kl.getValue("name").jsonPrimitive.content shouldBe "kl"
        kl.getValue("default").jsonPrimitive.content shouldBe "0.05"
    }

    test("a mistyped name is refused with the nearest one") {
        val result = MethodsCommand().test("astf")
        result.statusCode shouldBe 2
        result.stderr shouldContain "there is no method 'astf'."
        MethodsCommand().test("lorra").stderr shouldContain "Did you mean 'lora'?"
    }

    test("the README's table is that of the code; scripts/finetune methods --write-readme writes it") {
        val readme = Path.of("..", "README.md").readText()
        ReadmeMethods.updated(readme, MethodReference.all()) shouldBe readme
    }

    test("what stands around the table stays, and a README without marks is refused") {
        val before = "a\n${ReadmeMethods.BEGIN}\nold\n${ReadmeMethods.END}\nb\n"
        val after = ReadmeMethods.updated(before, MethodReference.all())
        after shouldBe "a\n${ReadmeMethods.BEGIN}\n${ReadmeMethods.table(MethodReference.all())}\n${ReadmeMethods.END}\nb\n"
        after shouldContain "| `asft` | objective | Anchored Supervised Fine-Tuning | [arXiv 2509.23753](https://arxiv.org/abs/2509.23753) |"
        shouldThrow<FinetuneException> { ReadmeMethods.updated("a\n${ReadmeMethods.END}", MethodReference.all()) }.message!! shouldContain "once each, in this order"
    }
})
