#!/usr/bin/env kotlin
/*
 * The experiment of the prompt-diversity study on the tiny model: a game of cards in which a formula over three cards shall
 * make 12, and the prompt says what J, Q and K count for. Trained with one and the same map of faces, a model learns to
 * ignore what the prompt says; trained with many maps, it reads the prompt. In a fake game the prompt announces other
 * values than those that count: whoever wins it did not read. Run it from the project's root:
 *
 *     scripts/finetune run samples/prompt-diversity.main.kts
 *
 * Arguments limit the optimiser steps, the games of a probe and the cards of a hand, and give more seeds than one:
 * `... samples/prompt-diversity.main.kts 5 4 2 3`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("generators/spread.main.kts")

import org.finetune4j.dsl.*
import org.finetune4j.methods.data.GeneralPoints.Hands
import org.finetune4j.methods.data.puzzle.AnswerForm
import org.finetune4j.methods.data.puzzle.Probe

val steps = args.getOrNull(0)?.toLong()
val games = args.getOrNull(1)?.toInt() ?: 100

val cards = args.getOrNull(2)?.toInt() ?: 3
val seedCount = args.getOrNull(3)?.toLong() ?: 1

val fixed = listOf("10,10,10")

fun hands(faces: List<String>, form: AnswerForm, rows: Int, seed: Long) =
    generalPoints(rows, cards, target = 12, faces = faces, hands = Hands.WITH_FACE, form = form, seed = seed)

fun results(name: String, faces: List<String>, form: AnswerForm, seeded: Long): List<Probe.Result> {
    val training = hands(faces, form, rows = 4000, seed = 1)
    val asTrained = hands(faces, form, games, seed = 2).asInTraining()
    return finetune {
        base("samples/models/tiny")
        data(training)
        objective(sft())
        train {
            if (steps == null) epochs = 4 else maxSteps = steps
            tokensPerBatch = 4096
            optimizer = adamW(lr = 1e-3)
            seed = seeded
        }
        output("runs/prompt-diversity/$name-$cards-${steps ?: "all"}-seed-$seeded")
    }.use { tuned ->
        (listOf(asTrained) + training.instructionVariants(games) + training.fakePrompts(games)).map { probe ->
            probe.run { prompt -> tuned.generate(prompt) { temperature = 0.0; maxNewTokens = 160 } }
        }
    }
}

val all = linkedMapOf<String, MutableList<List<Probe.Result>>>()
for (seed in 1..seedCount) {
    all.getOrPut("fixed") { mutableListOf() } += results("fixed", fixed, AnswerForm.ANSWER, seed)
    all.getOrPut("diverse") { mutableListOf() } += results("diverse", diverse8(), AnswerForm.ANSWER, seed)
    all.getOrPut("diverse, cot") { mutableListOf() } += results("diverse-cot", diverse8(), AnswerForm.COT, seed)
}

// The means of every probe, and by seed those over the four with other values and the four with false ones.
println("\n%-14s %-24s %9s %9s".format("trained", "asked", "valid %", "won %"))
val spread = SpreadTable("trained")
all.forEach { (name, bySeed) ->
    bySeed[0].indices.forEach { probe ->
        val results = bySeed.map { it[probe] }
        val (validity, success) = results.map { it.validity() }.average() to results.map { it.success() }.average()
        println("%-14s %-24s %9.1f %9.1f".format(name, results[0].name(), 100 * validity, 100 * success))
    }
    bySeed.forEach { results ->
        val (others, fakes) = results.drop(1).chunked((results.size - 1) / 2)
        spread.add(name, "won as in training %", 100 * results[0].success())
        spread.add(name, "valid with other values %", 100 * others.map { it.validity() }.average())
        spread.add(name, "won with other values %", 100 * others.map { it.success() }.average())
        spread.add(name, "won with false values %", 100 * fakes.map { it.success() }.average())
    }
}
println("\n$spread")
