#!/usr/bin/env kotlin
/*
 * Does learning from the undesirable make a model that learned from little data steadier? Card lfu, test 8: the standard
 * deviation of the accuracy over five wordings of a prompt is not above SFT's, and less is forgotten of a task that is not
 * trained on (here: facts about islands, by the perplexity of the answers). Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/undesirable.main.kts [SEEDS STEPS]
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/solutions.main.kts")
@file:Import("../generators/worlds.main.kts")

import java.nio.file.Path
import kotlin.math.sqrt
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.*

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 30
val work = "runs/undesirable"

/** The problem in five wordings, of which the first is the one that is trained on. */
fun wordings(problem: WordProblem): List<String> {
    val story = problem.sentences.joinToString(" ")
    return listOf(
        problem.prompt,
        "Please help me. ${problem.prompt}",
        "$story What is the number of ${problem.thing} that ${problem.person.name} has now?",
        "$story Tell me how many ${problem.thing} there are.",
        "How many ${problem.thing} does ${problem.person.name} have in the end? $story",
    )
}

writeLines(Path.of(work, "train.jsonl"), solutions(1).take(60).map { it.toJson() })
writeLines(Path.of(work, "heldout.jsonl"), solutions(2, reserved = true).take(24).flatMap { solution ->
    wordings(solution.problem).mapIndexed { i, prompt ->
        record("prompt" to prompt, "answer" to solution.problem.answer, "wording" to "$i")
    }
})
val dice = Dice(3)
writeLines(Path.of(work, "islands.jsonl"), islands.asSequence().flatMap { island ->
    island.facts.keys.map { record("prompt" to question(island, it), "response" to dice.statement(island, it)) }
})

val accuracy = gsm8kStrict()

study("undesirable", "$work/$steps") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl("$work/train.jsonl"))
        heldOut(jsonl("$work/heldout.jsonl"))
        adapt(lora(rank = 8))
        train {
            tokensPerBatch = 512
            optimizer = adamW(lr = 2e-3)
        }
        evaluate(
            accuracy,
            metric("sd over wordings", answersPerPrompt = 1) { samples, model ->
                val scores = samples.groupBy { it.fields()["wording"] }.values
                    .map { accuracy.measure(it, model).single().value() }
                listOf(sqrt(scores.sumOf { (it - scores.average()) * (it - scores.average()) } / (scores.size - 1)))
            },
            forgetting(jsonl("$work/islands.jsonl"), perplexity()),
            maxNewTokens = 48,
        )
    }
    equalSteps(steps)
    baseline("sft") { objective(sft()) }
    arm("undesirable") { objective(undesirable()) }
}.run()
