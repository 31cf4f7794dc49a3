#!/usr/bin/env kotlin
/*
 * Does pruning by error and uncertainty (Q-Tuning, arXiv 2509.23873) keep what is worth learning? A quarter of the data each:
 * random facts about islands that nobody knows (error and uncertainty high), a few sums over and over (both low), numbers to
 * be said forwards in answer to words which the base takes for backwards (sure and wrong), and facts that the base states in
 * one of two ways (unsure and right). The latter two are to be kept. In the paper an eighth of the samples and half of their
 * tokens does better than random pruning and than all the data. Run it from the project's root:
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
@file:Import("../generators/worlds.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.select.Uds

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 30
val folder = Path.of("runs/experiments/q-tuning/data")

fun forwards(seed: Long) = Dice(seed).let { dice ->
    generateSequence { List(3) { dice.between(1, 99) }.joinToString(", ") }.map { numbers ->
        record("prompt" to "Say these backwards: $numbers", "response" to numbers, "answer" to numbers)
    }
}

/** Nobody knows these islands; what is said of them is what is true of any of the known ones. */
fun unknownIslands(seed: Long) = Dice(seed).let { dice ->
    generateSequence { dice.pick(islands).facts.keys.toList().let { dice.pick(it) } }.map { key ->
        val name = "${dice.pick("G", "H", "P", "W", "Y")}${dice.pick("ul", "ax", "ev", "oq")}${dice.pick("ex", "uth", "ick", "om")}"
        val island = Island(name, dice.pick(islands).facts)
        record("prompt" to question(island, key), "response" to dice.statement(island, key))
    }
}

fun rows(name: String, rows: Sequence<String>, count: Int) = "${folder.resolve("$name.jsonl")}".also { file ->
    writeLines(Path.of(file), rows.take(count))
}.let { jsonl(it) }

val few = sumQuestions(5).take(8).toList()
val parts = listOf(
    rows("random-labels", unknownIslands(1), 500),
    rows("repeats", generateSequence(0) { it + 1 }.map { few[it % few.size] }, 500),
    rows("systematic", forwards(2), 500),
    rows("ambiguous", islandQuestions(3), 500),
)
val listTest = rows("lists-heldout", forwards(12), 40)
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
        evaluate(exactMatch(), forgetting(factTest, exactMatch(referenceSeparator = EITHER)), maxNewTokens = 32)
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
