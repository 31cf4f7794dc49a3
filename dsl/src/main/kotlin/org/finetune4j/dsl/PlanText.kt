package org.finetune4j.dsl

import org.finetune4j.dsl.show.bytes
import org.finetune4j.dsl.show.count
import org.finetune4j.dsl.show.duration
import org.finetune4j.dsl.show.percent

/** A plan as lines of text. */
internal object PlanText {
    private const val NAME_WIDTH = 12

    fun of(shown: RecipePlan): String {
        val stages = shown.plan.stages().mapIndexed { i, stage -> "${i + 1}. $stage" }
        return (list("plan", stages) + list("models", shown.plan.models()) + facts(shown) + refusal(shown)).joinToString("\n")
    }

    private fun list(name: String, texts: List<String>): List<String> =
        texts.mapIndexed { i, text -> (if (i == 0) name else "").padEnd(NAME_WIDTH) + text }

    private fun facts(shown: RecipePlan): List<String> {
        val plan = shown.plan
        val share = if (plan.totalParameters() == 0L) 0.0 else plan.trainableParameters().toDouble() / plan.totalParameters()
        val dropped = if (plan.droppedSamples() == 0) "" else ", ${count(plan.droppedSamples().toLong())} left out for their length"
        return listOf(
            "parameters" to "${count(plan.totalParameters())}, of which ${count(plan.trainableParameters())} train (${percent(share)})",
            "data" to "${count(plan.samples().toLong())} samples, ${count(plan.tokens())} tokens, " +
                "${percent(plan.supervisedShare())} of them learned$dropped",
            "steps" to count(plan.steps()),
            "memory" to "about ${bytes(plan.memoryBytes())}",
            "time" to "about ${duration(plan.seconds())}",
            "output" to shown.folder,
        ).map { (name, text) -> name.padEnd(NAME_WIDTH) + text }
    }

    private fun refusal(plan: RecipePlan): List<String> =
        if (plan.problems.isEmpty()) emptyList() else listOf(Messages.refused("This recipe cannot run", plan.problems))
}
