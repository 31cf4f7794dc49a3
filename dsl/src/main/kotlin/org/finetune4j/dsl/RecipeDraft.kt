package org.finetune4j.dsl

import org.finetune4j.FinetuneException
import org.finetune4j.methods.adapt.Adapter
import org.finetune4j.methods.decode.Decoder
import org.finetune4j.methods.objective.Objective
import org.finetune4j.methods.select.EachEpoch
import org.finetune4j.methods.select.Selecting
import org.finetune4j.methods.select.Selector

/**
 * Everything that was called inside a recipe, however often; it freezes into a recipe when each call was made at most
 * once.
 */
internal class RecipeDraft(
    private val bases: List<Base>,
    private val data: List<TrainingData>,
    private val heldOut: List<DataSource>,
    private val splits: List<Pair<Double, Long>>,
    private val selections: List<List<Selecting>>,
    private val objectives: List<Objective>,
    private val adapters: List<Adapter>,
    private val trainings: List<Training>,
    private val evaluations: List<Evaluation>,
    private val decoders: List<Decoder>,
    private val outputs: List<String>,
    private val startingRuns: List<String>,
    private val start: Training,
) {
    /** How training runs, as far as it is told. */
    val training: Training get() = trainings.firstOrNull() ?: start

    /** This draft where something was called for it, and [usual] for everything else. */
    fun over(usual: RecipeDraft): RecipeDraft {
        val samples = if (heldOut.isEmpty() && splits.isEmpty()) usual else this
        return RecipeDraft(
            bases.ifEmpty { usual.bases },
            data.ifEmpty { usual.data },
            samples.heldOut,
            samples.splits,
            selections.ifEmpty { usual.selections },
            objectives.ifEmpty { usual.objectives },
            adapters.ifEmpty { usual.adapters },
            trainings.ifEmpty { usual.trainings },
            evaluations.ifEmpty { usual.evaluations },
            decoders.ifEmpty { usual.decoders },
            outputs.ifEmpty { usual.outputs },
            startingRuns.ifEmpty { usual.startingRuns },
            start,
        )
    }

    /** This draft without a run that it continues. */
    fun fromTheBase(): RecipeDraft = RecipeDraft(
        bases, data, heldOut, splits, selections, objectives, adapters, trainings, evaluations, decoders, outputs, emptyList(), start,
    )

    /**
     * The recipe.
     *
     * @throws FinetuneException when a call is missing or was made twice; what else is wrong with the recipe is listed
     *   as well, so that one look at the message is enough
     */
    fun freeze(): Recipe {
        val problems = missing() + repeated() + withoutOrder()
        val recipe = if (bases.isEmpty() || data.isEmpty()) null else first()
        if (problems.isEmpty() && recipe != null) return recipe
        val others = recipe?.let { it.plan().problems }.orEmpty()
        throw FinetuneException(Messages.refused("This recipe cannot run", problems.map { it.toString() } + others))
    }

    private fun first() = Recipe(
        bases.first(),
        split()?.let { data.first().copy(source = it.train) } ?: data.first(),
        split()?.heldOut ?: heldOut.firstOrNull(),
        selections.flatten(),
        objectives.firstOrNull() ?: sft(),
        adapters.firstOrNull(),
        training,
        evaluations.firstOrNull(),
        decoders.firstOrNull(),
        outputs.firstOrNull(),
        startingRuns.firstOrNull(),
    )

    private fun heldOuts(): List<String> =
        heldOut.map { "heldOut($it)" } + splits.map { (share, salt) -> "split(heldOut = $share, salt = $salt)" }

    private fun split(): Split? = splits.firstOrNull()?.let { (share, salt) -> data.first().source.split(share, salt) }

    private fun missing(): List<Problem> = listOfNotNull(
        Problem("base", Messages.NO_BASE).takeIf { bases.isEmpty() },
        Problem("data", Messages.NO_DATA).takeIf { data.isEmpty() },
    )

    private fun repeated(): List<Problem> = listOfNotNull(
        repeated("base", bases) { it.toString() },
        repeated("data", data) { it.toString() },
        repeated("heldOut", heldOuts()) { it },
        repeated("objective", objectives) { (it as? ScriptObjective)?.toString() ?: call(it) },
        repeated("adapt", adapters) { call(it) },
        repeated("train", trainings) { "train { }" },
        repeated("evaluate", evaluations) { it.toString() },
        repeated("decode", decoders) { call(it) },
        repeated("output", outputs) { quoted(it) },
        repeated("continueFrom", startingRuns) { quoted(it) },
    )

    /** Selectors that decide the same thing in calls of their own, which may have been meant in any order. */
    private fun withoutOrder(): List<Problem> {
        val deciding = selections.map { call -> call.filter { chooses(it) } }.filter { it.isNotEmpty() }
        return if (deciding.size < 2) emptyList() else listOf(Problem("select", Messages.withoutOrder(deciding.flatten().map { it.method().name() })))
    }

    private fun chooses(part: Selecting): Boolean = when (part) {
        is EachEpoch -> chooses(part.selector())
        is Selector -> Selector.Trait.CHOOSES_TARGET in part.traits()
        else -> false
    }

    private fun <T> repeated(path: String, given: List<T>, show: (T) -> String): Problem? =
        if (given.size < 2) null else Problem(path, Messages.repeated(given.map(show)))
}
