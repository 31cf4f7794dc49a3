#!/usr/bin/env kotlin
/*
 * Does choosing by utility and diversity (UDS, arXiv 2510.16882) find what is worth learning in a repetitive stream? Four of
 * five samples say the same with other numbers, one of five answers in one of several other styles and about as many
 * characters; of every eight samples one is learned. In the paper both terms of the score beat a random choice, and their
 * sum beats either. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/uds.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/uds.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/dice.main.kts")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/logs.main.kts")
@file:Import("../generators/records.main.kts")
@file:Import("../generators/styles.main.kts")
@file:Import("../generators/sums.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.select.Uds

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 30
val folder = Path.of("runs/experiments/uds/data")

fun row(problem: WordProblem, style: Style) =
    record("prompt" to problem.prompt, "response" to "${style.write(problem)}\n#### ${problem.answer}", "answer" to problem.answer)

/** One person, one thing and one way to gain and to lose. */
fun templated(seed: Long) = Dice(seed).let { dice ->
    generateSequence { dice.sum(2) }.filter { sum -> sum.steps.map { it.operator } == listOf('+', '-') }.map { sum ->
        val told = listOf("Mia has ${sum.start} apples.", "She buys ${sum.steps[0].amount} more.", "She sells ${sum.steps[1].amount}.")
        row(WordProblem(sum, people[0], things[0], told, "now"), storyStyle)
    }
}

fun varied(seed: Long) = Dice(seed).let { dice -> generateSequence { row(dice.wordProblem(dice.sum(2)), dice.pick(oddStyles)) } }

// Longer samples have larger norms; here length tells nothing.
val usual = templated(9).take(100).sumOf { it.length } / 100

fun rows(name: String, rows: Sequence<String>, count: Int) = "${folder.resolve("$name.jsonl")}".also { file ->
    writeLines(Path.of(file), rows.filter { it.length in usual - 15..usual + 15 }.distinct().take(count))
}.let { jsonl(it) }

val template = rows("template", templated(1), 1600)
val various = rows("varied", varied(2), 400)
val templateTest = rows("template-heldout", templated(3), 20)
val variousTest = rows("varied-heldout", varied(4), 80)

val results = study("uds", "runs/experiments/uds/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(mix(template at 0.8, various at 0.2), chatTemplate())
        heldOut(variousTest)
        train {
            tokensPerBatch = 2048
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(forgetting(templateTest, perplexity()))
    }
    equalSteps(steps)
    baseline("random") { select(uds(keep = 1, of = 8, score = Uds.Score.RANDOM)) }
    arm("norm alone") { select(uds(keep = 1, of = 8, alpha = 0.0)) }
    // By the official scaling the paper's 1.5e-3 is for 512 positions and 152 064 tokens; 0.04 weighs as much with ours.
    sweep("alpha", 0.0015, 0.04) { select(uds(keep = 1, of = 8, alpha = it)) }
    arm("distance alone") { select(uds(keep = 1, of = 8, alpha = 1e6)) }
}.run()
println("\nvaried samples among those learned, in % (20 of those offered), by seed")
results.study.arms.forEach { arm ->
    val shares = results.runs.filter { it.arm == arm.name }.map { keptShares(results[arm.name].folder(it.seed)).getValue("varied") }
    println("%-16s %5.1f   %s".format(arm.name, shares.average(), shares.joinToString("  ") { "%.1f".format(it) }))
}
