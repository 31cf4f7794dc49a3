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
        "probability" to probability(),
        "thresholded" to thresholded(),
        "oneTokenRollout" to oneTokenRollout(),
        "curioSft" to curioSft(),
        "intuitive" to intuitive(),
        "poft" to poft(),
        "discriminative" to discriminative(),
        "faultWeighted" to faultWeighted(),
        "keyTokenSft" to keyTokenSft(),
        "undesirable" to undesirable(),
        "sorted" to sorted(),
        "taught" to taught(),
        "grape" to grape(),
        "branchFilter" to branchFilter(),
        "cotBySampling" to cotBySampling(),
        "iracDistill" to iracDistill(),
        "qTuning" to qTuning(),
        "eachEpoch" to eachEpoch(),
        "uds" to uds(),
        "demask" to demask(),
        "lora" to lora(),
        "dora" to dora(),
        "savedAdapter" to savedAdapter(),
        "exactMatch" to exactMatch(),
        "s3ft" to s3ft(exactAnswer()),
        "ssr" to ssr(),
        "rifRft" to rifRft(),
        "stat" to stat(),
        "pika" to pika(),
        "cft" to cft(),
        "faultyVariants" to faultyVariants(),
        "aft" to aft(),
        "proposeAndAggregate" to proposeAndAggregate(),
        "llmRating" to llmRating(),
        "stepJudge" to stepJudge(),
        "puzzleAnswer" to puzzleAnswer(),
        "exactAnswer" to exactAnswer(),
        "llmJudge" to llmJudge(),
        "codeTests" to codeTests(),
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
        "tokenF1" to tokenF1(),
        "classF1" to classF1(),
        "passAtK" to passAtK(),
        "bleu" to bleu(),
        "rouge" to rouge(),
        "perplexity" to perplexity(),
        "multipleChoice" to multipleChoice(),
        "choiceF1" to choiceF1(),
        "brier" to brier(),
        "brierBinary" to brierBinary(),
        "calibration" to calibration(),
        "semanticSimilarity" to semanticSimilarity(),
        "bertScore" to bertScore(),
        "distinctN" to distinctN(),
        "ead" to ead(),
        "selfBleu" to selfBleu(),
        "forgetting" to forgetting(jsonl("general.jsonl")),
        "perExit" to perExit(),
        "selfEnsemble" to selfEnsemble(),
        "batchCalibration" to batchCalibration(),
        "inContext" to rows.inContext().method(),
        "policy" to policy(),
        "localModel" to localModel("model"),
        "openAi" to openAi(),
    )

    test("every method of the catalogue has its function here, under the method's name") {
        ours.keys shouldBe Methods.all().map { it.name() }.toSet()
        ours.forEach { (name, fragment) -> fragment.method().name() shouldBe name }
    }

    test("a function without arguments gives the method's own defaults") {
        // There is no forgetting without something that is forgotten.
        for (method in Methods.all().filter { it.name() != "forgetting" }) ours[method.name()] shouldBe method.create(Settings(emptyMap<String, Any>()))
    }
})
