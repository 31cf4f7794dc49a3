#!/usr/bin/env kotlin
/*
 * Does a model go on rightly behind a mistake of its own? Card ift, test 8: intuitive fine-tuning, which reads its own words
 * while it learns, finds the right words behind an error likelier than SFT does, after as many steps and with about the
 * same loss where there is none. Here the first total of a solution is replaced by the likeliest wrong number by the model
 * itself, and the surprise of what is right behind it measured, in nats a token. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/own-errors.main.kts [SEEDS STEPS]
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
val steps = args.getOrNull(1)?.toLong() ?: 24
val work = "runs/own-errors"

writeLines(Path.of(work, "train.jsonl"), solutions(1).take(600).map { it.toJson() })
writeLines(Path.of(work, "heldout.jsonl"), solutions(2, reserved = true).take(60).map {
    record("prompt" to it.problem.prompt, "response" to it.response, "answer" to it.problem.answer, "start" to it.start,
        "total" to "${it.problem.sum.totals[0]}", "rest" to it.rest)
})

/** The surprise of the rest of each solution behind the total that [totals] names for it. */
fun surprise(samples: List<Sample>, model: Examinee, totals: List<Int>): List<Double> {
    val begun = samples.zip(totals) { sample, total -> Continuation(sample, sample.fields().getValue("start") + total) }
    val whole = begun.zip(samples) { one, sample -> Continuation(sample, one.text + sample.fields().getValue("rest")) }
    return model.likelihoods(begun).zip(model.likelihoods(whole)) { before, all ->
        (before.sum() - all.sum()) / (all.tokens() - before.tokens())
    }
}

fun total(sample: Sample): Int = sample.fields().getValue("total").toInt()

/** The wrong total near the right one that the model finds the likeliest, for each sample. */
fun errors(samples: List<Sample>, model: Examinee): List<Int> {
    val asked = samples.flatMap { sample ->
        listOf(-10, -2, -1, 1, 2, 10).map { total(sample) + it }.filter { it > 0 }.map { sample to it }
    }
    val likelihoods = model.likelihoods(asked.map { (sample, total) ->
        Continuation(sample, sample.fields().getValue("start") + total)
    })
    return asked.zip(likelihoods).groupBy { it.first.first }.values.map { group -> group.maxBy { it.second.sum() }.first.second }
}

study("own-errors", "$work/$steps") {
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
            metric("behind the right total") { samples, model -> surprise(samples, model, samples.map(::total)) },
            metric("behind its own error") { samples, model -> surprise(samples, model, errors(samples, model)) },
        )
    }
    equalSteps(steps)
    baseline("sft") { objective(sft()) }
    arm("intuitive") { objective(intuitive()) }
}.run()
