#!/usr/bin/env kotlin
/*
 * Is it better to criticise faulty solutions than to imitate them? The tiny model, which first learns to answer and to check, is
 * tuned on solutions of which half have a wrong step: it imitates all of them, the right ones alone, or learns to say by rule
 * which step is wrong and what it should be. Tests ask the plain questions. Critique fine-tuning's paper (arXiv 2501.17703):
 * criticising gains 4 to 10 points over imitating. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/cft.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/cft.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/critiques.main.kts")
@file:Import("../generators/files.main.kts")

import java.nio.file.Path
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.study

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 32
val work = "runs/cft/$steps"

fun file(name: String, rows: Sequence<Map<String, String>>) = "$work/$name.jsonl".also { path ->
    writeLines(Path.of(path), rows.map { row -> buildJsonObject { row.forEach { (field, text) -> put(field, text) } }.toString() })
}

/** What cft() shows the model, for the verdicts that are tested. */
fun toCriticise(solution: Solution) = "Critique whether the following solution to the question is correct.\n\n" +
    "Question:\n${solution.problem.prompt}\n\nSolution:\n${solution.text}"

fun answering(solution: Solution) = mapOf("prompt" to solution.problem.prompt, "response" to solution.text)
fun checking(solution: Solution) = mapOf("prompt" to toCriticise(solution), "response" to solution.critique)

// What the base learns first: to answer some questions and to check solutions of others.
val first = file("first", solutions(1, wrong = 0.0).take(60).map(::answering) + solutions(2, wrong = 0.5).take(240).map(::checking))
val noisy = solutions(3, wrong = 0.5).take(480).toList().asSequence()
val faulty = file("faulty", noisy.map { answering(it) + ("critique" to it.critique) })
val right = file("right", noisy.filter { it.wrongStep == null }.map(::answering))
val verdicts = file("verdicts", solutions(4, wrong = 0.5, reserved = true).take(40).map { mapOf("prompt" to toCriticise(it), "answer" to it.verdict) })

study("cft", "$work/study") {
    seeds = (1L..seedCount).toList()
    common {
        base("samples/models/tiny")
        data(jsonl(faulty))
        heldOut(jsonl("samples/data/quickstart-heldout.jsonl").take(60))
        train {
            tokensPerBatch = 1024
            optimizer = adamW(lr = 1e-3)
        }
        evaluate(gsm8kStrict(), forgetting(on = jsonl(verdicts), metric = exactMatch(extract = "Conclusion: (right|wrong)")), maxNewTokens = 80)
    }
    equalSteps(steps)
    val start = stage("first") {
        data(jsonl(first))
        train { maxSteps = 40 }
    }
    baseline("sft") { continueFrom(start) }
    arm("sft, right solutions") {
        data(jsonl(right))
        continueFrom(start)
    }
    arm("cft") {
        select(cft())
        continueFrom(start)
    }
}.run()
