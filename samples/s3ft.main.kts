#!/usr/bin/env kotlin
/*
 * Selective self-to-supervised fine-tuning on the tiny model. The responses are in a style that the base hardly knows (the
 * least natural candidate of each prompt); where the base answers right by itself, S3FT and SSR train on its own answer
 * instead. Run it from the project's root:
 *
 *     scripts/finetune run samples/s3ft.main.kts
 *
 * Arguments limit the seeds, the prompts and the optimiser steps: `... samples/s3ft.main.kts 1 40 2`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")

import org.finetune4j.dsl.*
import org.finetune4j.methods.select.Grape
import org.finetune4j.methods.select.Selector
import org.finetune4j.methods.select.Ssr

val seeds = 1L..(args.getOrNull(0)?.toLong() ?: 3)
val prompts = args.getOrNull(1)?.toLong() ?: 300
val steps = args.getOrNull(2)?.toLong()

val judge = exactAnswer(gsm8kStrict())
val leastNatural = grape(order = Grape.Order.LOWEST)
val arms: Map<String, (Long) -> List<Selector>> = mapOf(
    "sft" to { _ -> listOf(leastNatural) },
    "ssr" to { _ -> listOf(leastNatural, ssr(judge, maxNewTokens = 64)) },
    "random ssr" to { seed -> listOf(leastNatural, ssr(judge, route = Ssr.Route.RANDOM, maxNewTokens = 64, seed = seed)) },
    "s3ft" to { _ -> listOf(leastNatural, s3ft(judge, maxNewTokens = 64)) },
)

fun tuned(name: String, selectors: List<Selector>, seed: Long) = finetune {
    base("samples/models/tiny")
    data(jsonl("samples/data/quickstart-candidates.jsonl").take(prompts), chatTemplate())
    heldOut(jsonl("samples/data/quickstart-heldout.jsonl"))
    select(*selectors.toTypedArray())
    objective(sft())
    adapt(lora(rank = 8))
    train {
        if (steps == null) epochs = 1 else maxSteps = steps
        tokensPerBatch = 1024
        optimizer = adamW(lr = 1e-3)
        precision = bf16
        this.seed = seed
    }
    evaluate(gsm8kStrict(), maxNewTokens = 64)
    output("runs/s3ft/${name.replace(' ', '-')}-$seed-$prompts-${steps ?: "all"}")
}

val scores = arms.mapValues { (name, selectors) ->
    seeds.map { seed -> tuned(name, selectors(seed), seed).use { it.metrics.getValue("exactMatch") } }
}
println("\nexact match in %  before  after, by seed")
scores.forEach { (name, results) ->
    val after = results.joinToString("  ") { "%5.1f".format(100 * it.after().value()) }
    println("%-16s %7.1f  %s".format(name, 100 * results.first().before().value(), after))
}
