#!/usr/bin/env kotlin
/*
 * Selective self-to-supervised fine-tuning (S3FT, arXiv 2502.08130) on the tiny model. The responses are in a style that the
 * base hardly knows (the least natural candidate of each prompt); where the base answers right by itself, S3FT and SSR train
 * on its own answer instead. In the paper S3FT is better at the task than SFT and forgets less of others; sums and facts that
 * the base knows stand for those here. Run it from the project's root:
 *
 *     scripts/finetune run samples/s3ft.main.kts
 *
 * Arguments limit the seeds, the optimiser steps and the prompts: `... samples/s3ft.main.kts 1 2 40`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("generators/files.main.kts")
@file:Import("generators/general.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.select.Grape
import org.finetune4j.methods.select.Ssr

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 40
val prompts = args.getOrNull(2)?.toLong() ?: 150

fun rows(name: String, rows: Sequence<String>) = "runs/s3ft/data/$name.jsonl".also { writeLines(Path.of(it), rows.take(40)) }.let { jsonl(it) }

val sums = rows("sums", sumQuestions(1))
val facts = rows("facts", islandQuestions(2))
val judge = exactAnswer(gsm8kStrict())
val leastNatural = grape(order = Grape.Order.LOWEST)

study("s3ft", "runs/s3ft/$steps-$prompts") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl("samples/data/quickstart-candidates.jsonl").take(prompts), chatTemplate())
        heldOut(jsonl("samples/data/quickstart-heldout.jsonl").take(80))
        adapt(lora(rank = 8))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 2e-3)
        }
        evaluate(
            gsm8kStrict(), forgetting(sums, exactMatch()), forgetting(facts, exactMatch(referenceSeparator = EITHER)),
            maxNewTokens = 64,
        )
    }
    equalSteps(steps)
    baseline("sft") { select(leastNatural) }
    arm("ssr") { select(leastNatural, ssr(judge, maxNewTokens = 64)) }
    arm("random ssr") { select(leastNatural, ssr(judge, route = Ssr.Route.RANDOM, maxNewTokens = 64, seed = seed)) }
    arm("s3ft") { select(leastNatural, s3ft(judge, maxNewTokens = 64)) }
}.run()
