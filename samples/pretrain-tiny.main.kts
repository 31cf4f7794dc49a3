#!/usr/bin/env kotlin
/*
 * Makes the tiny base model of the samples from nothing: its corpus by seeded generators, its tokenizer, its weights, and
 * the data of the quickstart. Run it from the project's root:
 *
 *     scripts/finetune run samples/pretrain-tiny.main.kts
 *
 * An argument limits the optimiser steps: `... samples/pretrain-tiny.main.kts 5`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("generators/files.main.kts")
@file:Import("generators/pretraining.main.kts")
@file:Import("generators/word-problems.main.kts")

import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.buildJsonObject
import org.finetune4j.dsl.*
import java.nio.file.Path

val documents = 160_000
val dialogues = 100_000
val context = 512
val steps = args.firstOrNull()?.toLong()
val work = if (steps == null) "runs/pretrain-tiny" else "runs/pretrain-tiny-$steps"

fun Message.toJson() = buildJsonObject {
    put("role", JsonPrimitive(role))
    put("content", JsonPrimitive(content))
}

fun pages() = pretrainingDocuments(seed = 1).take(documents)

fun talks() = pretrainingDialogues(seed = 2).take(dialogues)

writeLines(
    Path.of(work, "corpus.jsonl"),
    pages().map { page -> buildJsonObject { put("text", JsonPrimitive(page)) }.toString() } +
        talks().map { turns -> buildJsonObject { put("messages", JsonArray(turns.map { it.toJson() })) }.toString() },
)
trainTokenizer(
    texts = pages().take(20_000) + talks().take(20_000).flatMap { turns -> turns.asSequence().map { it.content } },
    folder = "$work/tokenizer",
    vocabularySize = 1024,
    contextLength = context,
)

val tiny = finetune {
    base(
        newModel(layers = 6, hidden = 192, heads = 6, keyValueHeads = 2, feedForward = 512, contextLength = context),
        tokenizer = "$work/tokenizer",
    )
    data(jsonl("$work/corpus.jsonl"), chatTemplate())
    train {
        if (steps == null) epochs = 1 else maxSteps = steps
        tokensPerBatch = 4096
        optimizer = adamW(lr = 3e-3, weightDecay = 0.1)
        schedule = cosine(warmup = 0.03)
        maxLength = context
        precision = bf16
        checkpointEvery = 250
    }
    output("$work/run")
}

if (steps == null) {
    writeQuickstart(Path.of("samples/data"), seed = 3, candidates = 600, heldOut = 200)
    tiny.save("samples/models/tiny")
} else {
    tiny.save("$work/model")
}
println(tiny.generate("What is 12 + 7?") { maxNewTokens = 32 })
