#!/usr/bin/env kotlin
/*
 * What makes a model of short texts find something in long ones? The tiny model, whose texts had at most some 150 tokens, is
 * rebased for four times as long ones and asked for a number that stands somewhere in 100 or 400 tokens: as it is; after
 * interleaved chunks of documents (CIP); after short questions of that kind; and after long ones, with and without CIP before.
 * LongSkywork (arXiv 2406.00605): a short stage of long fine-tuning is what counts, and CIP helps it. Run it from the
 * project's root:
 *
 *     scripts/finetune run samples/experiments/longskywork.main.kts
 *
 * Arguments limit the seeds and the steps of the short and long stages: `... samples/experiments/longskywork.main.kts 1 4`.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")
@file:Import("../generators/files.main.kts")
@file:Import("../generators/pretraining.main.kts")
@file:Import("../generators/spread.main.kts")

import java.nio.file.Path
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import org.finetune4j.dsl.*
import org.finetune4j.methods.data.table.NeedleGrid

val seedCount = args.getOrNull(0)?.toLong() ?: 3
val steps = args.getOrNull(1)?.toLong() ?: 24
val work = "runs/longskywork/$steps"
val tokens = "samples/models/tiny"
val depths = listOf(0, 25, 50, 75, 100)
val start = rebased(tokens, factor = 4.0, into = "$work/rebased")

fun pages(name: String, seed: Long, count: Int, joined: Int) = "$work/$name.jsonl".also { path ->
    val documents = pretrainingDocuments(seed).chunked(joined) { it.joinToString("\n") }.take(count)
    writeLines(Path.of(path), documents.map { buildJsonObject { put("text", it) }.toString() })
}

val documents = jsonl(pages("documents", 11, 240, joined = 3))
val interleaved = documents.chunkInterleaved(chunk = 32, documents = 4, length = 400, tokenizer = tokens)
val shortPages = jsonl(pages("short", 12, 60, joined = 1))
val short = needle(lengths = listOf(100), depths = depths, each = 120, tokenizer = tokens, seed = 13)
val long = needle(lengths = listOf(400), depths = depths, each = 40, tokenizer = tokens, seed = 14)
val asked = needle(lengths = listOf(100, 400), depths = depths, each = 4, tokenizer = tokens, seed = 15).open().samples()

val spread = SpreadTable("trained")
val byDepth = linkedMapOf<String, MutableMap<String, Double>>()

/** Trains a stage behind the run [from], or the base, and measures it as [arm]; returns its folder. */
fun stage(arm: String, from: String?, source: DataSource, length: Long, rate: Double, seeded: Long): String {
    val folder = "$work/${arm.replace(Regex("[^a-zA-Z]+"), "-")}-seed-$seeded"
    finetune {
        base(start)
        data(source)
        heldOut(shortPages)
        train {
            maxSteps = length
            tokensPerBatch = 1024
            optimizer = adamW(lr = rate)
            seed = seeded
        }
        if (from != null) continueFrom(from)
        output(folder)
    }.use { tuned ->
        val answers = asked.map { tuned.generate(it.prompt().last().text()) { temperature = 0.0; maxNewTokens = 12 } }
        val grid = NeedleGrid.of(asked, answers).cells()
        grid.forEach { (size, row) -> spread.add(arm, "found in $size tokens %", 100 * row.values.average()) }
        spread.add(arm, "loss of short pages, 100ths", 100 * tuned.metrics.getValue("heldOutLoss").after().value())
        val cells = byDepth.getOrPut(arm) { linkedMapOf() }
        grid.getValue("400").forEach { (depth, found) -> cells.merge(depth, found / seedCount, Double::plus) }
    }
    return folder
}

for (seed in 1..seedCount) {
    // Only measured: one step of the rate 0.
    stage("rebased alone", null, short, 1, 0.0, seed)
    val read = stage("+ CIP", null, interleaved, maxOf(1L, steps / 3), 3e-4, seed)
    val tuned = stage("+ CIP + short", read, short, steps, 1e-3, seed)
    stage("+ CIP + short + long", tuned, long, steps, 1e-3, seed)
    val plain = stage("+ short", null, short, steps, 1e-3, seed)
    stage("+ short + long", plain, long, steps, 1e-3, seed)
}
println("\n$spread\n")
byDepth.forEach { (arm, cells) -> println("found in 400 tokens by depth, $arm: ${cells.map { (depth, found) -> "$depth %: ${(100 * found).toInt()}" }.joinToString()}") }
