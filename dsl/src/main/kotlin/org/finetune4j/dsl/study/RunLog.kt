package org.finetune4j.dsl.study

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.doubleOrNull
import org.finetune4j.dsl.json.RecipeJson
import java.nio.file.Files
import java.nio.file.Path

/**
 * What the log of a run says that it cost.
 *
 * @property steps optimiser steps
 * @property tokens tokens fed to the model in training
 * @property supervisedTokens tokens of these that were learned
 * @property trainingSeconds time of the steps
 */
internal class RunLog(val steps: Long, val tokens: Long, val supervisedTokens: Long, val trainingSeconds: Double) {
    companion object {
        /** The log in the folder of a run; all 0 where there is none. */
        fun read(folder: Path): RunLog {
            val file = folder.resolve("metrics.jsonl")
            val lines = if (Files.isRegularFile(file)) Files.readAllLines(file) else emptyList()
            val steps = lines.mapNotNull(::line).filter { "tokensPerSecond" in it }
            return RunLog(
                steps.size.toLong(),
                steps.sumOf { number(it, "tokens") }.toLong(),
                steps.sumOf { number(it, "supervisedTokens") }.toLong(),
                steps.sumOf { step -> number(step, "tokensPerSecond").let { if (it > 0) number(step, "tokens") / it else 0.0 } },
            )
        }

        private fun line(text: String): JsonObject? = try {
            RecipeJson.tree(text) as? JsonObject
        } catch (_: SerializationException) {
            // The last line of a run that was killed.
            null
        }

        private fun number(line: JsonObject, name: String): Double = (line[name] as? JsonPrimitive)?.doubleOrNull ?: 0.0
    }
}
