/*
 * What an experiment measured, as a table: a line for each arm, with the mean, the standard deviation and every seed's value.
 */
import java.util.Locale
import kotlin.math.sqrt

/**
 * Collects numbers by arm and metric, one for each seed.
 *
 * @property title what stands above the arms
 */
class SpreadTable(val title: String) {
    private val arms = linkedMapOf<String, LinkedHashMap<String, MutableList<Double>>>()

    /** Adds what one seed of [arm] came to by [metric]. */
    fun add(arm: String, metric: String, value: Double) {
        arms.getOrPut(arm) { linkedMapOf() }.getOrPut(metric) { mutableListOf() } += value
    }

    /** A table in Markdown; with one seed there is no deviation. */
    override fun toString(): String {
        val metrics = arms.values.flatMap { it.keys }.distinct()
        val rows = arms.map { (arm, values) -> listOf(arm) + metrics.map { cell(values[it].orEmpty()) } }
        val head = listOf(title) + metrics
        return (listOf(head, head.map { "---" }) + rows).joinToString("\n") { it.joinToString(" | ", "| ", " |") }
    }

    private fun cell(values: List<Double>): String {
        if (values.size < 2) return values.joinToString { shown(it) }
        val mean = values.average()
        val deviation = sqrt(values.sumOf { (it - mean) * (it - mean) } / (values.size - 1))
        return "${shown(mean)} ± ${shown(deviation)} (${values.joinToString { shown(it) }})"
    }

    private fun shown(value: Double) = String.format(Locale.ROOT, "%.1f", value)
}
