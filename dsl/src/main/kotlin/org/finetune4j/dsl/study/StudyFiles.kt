package org.finetune4j.dsl.study

import kotlinx.serialization.Serializable
import org.finetune4j.checkpoint.AtomicFiles
import org.finetune4j.dsl.json.RecipeJson
import java.nio.file.Path

/** Writes the results of a study into its folder, each file whole or not at all. */
internal object StudyFiles {
    /** The file for programs. */
    @Serializable
    private class Document(
        val study: String,
        val seeds: List<Long>,
        val budget: String,
        val baseline: String?,
        val arms: List<ArmDocument>,
        val runs: List<StudyRun>,
        val failures: List<StudyFailure>,
    )

    @Serializable
    private class ArmDocument(val name: String, val coordinates: List<Coordinate>, val metrics: List<MetricDocument>)

    @Serializable
    private class MetricDocument(
        val name: String,
        val seeds: Int,
        val mean: Double,
        val standardDeviation: Double?,
        val toBaseline: DifferenceDocument?,
    )

    @Serializable
    private class DifferenceDocument(val seeds: Int, val mean: Double, val standardDeviation: Double?, val higher: Int, val lower: Int)

    /** Writes `results.json`, `results.csv` and `results.md`. */
    fun write(results: StudyResults) {
        writeText(results, "results.json", RecipeJson.json.encodeToString(Document.serializer(), document(results)) + "\n")
        writeText(results, "results.csv", results.toCsv())
        writeText(results, "results.md", results.toMarkdown())
    }

    /** Writes a plot of every metric, as `<metric>.svg`. */
    fun writePlots(results: StudyResults): Unit =
        results.metrics.forEach { writeText(results, "${StudyDraft.fileName(it)}.svg", StudyPlot.svg(results.plot(it))) }

    private fun writeText(results: StudyResults, name: String, text: String) =
        AtomicFiles.onDisk().writeText(Path.of(results.folder, name), text)

    private fun document(results: StudyResults): Document = with(results.study) {
        Document(name, seeds, "$budget", baseline, results.arms().map { arm(it, results.metrics) }, results.runs, results.failures)
    }

    private fun arm(results: ArmResults, metrics: List<String>) = ArmDocument(
        results.arm.name,
        results.arm.coordinates,
        metrics.mapNotNull { metric ->
            val spread = results[metric]
            if (spread.values.isEmpty()) null else MetricDocument(metric, spread.values.size, spread.mean, spread.standardDeviation, results.toBaseline(metric)?.let(::difference))
        },
    )

    private fun difference(difference: PairedDifference) = with(difference.differences) {
        DifferenceDocument(values.size, mean, standardDeviation, difference.higher, difference.lower)
    }
}
