package org.finetune4j.dsl.study

import org.finetune4j.FinetuneException
import org.finetune4j.methods.Nearest

/** Every refusal of a study: what was found, why it is refused and what to do. */
internal object StudyMessages {
    const val NO_NAME: String = "the study has no name, and its folder is called by it. Give it one: study(\"name\") { }."

    const val NO_SEEDS: String = "seeds is empty, so that there is nothing to run. Give at least one: seeds = listOf(1, 2, 3)."

    const val NO_ARMS: String = "there is no arm, so that there is nothing to compare. Add arm(\"name\") { } or sweep(\"axis\", values) { }."

    fun repeatedSeeds(seeds: List<Long>): String =
        "seeds are $seeds, but two runs with one seed are the same run twice. Give every seed once."

    fun severalBudgets(budgets: List<Budget>): String =
        "the budget was given ${budgets.size} times: ${budgets.joinToString(" and ")}. A study has one; keep one of them."

    fun severalBaselines(names: List<String>): String =
        "the baseline was given ${names.size} times: ${names.joinToString(" and ")}. A study has one; keep one of them."

    fun noBaseline(name: String, families: List<String>): String =
        "the baseline is '$name', but there is no such arm; there are ${families.joinToString(", ")}." +
            Nearest.proposal(name, families) + " Correct its name."

    fun sameName(what: String, names: List<String>): String =
        "$what: ${names.joinToString(" and ") { "'$it'" }} would share a folder. Give them names that differ in more than case or punctuation."

    fun otherSeeds(name: String, found: List<Long>, seeds: List<Long>): String =
        "'$name' has recipes with the seeds $found, but the study's seeds are $seeds. Give it one recipe for each."

    fun equalArms(names: List<String>): String =
        "the arms ${names.joinToString(" and ") { "'$it'" }} have equal recipes, so that they compare nothing. Check that the " +
            "block of each says in what it differs, or remove one."

    fun outOfRange(call: String, setting: String, value: String, valid: String): String =
        "$call: setting '$setting' is $value, but must be $valid."

    fun ownOutput(place: String): String =
        "$place says output(...), but every run of a study has a folder of its own. Remove it, or name the study's folder."

    fun ownSeed(place: String, seed: Long): String =
        "$place sets train.seed to $seed, but the seeds of the study decide it. Remove it."

    fun ownLength(place: String, budget: Budget): String =
        "$place says how long it trains, but the study gives $budget. Remove epochs and maxSteps from its recipe, or the number " +
            "from the budget."

    fun differentSteps(steps: List<Pair<String, Long>>): String =
        "budget: the arms make different numbers of optimiser steps: ${told(steps)}, so that one may be better only for having " +
            "trained longer. Give them equal ones, say equalSteps(count), or differentBudgets() if that is what is compared."

    fun differentTokens(tokens: List<Pair<String, Long>>, tolerance: Double): String =
        "budget: the arms learn from different numbers of supervised tokens: ${told(tokens)}, which is more than $tolerance apart. " +
            "Say equalSupervisedTokens(count), a larger tolerance, or differentBudgets() if that is what is compared."

    fun changed(run: String, folder: String, differences: List<String>): String =
        "$run: $folder holds a run of another recipe (${differences.take(SHOWN).joinToString("; ")}" +
            "${if (differences.size > SHOWN) " and ${differences.size - SHOWN} more" else ""}). Name another folder for this study, " +
            "undo the change, or make such runs again with run(rerunChanged = true)."

    fun stageFailed(stage: String): String = "it continues from $stage, which did not come to its end."

    fun nothingFinished(name: String, failures: List<StudyFailure>): String =
        "no run of the study '$name' came to its end: ${failures.first().run}: ${failures.first().message}"

    private fun told(numbers: List<Pair<String, Long>>): String = numbers.joinToString(", ") { (arm, number) -> "$arm $number" }

    private const val SHOWN = 4
}

/** The one of [things] that is called [name]. */
internal fun <T> named(name: String, things: List<T>, nameOf: (T) -> String): T = things.firstOrNull { nameOf(it) == name }
    ?: throw FinetuneException(
        "there is no '$name' in this study; there are ${things.joinToString(", ", transform = nameOf)}." +
            Nearest.proposal(name, things.map(nameOf)) + " Correct the name.",
    )
