package org.finetune4j.dsl

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import org.finetune4j.methods.Fragment
import org.finetune4j.methods.Methods
import org.finetune4j.methods.Settings

class FragmentsTest : FunSpec({
    fun DataSource.method() = (this as MadeData).by

    val rows = jsonl("rows.jsonl")
    val ours: Map<String, Fragment> = mapOf(
        "sft" to sft(),
        "dftDynamic" to dftDynamic(),
        "asft" to asft(),
        "grape" to grape(),
        "branchFilter" to branchFilter(),
        "lora" to lora(),
        "dora" to dora(),
        "savedAdapter" to savedAdapter(),
        "exactMatch" to exactMatch(),
        "sokoban" to sokoban().method(),
        "generalPoints" to generalPoints().method(),
        "diversify" to rows.diversify().method(),
        "dropSteps" to rows.dropSteps().method(),
        "overlapSplit" to rows.overlapSplit().sft.method(),
        "budgetSplit" to rows.budgetSplit(rows).sft.method(),
        "formalStatements" to formalStatements().method(),
        "chunkInterleaved" to rows.chunkInterleaved().method(),
        "syntheticTables" to syntheticTables().method(),
        "needle" to needle().method(),
        "perGroupSubset" to rows.perGroupSubset().method(),
        "answerTemplate" to rows.answerTemplate().method(),
        "toolTrajectories" to rows.toolTrajectories().method(),
        "figletRiddles" to figletRiddles().method(),
        "nameDescriptions" to nameDescriptions().method(),
        "biographies" to biographies().method(),
        "entityRelations" to entityRelations().method(),
        "policy" to policy(),
        "localModel" to localModel("model"),
    )

    test("every method of the catalogue has its function here, under the method's name") {
        ours.keys shouldBe Methods.all().map { it.name() }.toSet()
        ours.forEach { (name, fragment) -> fragment.method().name() shouldBe name }
    }

    test("a function without arguments gives the method's own defaults") {
        for (method in Methods.all()) ours[method.name()] shouldBe method.create(Settings(emptyMap<String, Any>()))
    }
})
