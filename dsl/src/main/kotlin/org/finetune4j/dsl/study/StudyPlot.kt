package org.finetune4j.dsl.study

import org.jetbrains.letsPlot.commons.encoding.RGBEncoder
import org.jetbrains.letsPlot.core.util.PlotSvgExportCommon
import org.jetbrains.letsPlot.geom.geomErrorBar
import org.jetbrains.letsPlot.geom.geomHLine
import org.jetbrains.letsPlot.geom.geomLine
import org.jetbrains.letsPlot.geom.geomPoint
import org.jetbrains.letsPlot.ggsize
import org.jetbrains.letsPlot.intern.Plot
import org.jetbrains.letsPlot.intern.toSpec
import org.jetbrains.letsPlot.label.ggtitle
import org.jetbrains.letsPlot.label.xlab
import org.jetbrains.letsPlot.label.ylab
import org.jetbrains.letsPlot.letsPlot

/**
 * A metric as a plot: small points are single seeds, large ones means, and bars reach one standard deviation up and down.
 * Where a number is swept, it is the horizontal axis and every other setting a line; arms outside the sweep are level lines.
 */
internal object StudyPlot {
    private const val X = "x"
    private const val Y = "y"
    private const val LOWER = "lower"
    private const val UPPER = "upper"
    private const val ARM = "arm"
    private const val WIDTH = 800
    private const val HEIGHT = 480
    private const val LARGE = 5
    private const val SMALL = 2
    private const val PALE = 0.6
    private const val NARROW = 0.1

    fun of(results: StudyResults, metric: String): Plot {
        val arms = results.arms().filter { it[metric].values.isNotEmpty() }
        val factor = if (results.isShare(metric)) 100.0 else 1.0
        val unit = if (results.isShare(metric)) "$metric in %" else metric
        val axis = sweptNumber(results.study)
        val plot = if (axis == null) byArm(arms, metric, factor) else against(axis, arms, metric, factor)
        return plot + ylab(unit) + ggtitle("${results.study.name}: $metric") + ggsize(WIDTH, HEIGHT)
    }

    /** The plot as a file of scalable graphics; no display is needed. */
    fun svg(plot: Plot): String =
        PlotSvgExportCommon.buildSvgImageFromRawSpecs(plot.toSpec(), plotSize = null, NoPictures, useCssPixelatedImageRendering = true)

    /** Lets-Plot asks for it in case that pixels are drawn. */
    private object NoPictures : RGBEncoder {
        override fun toDataUrl(width: Int, height: Int, argbValues: IntArray): String = error("these plots have no pixels")
    }

    /** The first axis with several values that are all numbers. */
    fun sweptNumber(study: Study): String? {
        val byAxis = study.arms.flatMap { it.coordinates }.groupBy { it.axis }
        return byAxis.entries.firstOrNull { (_, places) -> places.all { it.number != null } && places.distinctBy { it.number }.size > 1 }?.key
    }

    private fun byArm(arms: List<ArmResults>, metric: String, factor: Double): Plot =
        layers(arms.map { it to (it.arm.name as Any) }, metric, factor) { it.arm.name } + xlab("")

    private fun against(axis: String, arms: List<ArmResults>, metric: String, factor: Double): Plot {
        val swept = arms.mapNotNull { arm -> arm.arm.coordinates.firstOrNull { it.axis == axis }?.number?.let { arm to (it as Any) } }
        val level = arms - swept.map { it.first }.toSet()
        fun line(arm: ArmResults) = arm.arm.without(axis).ifBlank { axis }
        val ordered = swept.sortedBy { (_, place) -> place as Double }
        val plot = layers(ordered, metric, factor, ::line) + geomLine(data = means(ordered, metric, factor, ::line)) { x = X; y = Y; color = ARM } + xlab(axis)
        if (level.isEmpty()) return plot
        val lines = mapOf(Y to level.map { it[metric].mean * factor }, ARM to level.map { it.arm.name })
        return plot + geomHLine(data = lines, linetype = "dashed") { yintercept = Y; color = ARM }
    }

    private fun layers(places: List<Pair<ArmResults, Any>>, metric: String, factor: Double, line: (ArmResults) -> String): Plot {
        val singles = places.flatMap { (arm, place) -> arm[metric].values.values.map { Triple(place, it * factor, line(arm)) } }
        val points = mapOf(X to singles.map { it.first }, Y to singles.map { it.second }, ARM to singles.map { it.third })
        val spread = places.filter { (arm, _) -> arm[metric].standardDeviation != null }
        val plot = letsPlot() +
            geomPoint(data = points, size = SMALL, alpha = PALE) { x = X; y = Y; color = ARM } +
            geomPoint(data = means(places, metric, factor, line), size = LARGE) { x = X; y = Y; color = ARM }
        return if (spread.isEmpty()) plot else plot + geomErrorBar(data = bars(spread, metric, factor, line), width = NARROW) { x = X; ymin = LOWER; ymax = UPPER; color = ARM }
    }

    private fun means(places: List<Pair<ArmResults, Any>>, metric: String, factor: Double, line: (ArmResults) -> String) = mapOf(
        X to places.map { it.second },
        Y to places.map { (arm, _) -> arm[metric].mean * factor },
        ARM to places.map { (arm, _) -> line(arm) },
    )

    private fun bars(places: List<Pair<ArmResults, Any>>, metric: String, factor: Double, line: (ArmResults) -> String): Map<String, List<Any>> {
        fun end(sign: Int) = places.map { (arm, _) -> arm[metric].let { it.mean + sign * checkNotNull(it.standardDeviation) } * factor }
        return mapOf(X to places.map { it.second }, LOWER to end(-1), UPPER to end(1), ARM to places.map { (arm, _) -> line(arm) })
    }
}
