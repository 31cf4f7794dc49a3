#!/usr/bin/env kotlin
/*
 * Is it good to trust what the model believes? Card prob-objectives, test 7: with a strong prior and noisy labels -log p is
 * worse than 1 - p, and with a wrong prior and clean labels it is better, since 1 - p hardly learns what the model finds
 * impossible. Here the tiny model, which calculates well, learns sums of which three in ten are wrong ("strong"), or right
 * answers of a world in which + takes away and - adds ("wrong"). Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/wrong-prior.main.kts [SEEDS STEPS]
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/solutions.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 40
val work = "runs/wrong-prior"

/** Sums of two numbers; one in eight pairs is [heldOut]. Signs are [swapped], or a share of the answers is [wrong]. */
fun sums(seed: Long, heldOut: Boolean, swapped: Boolean, wrong: Double): Sequence<String> {
    val dice = Dice(seed)
    return generateSequence { Triple(dice.between(20, 79), dice.between(2, 19), dice.pick('+', '-')) }.distinct()
        .filter { (a, b) -> ((7 * a + 3 * b) % 8 == 0) == heldOut }
        .map { (a, b, sign) ->
            val right = if ((sign == '+') != swapped) a + b else a - b
            val told = "$a $sign $b = ${if (dice.chance(wrong)) dice.between(2, 99) else right}."
            record("prompt" to "What is $a $sign $b?", "response" to told, "answer" to "$a $sign $b = $right.")
        }
}

for (prior in listOf("strong", "wrong")) {
    val swapped = prior == "wrong"
    writeLines(Path.of(work, "$prior.jsonl"), sums(1, false, swapped, if (swapped) 0.0 else 0.3).take(600))
    writeLines(Path.of(work, "$prior-heldout.jsonl"), sums(2, true, swapped, 0.0).take(80))
}

study("wrong-prior", "$work/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        train {
            tokensPerBatch = 512
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(exactMatch(), maxNewTokens = 16)
    }
    equalSteps(steps)
    across("prior", "strong", "wrong") {
        data(jsonl("$work/$it.jsonl"))
        heldOut(jsonl("$work/$it-heldout.jsonl"))
    }
    baseline("sft") { objective(sft()) }
    arm("probability") { objective(probability(1.0)) }
}.run()
