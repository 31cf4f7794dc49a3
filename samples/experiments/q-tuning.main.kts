#!/usr/bin/env kotlin
/*
 * Does pruning by error and uncertainty (Q-Tuning, arXiv 2509.23873) keep what is worth learning? A quarter of the data each:
 * word problems with random answers (error and uncertainty high), a few sums over and over (both low), lists to be sorted
 * downwards where the base sorts upwards (sure and wrong), and facts that the base states in one of two ways (unsure and
 * right). The latter two are to be kept. In the paper an eighth of the samples and half of their tokens does better than
 * random pruning and than all the data. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/q-tuning.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/q-tuning.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/dice.main.kts")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/general.main.kts")
@file:Import("../generators/logs.main.kts")
@file:Import("../generators/records.main.kts")
@file:Import("../generators/sums.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.select.Uds

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 30
val folder = Path.of("runs/experiments/q-tuning/data")

fun lists(seed: Long) = Dice(seed).let { dice ->
    generateSequence { List(4) { dice.between(1, 99) } }.map { numbers ->
        val answer = numbers.sortedDescending().joinToString(", ")
        record("prompt" to "Sort these numbers: ${numbers.joinToString(", ")}", "response" to answer, "answer" to answer)
    }
}

fun problems(seed: Long, right: Boolean) = Dice(seed).let { dice ->
    generateSequence { dice.wordProblem(dice.sum(2)) }.map { problem ->
        val answer = if (right) problem.answer else "${dice.between(1, 99)}"
        record("prompt" to problem.prompt, "response" to "#### $answer", "answer" to answer)
    }
}

fun rows(name: String, rows: Sequence<String>, count: Int) = "${folder.resolve("$name.jsonl")}".also { file ->
    writeLines(Path.of(file), rows.take(count))
}.let { jsonl(it) }

val few = sumQuestions(5).take(8).toList()
val parts = listOf(
    rows("random-labels", problems(1, right = false), 500),
    rows("repeats", generateSequence(0) { it + 1 }.map { few[it % few.size] }, 500),
    rows("systematic", lists(2), 500),
    rows("ambiguous", islandQuestions(3), 500),
)
val listTest = rows("lists-heldout", lists(12), 40)
val problemTest = rows("problems-heldout", problems(11, right = true), 40)
val factTest = rows("facts-heldout", islandQuestions(13), 40)

val results = study("q-tuning", "runs/experiments/q-tuning/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(mix(*parts.map { it at 0.25 }.toTypedArray()), chatTemplate())
        heldOut(listTest)
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 5e-4)
        }
        evaluate(
            exactMatch(), forgetting(problemTest, gsm8kStrict()), forgetting(factTest, exactMatch(referenceSeparator = EITHER)),
            maxNewTokens = 32,
        )
    }
    equalSteps(steps)
    baseline("random 1/16") { select(uds(keep = 1, of = 16, score = Uds.Score.RANDOM)) }
    arm("random 1/8") { select(uds(keep = 1, of = 8, score = Uds.Score.RANDOM)) }
    arm("all") { objective(sft()) }
    arm("euTriage 1/8") { select(euTriage(samples = 0.125)) }
    arm("qTuning 1/8 x 1/2") { select(qTuning(samples = 0.125, tokens = 0.5)) }
}.run()
println("\nof the samples kept, in % from each quarter of the data, mean of the seeds")
results.study.arms.filter { it.name != "all" }.forEach { arm ->
    val shares = results.runs.filter { it.arm == arm.name }.map { keptShares(results[arm.name].folder(it.seed)) }
    println("%-18s %s".format(arm.name, shares[0].keys.joinToString("  ") { name -> "$name %.1f".format(shares.map { it.getValue(name) }.average()) }))
}
