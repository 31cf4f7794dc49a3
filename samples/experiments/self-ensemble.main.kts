#!/usr/bin/env kotlin
/*
 * Does a model that answers several times, and takes the largest probabilities, know better how sure it may be? The tiny model
 * learns from 50 texts which of five kinds each is of: of words that one kind has more of. It learns them alone (SFT) or behind
 * three others with their answers (SICL), and is then asked once or several times, in other words or behind other texts.
 * Self-ensembling's paper (arXiv 2312.13772): calibration error falls by 43 %, accuracy stays. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/self-ensemble.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/self-ensemble.main.kts 1 2`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/dice.main.kts")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/sums.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.study
import org.finetune4j.methods.decode.SelfEnsemble.Vary

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 80
val work = "runs/self-ensemble/$steps"

val kinds = listOf("A", "B", "C", "D", "E")
val wordsOf = kinds.zip(things.chunked(4)).toMap()

/** A text of four words: two of its kind, two of any. */
fun Dice.text(): String {
    val kind = pick(kinds)
    val words = shuffled(sample(wordsOf.getValue(kind), 2) + List(2) { pick(things) })
    return """{"prompt": "${words.joinToString(" ")}", "response": "$kind", "answer": "$kind"}"""
}

fun file(name: String, seed: Long, count: Int) = "$work/$name.jsonl".also { path ->
    Dice(seed).let { dice -> writeLines(Path.of(path), generateSequence { dice.text() }.distinct().take(count)) }
}

val train = jsonl(file("train", 1, 50))
val test = jsonl(file("test", 2, 40))
val templates = listOf("{prompt}", "{prompt}.", "Words: {prompt}", "{prompt} ?")

study("self-ensemble", "$work/study") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(train)
        heldOut(test)
        train {
            tokensPerBatch = 512
            maxSteps = steps
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(multipleChoice(labels = kinds), calibration(labels = kinds))
    }
    differentBudgets()
    val sft = stage("sft", perSeed = true)
    val sicl = stage("sicl", perSeed = true) { data(train.inContext(k = 3, seed = seed), chatTemplate(supervise = Turns.LAST)) }
    // Only asked otherwise: the arms train no further than by one step of the rate 0.
    baseline("sft") {
        continueFrom(sft)
        train { maxSteps = 1; optimizer = adamW(lr = 0.0) }
    }
    arm("sft, largest of 4 templates") {
        continueFrom(sft)
        train { maxSteps = 1; optimizer = adamW(lr = 0.0) }
        decode(selfEnsemble(Vary.PROMPT, templates = templates))
    }
    sweep("members", 1, 5, arm = "sicl") { members ->
        data(train.inContext(k = 3, seed = seed), chatTemplate(supervise = Turns.LAST))
        continueFrom(sicl)
        train { maxSteps = 1; optimizer = adamW(lr = 0.0) }
        decode(selfEnsemble(members = members, pool = train))
    }
}.run()
