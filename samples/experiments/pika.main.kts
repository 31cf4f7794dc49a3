#!/usr/bin/env kotlin
/*
 * Are a few hard tasks with the best of several answers worth more than easy ones or unchosen answers (PiKa, arXiv 2510.06670)?
 * A writer by rule gives each persona a word problem of as many steps as its rank; an answerer by rule slips in one step of
 * five; a scorer by rule counts the slips. The paper's 30,000 expert tasks beat data sets that are ten times as large, which
 * it puts down to difficulty and choice; its preference step is not tried here. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/pika.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/pika.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/dice.main.kts")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/oracle.main.kts")
@file:Import("../generators/records.main.kts")
@file:Import("../generators/sums.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 80
val folder = Path.of("runs/experiments/pika/data")
val size = 200

/** The sum that a word problem tells. */
fun sumOf(task: String): Sum {
    val amounts = Regex("""(\d+)( more)?""").findAll(task).map { it.groupValues[1].toInt() to it.groupValues[2].isNotEmpty() }.toList()
    val product = " with " in task
    return Sum(amounts[0].first, amounts.drop(1).mapIndexed { i, (amount, more) ->
        Step(if (i == 0 && product) '*' else if (more) '+' else '-', amount)
    })
}

/** Every step rightly, but for slips; what follows a slip goes on from the wrong number. */
fun Dice.answer(sum: Sum, slips: Double): String {
    var total = sum.start
    val lines = sum.steps.joinToString(" ") { step ->
        val before = total
        total = step.applyTo(before) + if (chance(slips)) between(1, 9) else 0
        "$before ${step.operator} ${step.amount} = $total."
    }
    return "So $lines\n#### $total"
}

fun slips(answer: String) = Regex("""(\d+) ([-+*]) (\d+) = (\d+)\.""").findAll(answer).count { found ->
    val (before, operator, amount, after) = found.destructured
    Step(operator.single(), amount.toInt()).applyTo(before.toInt()) != after.toInt()
}

val oracle = Oracle { model, asked, seed ->
    when (model) {
        "writer" -> Dice(seed).let { it.wordProblem(it.sum(Regex("""of rank (\d)""").find(asked)!!.groupValues[1].toInt())).prompt }
        "answerer" -> Dice(seed).answer(sumOf(asked), slips = 0.2)
        // The scorer rates answers by their slips, and how hard a task is by its steps.
        else -> if (asked.startsWith("Rate how hard")) {
            "${2 * sumOf(asked.substringAfter("Task:\n").substringBefore("\n\nReply")).steps.size}"
        } else {
            "${maxOf(1, 10 - 2 * slips(asked))}"
        }
    }
}

fun personas(name: String, ranks: IntRange) = "${folder.resolve("$name.jsonl")}".also { file ->
    writeLines(Path.of(file), (1..400).asSequence().map { record("text" to "Keeper $it, of rank ${ranks.first + it % ranks.count()}.") })
}.let { jsonl(it) }

fun tests(name: String, steps: Int, count: Int) = "${folder.resolve("$name.jsonl")}".also { file ->
    writeLines(Path.of(file), Dice(9).let { dice ->
        generateSequence { dice.wordProblem(dice.sum(steps)) }.distinctBy { it.prompt }.take(count)
    }.map { problem -> record("prompt" to problem.prompt, "response" to Dice(1).answer(problem.sum, slips = 0.0), "answer" to problem.answer) })
}.let { jsonl(it) }

fun pikaOf(answers: Int, seed: Long) = pika(
    writer = oracle.source("writer"), answerer = oracle.source("answerer"), scorer = llmRating(oracle.source("scorer")),
    answersPerPrompt = answers, size = size, maxAnswerTokens = 256, seed = seed,
)

study("pika", "runs/experiments/pika/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        heldOut(tests("hard", steps = 4, count = 40))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 5e-4)
        }
        evaluate(gsm8kStrict(), forgetting(tests("easy", steps = 1, count = 40), gsm8kStrict()), maxNewTokens = 80)
    }
    equalSteps(steps)
    baseline("hard, one answer") { data(personas("experts", 3..5)); select(pikaOf(1, seed)) }
    arm("hard, best of 4") { data(personas("experts", 3..5)); select(pikaOf(4, seed)) }
    arm("easy, best of 4") { data(personas("beginners", 1..1)); select(pikaOf(4, seed)) }
}.run()
