#!/usr/bin/env kotlin
/*
 * Is it worth weighting the operators on which a program depends? Card fait, test 8: after as many steps as SFT,
 * fault-weighted learning is surer of the right operator against a wrong one (log-odds on held-out functions) and writes more
 * functions that are wholly right, and is no worse at the other tokens. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/faults.main.kts [SEEDS STEPS]
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/programs.main.kts")
@file:Import("../generators/solutions.main.kts")

import java.nio.file.Path
import org.finetune4j.data.Sample
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.evaluate.Examinee.Continuation

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 100
val work = "runs/faults"

val training = programs(1).take(600).toList()
val unseen = programs(2).filter { program -> training.none { it.told == program.told } }.take(60)

fun toJson(program: Program): String = record("prompt" to program.told, "response" to program.code, "answer" to program.code,
    "faulty" to program.faulty, "place" to "${program.place}")

writeLines(Path.of(work, "train.jsonl"), training.asSequence().map(::toJson))
writeLines(Path.of(work, "heldout.jsonl"), unseen.map(::toJson))

/** By how much the right operator is likelier than the wrong one, in nats, both behind the same right lines. */
val logOdds = metric("log-odds") { samples, model ->
    fun likelihoods(code: (Sample) -> String) = model.likelihoods(
        samples.map { Continuation(it, code(it).take(it.fields().getValue("place").toInt() + 1)) },
    )
    likelihoods { it.response()!! }.zip(likelihoods { it.fields().getValue("faulty") }) { right, wrong ->
        right.sum() - wrong.sum()
    }
}

study("faults", "$work/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl("$work/train.jsonl"))
        heldOut(jsonl("$work/heldout.jsonl"))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 2e-3)
        }
        evaluate(logOdds, exactMatch(), maxNewTokens = 64)
    }
    equalSteps(steps)
    baseline("sft") { objective(sft()) }
    arm("faultWeighted") {
        objective(faultWeighted())
        train { tokensPerBatch = 2048 }                                // the wrong programs are read too: as many right ones
    }
}.run()
