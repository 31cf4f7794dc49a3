/*
 * What the log of a run says of each optimiser step.
 */
@file:DependsOn("org.finetune4j:dsl:0.1.0")

import java.nio.file.Files
import java.nio.file.Path
import kotlinx.serialization.json.*

/** The values of each optimiser step of the run in [folder], by name. */
fun stepValues(folder: Path): List<Map<String, Double>> = Files.readAllLines(folder.resolve("metrics.jsonl"))
    .map { Json.parseToJsonElement(it).jsonObject }
    .filter { "tokensPerSecond" in it }
    .map { step -> step.getValue("values").jsonObject.mapValues { it.value.jsonPrimitive.double } }

/** Of all samples that the run in [folder] kept in its steps after [skip], the share from each file, in %. */
fun keptShares(folder: Path, skip: Int = 0): Map<String, Double> {
    val counts = stepValues(folder).drop(skip).flatMap { it.entries }.filter { it.key.startsWith("kept.") }
        .groupBy({ it.key.removePrefix("kept.").removeSuffix(".jsonl") }, { it.value }).mapValues { it.value.sum() }
    return counts.mapValues { 100 * it.value / counts.values.sum() }
}
