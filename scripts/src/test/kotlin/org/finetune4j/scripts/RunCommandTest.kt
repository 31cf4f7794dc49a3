package org.finetune4j.scripts

import com.github.ajalt.clikt.testing.CliktCommandTestResult
import com.github.ajalt.clikt.testing.test
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldNotContain
import org.finetune4j.scripts.host.ScriptFolder
import org.finetune4j.scripts.host.ScriptFolder.Companion.report
import org.finetune4j.scripts.host.ScriptFolder.Companion.seen

class RunCommandTest : FunSpec({
    fun run(script: String, vararg options: String, name: String = "recipe.main.kts"): CliktCommandTestResult =
        ScriptFolder().use { scripts ->
            val file = scripts.write(name, script)
            RunCommand(scripts.host).test(listOf(file.toString()) + options)
                .also { seenByScript = seen() }
        }

    afterTest { System.clearProperty(RunCommand.DRY_RUN_PROPERTY) }

    test("options of the script reach the script, ours do not") {
        val result = run(report("args.joinToString() + System.getProperty(\"finetune4j.dryRun\")"), "--epochs", "3", "--dry-run", "x")
        result.statusCode shouldBe 0
        seenByScript shouldBe "--epochs, 3, xtrue"
    }

    test("a typing mistake exits with 1, the place and the source line") {
        val result = run("val a = 1\nprintln(aa)\n")
        result.statusCode shouldBe 1
        result.stderr shouldContain "recipe.main.kts:2:9: error: Unresolved reference 'aa'."
        result.stderr shouldContain "println(aa)\n        ^"
        result.stderr shouldNotContain "\tat "
    }

    test("a failing script exits with 1 and its own line; --stacktrace shows everything") {
        val script = "// Wrong.\nval list = listOf(1)\nval third = list[2]\n"
        val short = run(script)
        short.statusCode shouldBe 1
        short.stderr shouldContain "recipe.main.kts:3: error: IndexOutOfBoundsException"
        short.stderr shouldContain "val third = list[2]"
        short.stderr shouldNotContain "\tat "
        run(script, "--stacktrace").stderr shouldContain "\tat Recipe_main.<init>(recipe.main.kts:3)"
    }

    test("a refusal of finetune4j, or of a subclass of its exception, exits with 2 and its message alone") {
        val thrown = run("throw org.finetune4j.FinetuneException(\"no config.json in models/x\")")
        thrown.statusCode shouldBe 2
        thrown.stderr shouldBe "no config.json in models/x\n"
        run("class Mine : org.finetune4j.FinetuneException(\"mine\")\nthrow Mine()").statusCode shouldBe 2
    }

    test("a file with another name is refused before anything is compiled") {
        val result = run("println()", name = "recipe.kts")
        result.statusCode shouldBe 1
        result.stderr shouldContain "is not named *.main.kts"
    }
}) {
    private companion object {
        var seenByScript: String? = null
    }
}
