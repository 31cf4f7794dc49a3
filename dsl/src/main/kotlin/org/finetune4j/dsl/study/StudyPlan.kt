package org.finetune4j.dsl.study

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.rendering.TextAlign
import com.github.ajalt.mordant.table.Borders
import com.github.ajalt.mordant.table.table
import com.github.ajalt.mordant.terminal.Terminal
import org.finetune4j.dsl.Messages
import org.finetune4j.dsl.RecipePlan
import org.finetune4j.dsl.show.bytes
import org.finetune4j.dsl.show.count
import org.finetune4j.dsl.show.duration

/**
 * What a study would do, found without loading a weight; its text is the dry run.
 *
 * @property study the study
 * @property arms a plan for every arm, made with its first seed
 * @property finished how many runs are finished already, stages among them
 * @property unfinished how many are not
 * @property seconds the estimated time of the training steps of those that are not
 * @property problems everything that refuses the study, with the arm; empty when it can run
 */
public class StudyPlan internal constructor(
    public val study: Study,
    public val arms: List<ArmPlan>,
    public val finished: Int,
    public val unfinished: Int,
    public val seconds: Double,
    public val problems: List<String>,
) {
    override fun toString(): String = (head() + table() + refusal()).joinToString("\n")

    private fun head(): List<String> = listOf(
        "study" to "${study.name}: ${study.arms.size} arms with the seeds ${study.seeds.joinToString()}",
        "budget" to "${study.budget}",
        "baseline" to (study.baseline ?: "none"),
        "stages" to study.stages.joinToString { "${it.name}, ${it.recipes.size} times" }.ifEmpty { "none" },
        "runs" to "${finished + unfinished}, of which $finished are finished",
        "time" to "about ${duration(seconds)} for the training of the others",
        "output" to study.folder,
    ).map { (name, text) -> name.padEnd(NAME_WIDTH) + text }

    private fun table(): String = Terminal(ansiLevel = AnsiLevel.NONE, width = WIDTH).render(
        table {
            (1..COLUMNS).forEach { column(it) { align = TextAlign.RIGHT } }
            tableBorders = Borders.ALL
            header { row("arm", "samples", "steps", "trainable", "memory", "time each") }
            body {
                cellBorders = Borders.LEFT_RIGHT
                arms.forEach { row(it.arm.name, count(it.plan.plan.samples()), count(it.steps), parameters(it), memory(it), time(it)) }
            }
        },
    ).trimEnd()

    private fun parameters(arm: ArmPlan) = count(arm.plan.plan.trainableParameters())

    private fun memory(arm: ArmPlan) = bytes(arm.plan.plan.memoryBytes())

    private fun time(arm: ArmPlan) = duration(arm.seconds)

    private fun refusal(): List<String> =
        if (problems.isEmpty()) emptyList() else listOf(Messages.refused("This study cannot run", problems))

    private companion object {
        const val NAME_WIDTH = 12
        const val WIDTH = 160
        const val COLUMNS = 5
    }
}

/**
 * What an arm of a study would do.
 *
 * @property arm the arm
 * @property plan the plan of its recipe
 * @property steps optimiser steps of a run
 * @property supervisedTokens supervised tokens of a run, where the budget counts them; else 0
 * @property seconds estimated time of the training steps of a run
 */
public class ArmPlan internal constructor(
    public val arm: Arm,
    public val plan: RecipePlan,
    public val steps: Long,
    public val supervisedTokens: Long,
    public val seconds: Double,
)
