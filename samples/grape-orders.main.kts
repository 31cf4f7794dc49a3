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
import org.finetune4j.dsl.study.study
import org.finetune4j.methods.select.Grape

val steps = args.getOrNull(1)?.toLong()

study(if (steps == null) "grape-orders" else "grape-orders-$steps") {
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
        evaluate(gsm8kStrict(), maxNewTokens = 64)
    }
    if (steps == null) differentBudgets() else equalSteps(steps)       // one epoch each, as in the paper
    baseline("random")
    for (order in Grape.Order.values()) {
        arm(order.name.lowercase()) { select(grape(order = order, seed = seed)) }
    }
}.run()
