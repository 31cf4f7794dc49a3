#!/usr/bin/env kotlin
/*
 * Does a model that is shown several drafts learn to make a better answer of them (AFT, arXiv 2501.11877)? Of two colours one
 * is right, which nobody can tell from the question; each draft is right with probability 0.6. The best that can be done with
 * n drafts is to go by the majority: right with probability 0.6, 0.648 and 0.683 for n = 1, 3 and 5. In the paper aggregation
 * beats SFT on the same answers, and more drafts are better. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/aft.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/aft.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/dice.main.kts")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/records.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.decode.AggregationPrompt
import org.finetune4j.tokenizer.Conversation
import org.finetune4j.tokenizer.Message

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 160
val folder = Path.of("runs/experiments/aft/data")
val colours = listOf("red", "blue")

class Ball(val question: String, val colour: String, val drafts: List<String>)

fun balls(numbers: IntRange, seed: Long): List<Ball> = Dice(seed).let { dice ->
    numbers.map { number ->
        val colour = dice.pick(colours)
        Ball("Which colour has ball $number?", colour, List(5) { if (dice.chance(0.6)) colour else (colours - colour).single() })
    }
}

fun questions(shown: Int): DataSource {
    val file = folder.resolve("drafts-$shown.jsonl")
    writeLines(file, tested.asSequence().map { ball ->
        val question = Conversation.of(Message.user(ball.question))
        val prompt = AggregationPrompt(true).let { if (shown == 0) it.plain(question) else it.of(question, ball.drafts.take(shown)) }
        val turns = prompt.messages().map { mapOf("role" to it.role(), "content" to it.text()) }
        record("prompt" to turns, "response" to ball.colour, "answer" to ball.colour)
    })
    return jsonl("$file")
}

val tested = balls(6001..6200, seed = 2)
val train = folder.resolve("train.jsonl")
writeLines(train, balls(1001..2600, seed = 1).asSequence().map {
    record("prompt" to it.question, "responses" to it.drafts, "aggregate" to it.colour, "answer" to it.colour)
})

study("aft", "runs/experiments/aft/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl("$train"), chatTemplate(supervise = Turns.LAST))
        train {
            tokensPerBatch = 2048
            optimizer = adamW(lr = 5e-4)
        }
        evaluate(exactMatch(), maxNewTokens = 4)
    }
    equalSteps(steps)
    baseline("sft") {
        heldOut(questions(0))
        select(aft(proposals = 5, rejectCopies = false, directShare = 1.0, seed = seed))
        train { tokensPerBatch = 400 }                                              // about as many questions in a step
    }
    sweep("drafts", 1, 3, 5, arm = "aft") { shown ->
        heldOut(questions(shown))
        select(aft(proposals = shown, rejectCopies = false, directShare = 0.0, seed = seed))
    }
}.run()
listOf(5, 3, 1).forEach { n ->
    val right = tested.count { ball -> ball.drafts.take(n).count { it == ball.colour } > n / 2 }
    println("the majority of $n drafts is right for %.1f %% of these balls".format(100.0 * right / tested.size))
}
