package org.finetune4j.dsl.study

import org.finetune4j.FinetuneException
import org.finetune4j.methods.Nearest
import org.jetbrains.letsPlot.intern.Plot
import java.nio.file.Path

/**
 * What a study has measured so far.
 *
 * @property study the study
 * @property runs the finished runs of its arms, in the order of the arms and then of the seeds
 * @property failures the runs that did not come to their end, stages among them
 */
public class StudyResults internal constructor(
    public val study: Study,
    public val runs: List<StudyRun>,
    public val failures: List<StudyFailure>,
) {
    /** The names of the metrics, in the order of the recipes, the held-out loss last. */
    public val metrics: List<String> = runs.flatMap { run -> run.measurements.map { it.name } }.distinct()
        .let { names -> names.filter { it != HELD_OUT_LOSS } + names.filter { it == HELD_OUT_LOSS } }

    /** The folder where the results lie as `results.json`, `results.csv`, `results.md` and a plot of every metric. */
    public val folder: String get() = study.folder

    /**
     * The results of the arm called [name].
     *
     * @throws FinetuneException when there is no such arm
     */
    public operator fun get(name: String): ArmResults = of(study.arm(name))

    /** [metric] as a plot: against the swept value where the study sweeps a number, else by arm. Notebooks show it. */
    public fun plot(metric: String): Plot = StudyPlot.of(this, known(metric))

    /** The results as Markdown tables. */
    public fun toMarkdown(): String = StudyMarkdown.of(this)

    /** One line for every run and metric, with a header, as RFC 4180 has it. */
    public fun toCsv(): String = StudyCsv.of(this)

    override fun toString(): String = toMarkdown()

    internal fun of(arm: Arm): ArmResults = ArmResults(arm, runs.filter { it.arm == arm.name }, this)

    internal fun arms(): List<ArmResults> = study.arms.map(::of)

    /** What [metric] was before training, where that is the same for every run. */
    internal fun before(metric: String): Double? =
        runs.mapNotNull { it.measurement(metric)?.before }.distinct().singleOrNull()

    internal fun isShare(metric: String): Boolean = runs.mapNotNull { it.measurement(metric) }.let { all -> all.isNotEmpty() && all.all { it.share } }

    /** What is to be said of budgets that were to be equal and are not, or null. */
    internal fun budgetWarning(): String? {
        val tolerance = when (val budget = study.budget) {
            is EqualSteps -> 0.0
            is EqualSupervisedTokens -> budget.tolerance
            DifferentBudgets -> return null
        }
        val spent = if (study.budget is EqualSteps) StudyRun::steps else StudyRun::supervisedTokens
        val uneven = study.seeds.filter { seed ->
            val numbers = runs.filter { it.seed == seed }.map(spent)
            numbers.isNotEmpty() && numbers.max() > numbers.min() * (1 + tolerance)
        }
        return if (uneven.isEmpty()) null else "the arms did not train equally long with the seeds ${uneven.joinToString()}, see " +
            "the table of what was spent; give the budget a number to make them"
    }

    internal fun known(metric: String): String = if (metric in metrics) metric else throw FinetuneException(
        "this study has not measured '$metric'; it has ${metrics.joinToString(", ")}." + Nearest.proposal(metric, metrics) + " Correct the name.",
    )

    internal companion object {
        const val HELD_OUT_LOSS = "heldOutLoss"
    }
}

/**
 * The results of one arm.
 *
 * @property arm the arm
 * @property runs its finished runs, by their seeds
 */
public class ArmResults internal constructor(public val arm: Arm, public val runs: List<StudyRun>, private val results: StudyResults) {
    /**
     * What its runs measured by [metric] after training.
     *
     * @throws FinetuneException when the study has no such metric
     */
    public operator fun get(metric: String): Spread = spread(results.known(metric))

    /** How far it is from the baseline by [metric], or null for the baseline itself and where no seed has both. */
    public fun toBaseline(metric: String): PairedDifference? =
        results.study.baselineOf(arm)?.let { PairedDifference.between(get(metric), results.of(it)[metric]) }

    /** The folder of its run with this [seed]. */
    public fun folder(seed: Long): Path = Path.of(StudyDraft.armFolder(results.study.folder, arm.name, seed))

    private fun spread(metric: String) =
        Spread(runs.mapNotNull { run -> run.measurement(metric)?.let { run.seed to it.after } }.toMap())
}
