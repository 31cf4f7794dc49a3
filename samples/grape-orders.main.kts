#!/usr/bin/env kotlin
/*
 * The experiment of GRAPE's paper (its figure 2) on the tiny model: the same fine-tuning on the responses that the base
 * model finds most natural, on random ones, and on the least natural ones. Run it from the project's root:
 *
 *     scripts/finetune run samples/grape-orders.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/grape-orders.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")

import org.finetune4j.dsl.*
import org.finetune4j.methods.select.Grape

val seeds = 1L..(args.getOrNull(0)?.toLong() ?: 3)
val steps = args.getOrNull(1)?.toLong()

fun tuned(order: Grape.Order, seed: Long) = finetune {
    base("samples/models/tiny")
    data(jsonl("samples/data/quickstart-candidates.jsonl"), chatTemplate())
    heldOut(jsonl("samples/data/quickstart-heldout.jsonl"))
    select(grape(order = order, seed = seed))
    objective(sft())
    adapt(lora(rank = 8))
    train {
        if (steps == null) epochs = 1 else maxSteps = steps
        tokensPerBatch = 2048
        optimizer = adamW(lr = 2e-3)
        precision = bf16
        this.seed = seed
    }
    evaluate(gsm8kStrict(), maxNewTokens = 64)
    output("runs/grape-orders/${order.name.lowercase()}-$seed-${steps ?: "all"}")
}

val scores = Grape.Order.values().associateWith { order ->
    seeds.map { seed -> tuned(order, seed).use { it.metrics.getValue("exactMatch") } }
}
println("\nexact match in %  before  after, by seed")
scores.forEach { (order, results) ->
    val after = results.joinToString("  ") { "%5.1f".format(100 * it.after().value()) }
    println("%-16s %7.1f  %s".format(order.name.lowercase(), 100 * results.first().before().value(), after))
}
