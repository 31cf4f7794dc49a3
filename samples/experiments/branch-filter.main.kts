#!/usr/bin/env kotlin
/*
 * Is it worth leaving out the solutions that keep trying other ways? Two solvers work out word problems: one goes straight on,
 * the other tries up to four dead ends at first, each ended by "Alternatively". Both are right in the end. The tiny model learns
 * from either, from the second without the three in ten that branch most or without as many at random, and from both with a
 * share of their steps dropped; its answers may have 128 tokens. The paper (arXiv 2604.01702): filtered data make better
 * students, random removal does not, and dropped steps hurt straight solutions more. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/branch-filter.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/branch-filter.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/dice.main.kts")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/sums.main.kts")

import java.nio.file.Files
import java.nio.file.Path
import java.util.Locale
import kotlinx.serialization.json.*
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.study

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 60
val work = "runs/branch-filter/$steps"
val separator = "\n\n"

/** A dead end: another sum of the problem's numbers, and why it is given up. */
fun Dice.deadEnd(problem: WordProblem): String {
    val start = problem.sum.start
    val other = generateSequence { Step(pick('+', '-'), pick(problem.sum.steps).amount) }
        .first { it.operator != problem.sum.steps[0].operator || it.amount != problem.sum.steps[0].amount }
    return "Perhaps $start ${other.operator} ${other.amount} = ${other.applyTo(start)}. That does not fit."
}

/** A solution in steps behind so many [deadEnds]; after these, it begins anew with "Alternatively". */
fun Dice.solution(problem: WordProblem, deadEnds: Int): String {
    val tries = List(deadEnds) { i -> (if (i == 0) "" else "Alternatively, again. ") + deadEnd(problem) }
    val (first, second) = problem.sum.equations
    val straight = listOf("${if (deadEnds > 0) "Alternatively, " else ""}$first.", "$second.", "#### ${problem.answer}")
    return (tries + straight).joinToString(separator)
}

fun file(name: String, deadEnds: Dice.() -> Int) = "$work/$name.jsonl".also { path ->
    val dice = Dice(1)
    val own = Dice(2)
    val problems = generateSequence { dice.wordProblem(dice.sum(2)) }.distinctBy { it.prompt }.take(480)
    writeLines(Path.of(path), problems.map { problem ->
        buildJsonObject {
            put("prompt", problem.prompt)
            put("response", own.solution(problem, own.deadEnds()))
        }.toString()
    })
}

val straight = file("straight") { 0 }
val branching = file("branching") { weighted(mapOf(0 to 0.2, 1 to 0.3, 2 to 0.2, 4 to 0.3)) }

val results = study("branch-filter", "$work/study") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl(branching))
        heldOut(jsonl("samples/data/quickstart-heldout.jsonl").take(30))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(gsm8kStrict(), maxNewTokens = 128)
    }
    equalSteps(steps)
    baseline("branching") {}
    arm("branching, filtered") { select(branchFilter(keep = 0.7)) }
    arm("branching, fewer at random") { data(jsonl(branching).shuffle(seed).take(336)) }
    arm("branching, steps dropped") { data(jsonl(branching).dropSteps(0.34)) }
    arm("straight") { data(jsonl(straight)) }
    arm("straight, steps dropped") { data(jsonl(straight).dropSteps(0.5)) }
}.run()

/** The mean loss of a run's last five steps. */
fun lastLosses(folder: Path): Double = Files.readAllLines(folder.resolve("metrics.jsonl"))
    .mapNotNull { Json.parseToJsonElement(it).jsonObject["loss"]?.jsonPrimitive?.double }.takeLast(5).average()
for (arm in results.study.arms) {
    val losses = results.study.seeds.map { lastLosses(results[arm.name].folder(it)) }
    println("loss of a token, last steps: ${arm.name}: ${losses.joinToString { String.format(Locale.ROOT, "%.4f", it) }}")
}
