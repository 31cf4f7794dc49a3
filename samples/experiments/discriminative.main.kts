#!/usr/bin/env kotlin
/*
 * Does a model that learns against its own answers leave these behind? Card discriminative-ft, test 8: after as many passes the
 * right answer is at least as likely as after SFT, and what the base would have answered is less likely. Both are told for
 * held-out problems, in nats for a whole answer; the wrong ones were drawn from the base. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/discriminative.main.kts [SEEDS EPOCHS]
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/solutions.main.kts")

import java.nio.file.Path
import org.finetune4j.data.Sample
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*
import org.finetune4j.methods.evaluate.Examinee
import org.finetune4j.methods.evaluate.Examinee.Continuation

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val passes = args.getOrNull(1)?.toInt() ?: 4
val work = "runs/discriminative"

writeLines(Path.of(work, "train.jsonl"), solutions(1).take(200).map { it.toJson() })

// The base's own wrong answers to held-out problems; one step of the rate 0 leaves it as it is.
val asked = solutions(2, reserved = true).take(80).toList()
val wrong = finetune {
    base("samples/models/tiny")
    data(jsonl("$work/train.jsonl"))
    objective(sft())
    train {
        maxSteps = 1
        tokensPerBatch = 512
        optimizer = adamW(lr = 0.0)
    }
    output("$work/base")
}.use { base ->
    asked.map { solution ->
        base.generations(solution.problem.prompt) { temperature = 0.7; topK = 50; maxNewTokens = 48; samples = 4; seed = 3 }
            .map { it.text() }.firstOrNull { it.isNotBlank() && !it.endsWith("#### ${solution.problem.answer}") }
    }
}
writeLines(Path.of(work, "heldout.jsonl"), asked.zip(wrong).asSequence().mapNotNull { (solution, other) ->
    other?.let {
        record("prompt" to solution.problem.prompt, "response" to solution.response, "answer" to solution.problem.answer, "wrong" to it)
    }
})

fun Examinee.logLikelihoods(samples: List<Sample>, text: (Sample) -> String): List<Double> =
    likelihoods(samples.map { Continuation(it, text(it)) }).map { it.sum() }

val right = { sample: Sample -> checkNotNull(sample.response()) }
val other = { sample: Sample -> sample.fields().getValue("wrong") }

study("discriminative", "$work/$passes") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl("$work/train.jsonl"))
        heldOut(jsonl("$work/heldout.jsonl"))
        train {
            epochs = passes
            tokensPerBatch = 1024
            optimizer = adamW(lr = 3e-4)
        }
        evaluate(
            gsm8kStrict(),
            metric("log p, right") { samples, model -> model.logLikelihoods(samples, right) },
            metric("log p, the base's") { samples, model -> model.logLikelihoods(samples, other) },
            metric("right likelier") { samples, model ->
                model.logLikelihoods(samples, right).zip(model.logLikelihoods(samples, other)) { a, b -> if (a > b) 1.0 else 0.0 }
            },
            maxNewTokens = 64,
        )
    }
    differentBudgets()
    baseline("sft") { objective(sft()) }
    // A batch holds the answers to learn against too, so that as many passes take about twice the steps with them.
    arm("sft, twice the passes") {
        objective(sft())
        train { epochs = 2 * passes }
    }
    arm("discriminative") { objective(discriminative(maxNewTokens = 48)) }
    arm("discriminative2") { objective(discriminative2(maxNewTokens = 48)) }
}.run()
