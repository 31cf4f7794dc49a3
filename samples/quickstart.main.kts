#!/usr/bin/env kotlin
/*
 * Teaches the tiny base model to calculate before it answers. Run it from the project's root:
 *
 *     scripts/finetune run samples/quickstart.main.kts
 *
 * An argument limits the optimiser steps: `... samples/quickstart.main.kts 5`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")

import org.finetune4j.dsl.*

val steps = args.firstOrNull()?.toLong()

val tuned = finetune {
    base("samples/models/tiny")
    data(jsonl("samples/data/quickstart-candidates.jsonl"), chatTemplate())
    heldOut(jsonl("samples/data/quickstart-heldout.jsonl"))
    select(grape())                                            // The Best Instruction-Tuning Data are Those That Fit
    objective(asft(kl = 0.1))                                  // Anchored Supervised Fine-Tuning
    adapt(lora(rank = 8))
    train {
        if (steps == null) epochs = 2 else maxSteps = steps
        tokensPerBatch = 2048
        optimizer = adamW(lr = 2e-3)
        precision = bf16
    }
    evaluate(gsm8kStrict(), maxNewTokens = 64)
    output(if (steps == null) "runs/quickstart" else "runs/quickstart-$steps")
}
tuned.save("${tuned.folder}/model")
println("The tuned model is in ${tuned.folder}/model")
