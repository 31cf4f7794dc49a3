#!/usr/bin/env kotlin
/*
 * The experiment of the prompt-diversity study on the tiny model: a game of cards in which a formula over three cards shall
 * make 12, and the prompt says what J, Q and K count for. Trained with one and the same map of faces, a model learns to
 * ignore what the prompt says; trained with many maps, it reads the prompt. In a fake game the prompt announces other
 * values than those that count: whoever wins it did not read. Run it from the project's root:
 *
 *     scripts/finetune run samples/prompt-diversity.main.kts
 *
 * Arguments limit the optimiser steps and the games of a probe: `... samples/prompt-diversity.main.kts 5 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")

import org.finetune4j.dsl.*
import org.finetune4j.methods.data.GeneralPoints.Hands
import org.finetune4j.methods.data.puzzle.AnswerForm
import org.finetune4j.methods.data.puzzle.Probe

val steps = args.getOrNull(0)?.toLong()
val games = args.getOrNull(1)?.toInt() ?: 100

val fixed = listOf("10,10,10")

fun cards(faces: List<String>, form: AnswerForm, rows: Int, seed: Long) =
    generalPoints(rows, cards = 3, target = 12, faces = faces, hands = Hands.WITH_FACE, form = form, seed = seed)

fun results(name: String, faces: List<String>, form: AnswerForm): List<Probe.Result> {
    val training = cards(faces, form, rows = 4000, seed = 1)
    val asTrained = cards(faces, form, games, seed = 2).asInTraining()
    return finetune {
        base("samples/models/tiny")
        data(training)
        objective(sft())
        train {
            if (steps == null) epochs = 4 else maxSteps = steps
            tokensPerBatch = 4096
            optimizer = adamW(lr = 1e-3)
            precision = bf16
        }
        output("runs/prompt-diversity/$name-${steps ?: "all"}")
    }.use { tuned ->
        (listOf(asTrained) + training.instructionVariants(games) + training.fakePrompts(games)).map { probe ->
            probe.run { prompt -> tuned.generate(prompt) { temperature = 0.0; maxNewTokens = 160 } }
        }
    }
}

val all = linkedMapOf(
    "fixed" to results("fixed", fixed, AnswerForm.ANSWER),
    "diverse" to results("diverse", diverse8(), AnswerForm.ANSWER),
    "diverse, cot" to results("diverse-cot", diverse8(), AnswerForm.COT),
)
println("\n%-14s %-24s %9s %9s".format("trained", "asked", "valid %", "won %"))
all.forEach { (name, results) ->
    results.forEach { println("%-14s %-24s %9.1f %9.1f".format(name, it.name(), 100 * it.validity(), 100 * it.success())) }
}
