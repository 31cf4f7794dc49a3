#!/usr/bin/env kotlin
/*
 * Are the first blocks a model of their own? Card soft, test 8: after as many steps every intermediate exit of sorted
 * fine-tuning is better than the same exit of SFT, and the last one as good within noise. The tiny model has six blocks and
 * learns to solve word problems in steps. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/exits.main.kts [SEEDS STEPS]
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/solutions.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 48
val work = "runs/exits"
val depths = listOf(2, 4, 6)

writeLines(Path.of(work, "train.jsonl"), solutions(1).take(1200).map { it.toJson() })
writeLines(Path.of(work, "heldout.jsonl"), solutions(2, reserved = true).take(60).map { it.toJson() })

study("exits", "$work/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl("$work/train.jsonl"))
        heldOut(jsonl("$work/heldout.jsonl"))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(perExit(depths, perplexity()), perExit(depths, gsm8kStrict()), maxNewTokens = 48)
    }
    equalSteps(steps)
    baseline("sft") { objective(sft()) }
    arm("sorted") { objective(sorted(exits = depths)) }
}.run()
