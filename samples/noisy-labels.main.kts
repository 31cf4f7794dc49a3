#!/usr/bin/env kotlin
/*
 * Which objective stands wrong answers in the data? The tiny model calculates well; it is tuned to show its steps on
 * solutions of which three in ten end with a wrong number. Every objective learns from the same samples for as many steps.
 * Run it from the project's root:
 *
 *     scripts/finetune run samples/noisy-labels.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/noisy-labels.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")

import java.nio.file.Files
import java.nio.file.Path
import kotlin.random.Random
import kotlinx.serialization.json.*
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*

/** The candidates' solutions in steps; of [share] of them the last number and the answer are wrong. */
fun noisy(share: Double): Path {
    val random = Random(7)
    val lines = Files.readAllLines(Path.of("samples/data/quickstart-candidates.jsonl")).mapNotNull { line ->
        val row = Json.parseToJsonElement(line).jsonObject
        val steps = row.getValue("responses").jsonArray.map { it.jsonObject }
            .firstOrNull { it.getValue("source").jsonPrimitive.content == "steps" } ?: return@mapNotNull null
        val right = steps.getValue("text").jsonPrimitive.content
        val answer = row.getValue("answer").jsonPrimitive.content
        val wrong = (answer.toInt() + random.nextInt(1, 9)).toString()
        val response = if (random.nextDouble() < share) {
            right.replace(" = $answer.\n#### $answer", " = $wrong.\n#### $wrong")
        } else {
            right
        }
        buildJsonObject {
            put("prompt", row.getValue("prompt"))
            put("response", response)
        }.toString()
    }
    val file = Path.of("runs/noisy-labels/train.jsonl")
    Files.createDirectories(file.parent)
    return Files.write(file, lines)
}

val train = noisy(0.3).toString()
val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 24

study("noisy-labels", "runs/noisy-labels/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl(train), chatTemplate())
        heldOut(jsonl("samples/data/quickstart-heldout.jsonl").take(100))
        train {
            tokensPerBatch = 2048
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(gsm8kStrict(), maxNewTokens = 64)
    }
    equalSteps(steps)
    baseline("sft") { objective(sft()) }
    arm("dftDynamic") { objective(dftDynamic()) }
    arm("asft") { objective(asft(kl = 0.1)) }
    sweep("alpha", 1.0, 10.0, arm = "probability") { objective(probability(it)) }
    arm("thresholded") { objective(thresholded(q = 0.2)) }
    arm("oneTokenRollout") { objective(oneTokenRollout(samples = 64)) }
    arm("curioSft") { objective(curioSft(teacherMix = 0.01)) }
    arm("intuitive") { objective(intuitive()) }
}.run()
