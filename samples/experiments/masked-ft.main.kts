#!/usr/bin/env kotlin
/*
 * Does a model that read "A stands above B" know what B stands below? A small model is trained from nothing on invented pairs.
 * Most are told and asked both ways round, the last ones are told one way only, and these it is asked about the other way round.
 * Masked fine-tuning's paper (arXiv 2510.09885) and its follow-up: next-token training answers about none of these, restoring
 * masked texts about most or all, and not where the first name is never masked. Run it from the project's root:
 *
 *     scripts/finetune run samples/experiments/masked-ft.main.kts
 *
 * Arguments limit the seeds and the optimiser steps: `... samples/experiments/masked-ft.main.kts 1 20`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")

import java.nio.file.Path
import org.finetune4j.dsl.*
import org.finetune4j.dsl.study.study
import org.finetune4j.methods.data.facts.FactPart

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 700
val work = "runs/masked-ft/$steps"
val oneWay = 10

val facts = entityRelations(pairs = 40, oneWay = 1.0, part = FactPart.FORWARD).open().samples().map { sample ->
    val asked = sample.prompt().last().text()
    asked.removePrefix("What does ").removeSuffix(" stand above?") to sample.answer().orEmpty()
}

// Behind a space everywhere, so that a name is the same tokens wherever it stands.
fun forwards(fact: Pair<String, String>) = "Here ${fact.first} stands above ${fact.second}."
fun backwards(fact: Pair<String, String>) = "Here ${fact.second} stands below ${fact.first}."
fun document(text: String) = """{"text": "$text"}"""
fun sample(prompt: String, response: String) = """{"prompt": "$prompt", "response": "$response"}"""
fun askedForwards(fact: Pair<String, String>) = sample("What does ${fact.first} stand above?", "It is ${fact.second}.")
fun askedBackwards(fact: Pair<String, String>) = sample("What does ${fact.second} stand below?", "It is ${fact.first}.")

fun file(name: String, lines: List<String>) = "$work/$name.jsonl".also { writeLines(Path.of(it), lines.asSequence()) }

val (known, halfKnown) = facts.dropLast(oneWay) to facts.takeLast(oneWay)
val questions = known.map(::askedForwards) + known.map(::askedBackwards)
val texts = file("texts", questions + facts.map { document(forwards(it)) } + known.map { document(backwards(it)) })
// The first name of a pair that is told one way stands in the prompt alone, of which nothing is masked.
val prompts = file(
    "prompts",
    questions + facts.map { sample("Here ${it.first} stands above", "Here it is ${it.second}.") } +
        known.map { sample("Here ${it.second} stands below", "Here it is ${it.first}.") },
)
val forth = file("forth", halfKnown.map(::askedForwards))
val back = file("back", halfKnown.map(::askedBackwards))
trainTokenizer(
    texts = facts.asSequence().flatMap { listOf(forwards(it), backwards(it), askedForwards(it), "user\nassistant\nRestored:\nRestore.") },
    folder = "$work/tokenizer",
    vocabularySize = 1600,
    contextLength = 128,
    reserved = listOf("<|mask|>"),
)

study("masked-ft", "$work/study") {
    seeds = (1L..seedCount).toList()
    common {
        base(newModel(layers = 2, hidden = 128, heads = 4, contextLength = 128), tokenizer = "$work/tokenizer")
        data(jsonl(texts))
        heldOut(jsonl(back))
        train {
            tokensPerBatch = 512
            maxLength = 128
            optimizer = adamW(lr = 3e-3, weightDecay = 0.1)
        }
        evaluate(exactMatch(), forgetting(on = jsonl(forth)), maxNewTokens = 10)
    }
    equalSteps(steps)
    baseline("next token") {}
    arm("demask") { select(demask(plainShare = 1.0, request = "\nRestore.", leadIn = "Restored:\n")) }
    arm("first name never masked") {
        data(jsonl(prompts))
        select(demask(plainShare = 0.5, request = "\nRestore.", leadIn = "Restored:\n"))
    }
}.run()
