package org.finetune4j.scripts.host

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe

class ProblemReportTest : FunSpec({
    test("the caret stands under the column, behind the same tabs") {
        ScriptFolder().use { scripts ->
            val script = scripts.write("a.main.kts", "val a = 1\n\tval b = c\n")
            ProblemReport.render(listOf(ScriptProblem("Unresolved reference 'c'.", true, script, line = 2, column = 10))) shouldBe
                "a.main.kts:2:10: error: Unresolved reference 'c'.\n\tval b = c\n\t        ^"
        }
    }

    test("a problem without a place, or with one outside the file, is its message alone") {
        ScriptFolder().use { scripts ->
            val script = scripts.write("a.main.kts", "val a = 1\n")
            ProblemReport.render(listOf(ScriptProblem("no network", isError = false))) shouldBe "warning: no network"
            ProblemReport.render(listOf(ScriptProblem("odd", true, script, line = 9, column = 1))) shouldBe
                "a.main.kts:9:1: error: odd"
        }
    }
})
