package org.finetune4j.scripts.host

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.types.shouldBeInstanceOf
import org.finetune4j.scripts.host.ScriptFolder.Companion.report
import org.finetune4j.scripts.host.ScriptFolder.Companion.seen
import java.nio.file.Files

class ScriptHostTest : FunSpec({
    test("a script sees its arguments, and runs from the cache the second time") {
        ScriptFolder().use { scripts ->
            val script = scripts.write("good.main.kts", report("args.joinToString()"))
            scripts.host.run(script, listOf("a", "--b=c d")) shouldBe ScriptOutcome.Completed(fromCache = false)
            seen() shouldBe "a, --b=c d"
            scripts.host.run(script, listOf("e")) shouldBe ScriptOutcome.Completed(fromCache = true)
            seen() shouldBe "e"
        }
    }

    test("a changed script is compiled again") {
        ScriptFolder().use { scripts ->
            scripts.host.run(scripts.write("change.main.kts", report("1")), emptyList())
            val changed = scripts.write("change.main.kts", report("2"))
            scripts.host.run(changed, emptyList()) shouldBe ScriptOutcome.Completed(fromCache = false)
            seen() shouldBe "2"
        }
    }

    test("a script with a changed import, even an indirect one, is compiled again") {
        ScriptFolder().use { scripts ->
            scripts.write("far.main.kts", "fun far(x: Int): Int = 2 * x")
            scripts.write("near.main.kts", "@file:Import(\"far.main.kts\")\nfun near(x: Int): Int = far(x) + 1")
            val script = scripts.write("top.main.kts", "@file:Import(\"near.main.kts\")\n" + report("near(5)"))
            scripts.host.run(script, emptyList()) shouldBe ScriptOutcome.Completed(fromCache = false)
            scripts.host.run(script, emptyList()) shouldBe ScriptOutcome.Completed(fromCache = true)
            seen() shouldBe "11"
            scripts.write("far.main.kts", "fun far(x: Int): Int = 3 * x")
            scripts.host.run(script, emptyList()) shouldBe ScriptOutcome.Completed(fromCache = false)
            seen() shouldBe "16"
        }
    }

    test("a typing mistake is reported with file, line and column") {
        ScriptFolder().use { scripts ->
            val script = scripts.write("typo.main.kts", "val n = 3\nval wrong: Int = \"abc\".lengthh + n\n")
            val outcome = scripts.host.run(script, emptyList()).shouldBeInstanceOf<ScriptOutcome.NotCompiled>()
            val problem = outcome.problems.single { it.isError }
            problem.file shouldBe script
            problem.line shouldBe 2
            problem.column shouldBe 24
            problem.message shouldContain "lengthh"
        }
    }

    test("a failure in an import is told with the lines of both scripts, also from the cache") {
        ScriptFolder().use { scripts ->
            scripts.write("lib.main.kts", "// A library.\nfun refuse(x: Int) {\n    require(x < 0) { \"x is ${'$'}x\" }\n}")
            val script = scripts.write("fails.main.kts", "@file:Import(\"lib.main.kts\")\n\nrefuse(7)\n")
            val expected = """
                lib.main.kts:3: error: IllegalArgumentException: x is 7
                    require(x < 0) { "x is ${'$'}x" }
                called at fails.main.kts:3: refuse(7)
                Run again with --stacktrace to see every frame.
            """.trimIndent()
            listOf(false, true).forEach { fromCache ->
                val outcome = scripts.host.run(script, emptyList()).shouldBeInstanceOf<ScriptOutcome.Failed>()
                outcome.fromCache shouldBe fromCache
                FailureReport.render(outcome, wholeTrace = false) shouldBe expected
            }
        }
    }

    test("an artifact of finetune4j needs no repository") {
        ScriptFolder().use { scripts ->
            // No such host: a resolver that asked for the artifact would fail.
            val script = scripts.write(
                "own.main.kts",
                """
                @file:Repository("https://nowhere.invalid/maven")
                @file:DependsOn("org.finetune4j:dsl:0.1.0")
                ${report("org.finetune4j.FinetuneException::class.java.simpleName")}
                """,
            )
            val warnings = mutableListOf<ScriptProblem>()
            scripts.host.run(script, emptyList(), warnings::addAll) shouldBe ScriptOutcome.Completed(fromCache = false)
            seen() shouldBe "FinetuneException"
            warnings.shouldBeEmpty()
        }
    }

    test("options of the compiler named in the script are honoured") {
        ScriptFolder().use { scripts ->
            val body = "context(unit: String) fun show(x: Int): String = x.toString() + unit\n" +
                report("context(\"s\") { show(3) }")
            val plain = scripts.write("plain.main.kts", body)
            scripts.host.run(plain, emptyList()).shouldBeInstanceOf<ScriptOutcome.NotCompiled>()
            val allowed = scripts.write("allowed.main.kts", "@file:CompilerOptions(\"-Xcontext-parameters\")\n$body")
            scripts.host.run(allowed, emptyList()) shouldBe ScriptOutcome.Completed(fromCache = false)
            seen() shouldBe "3s"
        }
    }

    test("a damaged cache entry is compiled again and mended") {
        ScriptFolder().use { scripts ->
            val script = scripts.write("damaged.main.kts", report("\"ran\""))
            scripts.host.run(script, emptyList())
            val jar = scripts.cached(".jar").shouldHaveSize(1).single()
            Files.write(jar, Files.readAllBytes(jar).copyOf(100))
            scripts.host.run(script, emptyList()) shouldBe ScriptOutcome.Completed(fromCache = false)
            scripts.host.run(script, emptyList()) shouldBe ScriptOutcome.Completed(fromCache = true)
            seen() shouldBe "ran"
        }
    }

    test("a cache that cannot be written costs nothing but speed") {
        ScriptFolder().use { scripts ->
            val notAFolder = scripts.write("occupied", "a file where the cache should be")
            val script = scripts.write("uncached.main.kts", report("\"ran\""))
            ScriptHost(notAFolder).run(script, emptyList()) shouldBe ScriptOutcome.Completed(fromCache = false)
            seen() shouldBe "ran"
        }
    }
})
