#!/usr/bin/env kotlin
/*
 * What is worth learning of a step's samples? The tiny model, which calculates well, is tuned to show its steps on solutions
 * of which one in four ends with a wrong number. Some arms choose among the samples and tokens of every step by the weights
 * as they are then, others keep all of them and ask more of the weights. Every arm sees as many samples. Run it from the
 * project's root:
 *
 *     scripts/finetune run samples/every-step.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/every-step.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")

import java.nio.file.Files
import java.nio.file.Path
import kotlin.random.Random
import kotlinx.serialization.json.*
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.select.Uds

/** The candidates' solutions in steps; of one in four the last number and the answer are wrong. */
fun partlyWrong(): Path {
    val random = Random(7)
    val lines = Files.readAllLines(Path.of("samples/data/quickstart-candidates.jsonl")).mapNotNull { line ->
        val row = Json.parseToJsonElement(line).jsonObject
        val steps = row.getValue("responses").jsonArray.map { it.jsonObject }
            .firstOrNull { it.getValue("source").jsonPrimitive.content == "steps" } ?: return@mapNotNull null
        val right = steps.getValue("text").jsonPrimitive.content
        val answer = row.getValue("answer").jsonPrimitive.content
        val wrong = (answer.toInt() + random.nextInt(1, 9)).toString()
        val response = if (random.nextInt(4) == 0) right.replace(" = $answer.\n#### $answer", " = $wrong.\n#### $wrong") else right
        buildJsonObject {
            put("prompt", row.getValue("prompt"))
            put("response", response)
        }.toString()
    }
    val file = Path.of("runs/every-step/train.jsonl")
    Files.createDirectories(file.parent)
    return Files.write(file, lines)
}

val train = partlyWrong().toString()
val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 60

study("every-step", "runs/every-step/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl(train), chatTemplate())
        heldOut(jsonl("samples/data/quickstart-heldout.jsonl"))
        train {
            tokensPerBatch = 2048
            optimizer = adamW(lr = 3e-4)
        }
        evaluate(gsm8kStrict(), maxNewTokens = 64)
    }
    equalSteps(steps)
    baseline("sft") { objective(sft()) }
    arm("random half") { select(uds(keep = 1, of = 2, score = Uds.Score.RANDOM)) }
    arm("largest losses") { select(uds(keep = 1, of = 2, score = Uds.Score.MAX_LOSS)) }
    arm("uds") { select(uds(keep = 1, of = 2)) }
    arm("qTuning") { select(qTuning(samples = 0.5, tokens = 0.7)) }
    arm("undesirable") { objective(undesirable()) }
    arm("sorted") { objective(sorted(exits = listOf(2, 4, 6))) }
}.run()
