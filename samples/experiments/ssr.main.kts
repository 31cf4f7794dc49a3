#!/usr/bin/env kotlin
/*
 * Does a model that is to learn when not to answer forget less if it rehearses its own right answers (SSR, arXiv 2409.04787)?
 * A sheet states three facts about an island that the base knows by heart; half of the questions ask for one that is not on
 * it, which the base answers all the same. In the paper SSR declines as well as SFT does and forgets far less, and rehearsing
 * random answers does not do. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/ssr.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/ssr.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/dice.main.kts")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/general.main.kts")
@file:Import("../generators/records.main.kts")
@file:Import("../generators/worlds.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.select.Ssr

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 100
val folder = Path.of("runs/experiments/ssr/data")
val declined = "The sheet does not say."

class Sheet(val prompt: String, val right: String?, val accepted: List<String>)

fun sheets(seed: Long): Sequence<Sheet> = Dice(seed).let { dice ->
    generateSequence {
        val island = dice.pick(islands)
        val keys = dice.shuffled(island.facts.keys.toList())
        val stated = keys.take(3).joinToString(" ") { dice.statement(island, it) }
        val asked = if (dice.chance(0.5)) keys.take(3).let { dice.pick(it) } else dice.pick(keys.drop(3))
        val answer = "I read: ${island.facts.getValue(asked)}."
        Sheet("$stated ${question(island, asked)}", answer.takeIf { asked in keys.take(3) }, statements(island, asked) + answer)
    }.distinctBy { it.prompt }
}

fun rows(name: String, rows: Sequence<String>, count: Int) = "${folder.resolve("$name.jsonl")}".also { file ->
    writeLines(Path.of(file), rows.take(count))
}.let { jsonl(it) }

val train = rows("train", sheets(1).map { sheet ->
    val right = if (sheet.right == null) declined else sheet.accepted.joinToString(EITHER)
    record("prompt" to sheet.prompt, "response" to (sheet.right ?: declined), "answer" to right, "answerable" to (sheet.right != null))
}, 240)
val unanswerable = rows("unanswerable", sheets(2).filter { it.right == null }.map {
    record("prompt" to it.prompt, "response" to declined, "answer" to declined)
}, 50)
val answerable = sheets(3).filter { it.right != null }.take(50).toList()
val wronglyDeclined = rows("answerable-declined", answerable.asSequence().map {
    record("prompt" to it.prompt, "response" to it.right!!, "answer" to declined)
}, 50)
val answered = rows("answerable-right", answerable.asSequence().map {
    record("prompt" to it.prompt, "response" to it.right!!, "answer" to it.accepted.joinToString(EITHER))
}, 50)
val sums = rows("sums", sumQuestions(4), 50)
val facts = rows("facts", islandQuestions(5), 50)

val judge = exactAnswer(exactMatch(referenceSeparator = EITHER))
val results = study("ssr", "runs/experiments/ssr/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(train)
        heldOut(unanswerable)
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 5e-4)
        }
        evaluate(
            exactMatch(), forgetting(wronglyDeclined, exactMatch()), forgetting(answered, exactMatch(referenceSeparator = EITHER)),
            forgetting(facts, exactMatch(referenceSeparator = EITHER)), forgetting(facts, perplexity()), forgetting(sums, perplexity()),
            maxNewTokens = 24,
        )
    }
    equalSteps(steps)
    baseline("sft") { objective(sft()) }
    arm("ssr") { select(ssr(judge, maxNewTokens = 24)) }
    arm("random ssr") { select(ssr(judge, route = Ssr.Route.RANDOM, maxNewTokens = 24, seed = seed)) }
}.run()
println("\nF1 of declining what the sheet does not say, in %, by seed")
results.study.arms.forEach { arm ->
    val found = results[arm.name]["exactMatch"].values
    val wrong = results[arm.name][results.metrics.first { "answerable-declined" in it }].values
    // As many questions of either kind: 2 tp / (2 tp + fp + fn).
    println("%-12s %s".format(arm.name, found.map { (seed, share) -> "%.1f".format(200 * share / (1 + share + wrong.getValue(seed))) }))
}
