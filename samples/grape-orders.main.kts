#!/usr/bin/env kotlin
/*
 * The experiment of GRAPE's paper (its figure 2) on the tiny model: the same fine-tuning on the responses that the base
 * model finds most natural, on random ones, and on the least natural ones. Besides the task it asks what becomes of texts of
 * the kind that the base was pretrained on, and shows the training losses. Run it from the project's root:
 *
 *     scripts/finetune run samples/grape-orders.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/grape-orders.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("generators/files.main.kts")
@file:Import("generators/logs.main.kts")
@file:Import("generators/pretraining.main.kts")

import java.nio.file.Path
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.study
import org.finetune4j.methods.select.Grape

val steps = args.getOrNull(1)?.toLong()
val pages = "runs/grape-orders-pages.jsonl".also { file ->
    writeLines(Path.of(file), pretrainingDocuments(17).take(100).map { page -> buildJsonObject { put("text", page) }.toString() })
}

val results = study(if (steps == null) "grape-orders" else "grape-orders-$steps") {
    seeds = (1L..(args.getOrNull(0)?.toLong() ?: 3)).toList()
    common {
        base("samples/models/tiny")
        data(jsonl("samples/data/quickstart-candidates.jsonl"), chatTemplate())
        heldOut(jsonl("samples/data/quickstart-heldout.jsonl"))
        objective(sft())
        adapt(lora(rank = 8))
        train {
            tokensPerBatch = 2048
            optimizer = adamW(lr = 2e-3)
            precision = bf16
        }
        evaluate(gsm8kStrict(), forgetting(on = jsonl(pages), metric = perplexity()), maxNewTokens = 64)
    }
    if (steps == null) differentBudgets() else equalSteps(steps)       // one epoch each, as in the paper
    baseline("random")
    for (order in Grape.Order.values()) {
        arm(order.name.lowercase()) { select(grape(order = order, seed = seed)) }
    }
}.run()
println("\ntraining loss in each fifth of the steps, mean of the seeds")
results.study.arms.forEach { arm ->
    val losses = results.runs.filter { it.arm == arm.name }.map { run -> stepValues(results[arm.name].folder(run.seed)).map { it.getValue("nll") } }
    val fifths = (0..4).map { part -> losses.map { it.subList(it.size * part / 5, maxOf(it.size * part / 5 + 1, it.size * (part + 1) / 5)).average() }.average() }
    println("%-8s %s".format(arm.name, fifths.joinToString("  ") { "%.3f".format(it) }))
}
