package org.finetune4j.scripts

import com.github.ajalt.clikt.testing.CliktCommandTestResult
import com.github.ajalt.clikt.testing.test
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import java.nio.file.Path
import java.util.Locale
import kotlin.io.path.writeText

class GenerateCommandTest : FunSpec({
    val folder = tempdir().toPath()
    val tiny = Path.of("..", "samples", "models", "tiny").toString()
    val question = "Lucy has 74 tickets. She sells 18. How many tickets does Lucy have now?"

    fun generate(vararg arguments: String): CliktCommandTestResult = GenerateCommand().test(listOf(tiny) + arguments)

    fun refused(result: CliktCommandTestResult, vararg named: String) = withClue(result.output) {
        result.statusCode shouldBe 2
        named.forEach { result.stderr shouldContain it }
        result.stdout shouldBe ""
    }

    test("an answer through the chat template, the same every time") {
        val result = generate("--chat", "--prompt", question, "--max-new-tokens", "64")
        withClue(result.output) { result.statusCode shouldBe 0 }
        result.stdout shouldContain "####"
        generate("--chat", "--prompt", question, "--max-new-tokens", "64").stdout shouldBe result.stdout
        val text = result.stdout.trimEnd('\n')
        val cut = generate("--chat", "--prompt", question, "--max-new-tokens", "64", "--stop", text.substring(2, 5))
        cut.stdout shouldBe text.substringBefore(text.substring(2, 5)) + "\n"
    }

    test("a text is continued, and its cut is told beside it") {
        val result = generate("--prompt", "The", "--max-new-tokens", "3", "--log-probabilities")
        withClue(result.output) { result.statusCode shouldBe 0 }
        result.stderr shouldContain "cut at the most tokens"
        Regex("^\\d+ -\\d+\\.\\d{6}$", RegexOption.MULTILINE).findAll(result.stderr).count() shouldBe 3
    }

    test("JSON by a schema, and a regular expression") {
        val schema = folder.resolve("schema.json")
        schema.writeText("""{"type": "object", "properties": {"left": {"type": "integer", "minimum": 0, "maximum": 99}}, "required": ["left"]}""")
        val json = generate("--chat", "--prompt", question, "--json-schema", "$schema", "--temperature", "1", "--seed", "3")
        json.stdout shouldMatch Regex("\\{\"left\":\\d{1,2}}\n")
        generate("--prompt", "a", "--regex", "[xyz]{4}").stdout shouldMatch Regex("[xyz]{4}\n")
    }

    test("tabs stay tabs, and numbers have points wherever the command runs") {
        val usual = Locale.getDefault()
        Locale.setDefault(Locale.GERMANY)
        try {
            val single = generate("--prompt", "The", "--regex", "\\t[xyz]\\t", "--log-probabilities")
            single.stdout shouldMatch Regex("\t[xyz]\t\n")
            Regex("^\\d+ -?\\d+\\.\\d{6}$", RegexOption.MULTILINE).findAll(single.stderr).count() shouldBe 3
            val several = generate("--prompt", "The", "--regex", "\\t[xyz]", "--samples", "2", "--temperature", "1")
            Regex("^\t[xyz]$", RegexOption.MULTILINE).findAll(several.stdout).count() shouldBe 2
            val searched = generate("--prompt", "The", "--max-new-tokens", "4", "--beams", "2")
            searched.stdout shouldContain Regex("score -\\d+\\.\\d{4}\n")
        } finally {
            Locale.setDefault(usual)
        }
    }

    test("several texts and beams are numbered") {
        val drawn = generate("--prompt", "The", "--max-new-tokens", "4", "--samples", "2", "--temperature", "1")
        Regex("^--- [12]$", RegexOption.MULTILINE).findAll(drawn.stdout).count() shouldBe 2
        generate("--prompt", "The", "--max-new-tokens", "4", "--beams", "2").stdout shouldContain Regex("--- 1, score -\\d")
    }

    test("what cannot be done is refused with the option or the file") {
        refused(generate("--prompt", "a", "--top-p", "2"), "topP")
        refused(generate("--prompt", "a", "--system", "b"), "--chat")
        refused(generate("--prompt", "a", "--regex", "(?=a)"), "(?=a")
        refused(generate("--prompt", "a", "--regex", "a", "--json-schema", "x"), "--regex")
        refused(generate("--prompt", "a", "--json-schema", "$folder/none.json"), "none.json")
        refused(generate("--prompt", "a", "--cache", "0"), "--cache")
        refused(generate("--prompt", "word ".repeat(600)), "512")
        refused(GenerateCommand().test(listOf("$folder/missing", "--prompt", "a")), "missing")
    }
})
