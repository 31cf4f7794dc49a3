#!/usr/bin/env kotlin
/*
 * What does one-token rollout keep on wrong answers? Card otr, test 8: it keeps more accuracy than SFT where three in ten
 * answers are wrong, and stays nearer to the base; one drawn token is noisier over seeds than 256. Nearness is told by the
 * perplexity of fresh pages and talks of the kind that the base was made on. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/one-token-rollout.main.kts [SEEDS STEPS]
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/pretraining.main.kts")
@file:Import("../generators/solutions.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 24
val work = "runs/one-token-rollout"

writeLines(Path.of(work, "train.jsonl"), solutions(1, wrong = 0.3).take(484).map { it.toJson() })
writeLines(Path.of(work, "heldout.jsonl"), solutions(2, reserved = true).take(60).map { it.toJson() })
writeLines(Path.of(work, "pages.jsonl"), pretrainingDocuments(99).take(60).map { record("text" to it) })
writeLines(
    Path.of(work, "talks.jsonl"),
    pretrainingDialogues(98).filter { it.size == 2 }.take(60)
        .map { (asked, answered) -> record("prompt" to asked.content, "response" to answered.content) },
)

study("one-token-rollout", "$work/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl("$work/train.jsonl"))
        heldOut(jsonl("$work/heldout.jsonl"))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(
            gsm8kStrict(),
            forgetting(jsonl("$work/pages.jsonl"), perplexity()),
            forgetting(jsonl("$work/talks.jsonl"), perplexity()),
            maxNewTokens = 64,
        )
    }
    equalSteps(steps)
    baseline("sft") { objective(sft()) }
    sweep("samples", 1, 256, arm = "oneTokenRollout") { objective(oneTokenRollout(samples = it)) }
}.run()
