package org.finetune4j.dsl.study

import com.github.ajalt.mordant.terminal.Terminal
import kotlinx.serialization.Serializable
import org.finetune4j.FinetuneException
import org.finetune4j.dsl.Recipe
import org.finetune4j.dsl.endDryRun
import org.finetune4j.dsl.isDryRun

/**
 * Recipes that are compared: every arm with every seed, under one budget. [study][org.finetune4j.dsl.study.study] builds one,
 * and it never changes.
 *
 * @property name what it is called
 * @property folder where every run has a folder of its own, and where the results are written
 * @property seeds what the runs of an arm differ by, at least one
 * @property budget what the arms must have in common
 * @property baseline the [family][Arm.family] of arms that the others are compared with, or null for no comparison
 * @property stages runs that arms continue from
 * @property arms what is compared, at least one
 */
@Serializable
public data class Study(
    public val name: String,
    public val folder: String,
    public val seeds: List<Long>,
    public val budget: Budget,
    public val baseline: String?,
    public val stages: List<Stage>,
    public val arms: List<Arm>,
) {
    /**
     * This study as JSON, every setting of every recipe written out; [fromJson] makes an equal study of it.
     *
     * @throws FinetuneException when a fragment of an arm was defined in a script
     */
    public fun toJson(): String = StudyJson.write(this)

    /**
     * The arm called [name].
     *
     * @throws FinetuneException when there is none
     */
    public fun arm(name: String): Arm = named(name, arms) { it.name }

    /** What [arm] is compared with: the arm of the baseline's family with the same shared coordinates, or null. */
    public fun baselineOf(arm: Arm): Arm? = baseline?.takeIf { it != arm.family }?.let { family ->
        arms.firstOrNull { it.family == family && it.shared == arm.shared }
    }

    /** All arms, an estimate of their time and everything that refuses them, found without training. */
    public fun plan(): StudyPlan = StudyRunner(Terminal()).plan(this)

    /**
     * Runs what is not finished yet, one run after the other, and returns what all runs measured; plan, progress and results
     * are shown on [terminal] and the results written to [folder]. Seeds are the outer loop, so that a study that is stopped
     * has compared every arm on the seeds before.
     *
     * A study that was killed goes on where it was. A run that fails is told and does not keep the others from running. Under
     * `finetune run --dry-run` the plan is shown and the process ends.
     *
     * @param rerunChanged whether runs whose recipe, data or base have changed since are deleted and made again; otherwise
     *     they refuse the study
     * @throws FinetuneException when the study cannot run, or no run came to its end
     */
    public fun run(terminal: Terminal = Terminal(), rerunChanged: Boolean = false): StudyResults {
        if (isDryRun) plan().let { endDryRun(it, it.problems) }
        return StudyRunner(terminal).run(this, rerunChanged)
    }

    override fun toString(): String = "study(\"$name\"): ${arms.joinToString { it.name }}; seeds ${seeds.joinToString()}; $budget"

    public companion object {
        /**
         * The study that [text] holds.
         *
         * @throws FinetuneException when the text does not describe a study; the message lists everything that is wrong
         */
        public fun fromJson(text: String): Study = StudyJson.read(text)
    }
}

/**
 * One of the recipes that a study compares.
 *
 * @property label the name that the script gave it; blank where the coordinates say all
 * @property coordinates where it stands in the sweeps, one for each
 * @property recipes its recipe for every seed of the study
 */
@Serializable
public data class Arm(
    public val label: String,
    public val coordinates: List<Coordinate>,
    public val recipes: List<Recipe>,
) {
    /** The label and all coordinates, such as `asft kl=0.1`. */
    public val name: String get() = named(coordinates)

    /** The name without the coordinates that all arms share, such as the learning rates of `across(...)`. */
    public val family: String get() = named(coordinates.filterNot { it.shared })

    /** The coordinates that every other arm has too. */
    public val shared: List<Coordinate> get() = coordinates.filter { it.shared }

    /** The name without its place on [axis]: what a line of a plot is called. */
    internal fun without(axis: String): String = named(coordinates.filterNot { it.axis == axis })

    private fun named(shown: List<Coordinate>): String = (listOf(label) + shown.map { it.toString() }).filter { it.isNotBlank() }.joinToString(" ")
}

/**
 * A place in a sweep.
 *
 * @property axis what is swept, such as `kl`
 * @property value the value as text
 * @property number the value where it is a number
 * @property shared whether every arm is made with this value, by `across(...)`
 */
@Serializable
public data class Coordinate(
    public val axis: String,
    public val value: String,
    public val number: Double? = null,
    public val shared: Boolean = false,
) {
    override fun toString(): String = "$axis=$value"
}

/**
 * A run that arms continue from.
 *
 * @property name what it is called
 * @property recipes its recipe for every seed of the study, or one for all of them
 */
@Serializable
public data class Stage(public val name: String, public val recipes: List<Recipe>)
