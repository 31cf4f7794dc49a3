package org.finetune4j.dsl.pipeline

import org.finetune4j.FinetuneException
import org.finetune4j.dsl.DataSource
import org.finetune4j.dsl.RecipeScope
import org.finetune4j.dsl.adamW
import org.finetune4j.dsl.at
import org.finetune4j.dsl.chunkInterleaved
import org.finetune4j.dsl.cosine
import org.finetune4j.dsl.mix
import org.finetune4j.dsl.rebased
import org.finetune4j.dsl.sft
import org.finetune4j.dsl.syntheticTables
import org.finetune4j.model.ModelConfig
import java.nio.file.Path

/**
 * LongSkywork's four stages for longer contexts: the rotary positions of the model in the folder [base] are rebased (NTK), then
 * it goes on learning documents whose chunks are interleaved, learns short instructions at its old length, and last, for
 * [longSteps] steps, questions about very long synthetic tables beside long and short instructions.
 *
 * ```kotlin
 * val tuned = longSkywork("models/base", contextLength = 16_384, documents = jsonl("pages.jsonl"), instructions = jsonl("chat.jsonl")) {
 *     train { tokensPerBatch = 16_384; precision = bf16 }
 * }.run()
 * ```
 *
 * Chunks, shares and learning rate are this project's choice; the paper does not tell them. Ask the result for a needle by
 * `evaluate(...)` on `needle(...)` as held-out data in [common].
 *
 * Source: LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models, arXiv 2406.00605.
 *
 * @param contextLength the new longest text in tokens, above the base's
 * @param documents plain documents, which are interleaved
 * @param instructions ordinary conversations at the base's length
 * @param longInstructions conversations as long as the new context, or null for tables and short ones alone
 * @param chunk tokens of a chunk, at least 16
 * @param together documents that are interleaved to one, at least 2
 * @param pretrainingSteps optimiser steps on interleaved documents, or null for one pass over them
 * @param instructionSteps optimiser steps on [instructions], or null for one pass over them
 * @param longSteps optimiser steps of the last stage, at least 1
 * @param tables share of the last stage's samples that are synthetic tables, in [0, 1]
 * @param replay share of them that are from [instructions], in [0, 1]; the rest are [longInstructions]
 * @param lr highest learning rate of the two long stages
 * @param folder where every stage has a folder of its own
 * @param common what all stages have in common beside that, such as an adapter, precision and measurements
 * @throws FinetuneException when a setting is out of range, or the base has no rotary positions that can be rebased
 */
public fun longSkywork(
    base: String,
    contextLength: Int,
    documents: DataSource,
    instructions: DataSource,
    longInstructions: DataSource? = null,
    chunk: Int = 2048,
    together: Int = 8,
    pretrainingSteps: Long? = null,
    instructionSteps: Long? = null,
    longSteps: Long = 200,
    tables: Double = 0.5,
    replay: Double = 0.2,
    lr: Double = 1e-5,
    folder: String = "runs/long-skywork",
    common: RecipeScope.() -> Unit = {},
): Pipeline {
    val length = ModelConfig.read(Path.of(base)).maxPositions()
    if (contextLength <= length) refuse("contextLength", "$contextLength", "above the base's $length: the target length must exceed the base length")
    if (!(tables in 0.0..1.0 && replay in 0.0..1.0 && tables + replay <= 1)) {
        refuse("tables and replay", "$tables and $replay", "in [0, 1] and together at most 1")
    }
    if (longSteps < 1) refuse("longSteps", "$longSteps", "at least 1")
    val long = 1 - tables - replay
    if (tables + replay + (if (longInstructions == null) 0.0 else long) <= 0) {
        refuse("tables and replay", "$tables and $replay", "above 0 where there are no longInstructions")
    }
    val longer = rebased(base, contextLength.toDouble() / length, "$folder/rebased")
    // Room for the turns around a table's text and for its answer.
    val asked = contextLength - minOf(ANSWER_TOKENS, contextLength / 4)
    val parts = listOfNotNull(
        (syntheticTables(rows = ROWS_PER_STEP * longSteps.toInt(), length = asked, tokenizer = base) at tables).takeIf { tables > 0 },
        (instructions at replay).takeIf { replay > 0 },
        longInstructions?.let { it at long }?.takeIf { long > 0 },
    )
    val everywhere = common
    return pipeline("long-skywork", folder) {
        common {
            base(longer)
            objective(sft())
            everywhere()
        }
        stage("interleaved documents") {
            data(documents.chunkInterleaved(chunk, together, contextLength - SPECIAL_TOKENS, tokenizer = base))
            train {
                maxLength = contextLength
                if (pretrainingSteps == null) epochs = 1 else maxSteps = pretrainingSteps
                optimizer = adamW(lr = lr)
                schedule = cosine()
            }
        }
        stage("short instructions") {
            data(instructions)
            train {
                maxLength = length
                if (instructionSteps == null) epochs = 1 else maxSteps = instructionSteps
            }
        }
        stage("long instructions") {
            data(mix(*parts.toTypedArray()))
            train {
                maxLength = contextLength
                maxSteps = longSteps
                optimizer = adamW(lr = lr)
                schedule = cosine()
            }
        }
    }
}

private fun refuse(setting: String, value: String, valid: String): Nothing =
    throw FinetuneException("longSkywork: setting '$setting' is $value, but must be $valid.")

private const val ANSWER_TOKENS = 128
private const val SPECIAL_TOKENS = 2
private const val ROWS_PER_STEP = 8
