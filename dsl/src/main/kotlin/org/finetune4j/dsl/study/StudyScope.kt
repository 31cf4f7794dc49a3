package org.finetune4j.dsl.study

import org.finetune4j.FinetuneException
import org.finetune4j.dsl.RecipeDsl

/**
 * The study that [content] describes; nothing is read or trained yet.
 *
 * ```kotlin
 * val results = study("kl") {
 *     seeds = listOf(1, 2, 3)
 *     common {
 *         base("models/tiny")
 *         data(jsonl("train.jsonl"))
 *         heldOut(jsonl("held-out.jsonl"))
 *         adapt(lora(rank = 8))
 *         evaluate(exactMatch())
 *     }
 *     equalSteps(200)
 *     baseline("sft") { objective(sft()) }
 *     sweep("kl", 0.0, 0.05, 0.5) { objective(asft(kl = it)) }
 * }.run()
 * println(results["kl=0.05"]["exactMatch"].mean)
 * ```
 *
 * @param folder where every run has a folder of its own, and where the results are written
 * @throws FinetuneException when a part is missing, given twice or contradicts another; the message lists everything
 */
public fun study(name: String, folder: String = "runs/$name", content: @RecipeDsl StudyScope.() -> Unit): Study =
    StudyScope(name, folder).apply(content).draft().freeze()

/** The inside of `study { }`: the arms, what they have in common, and with how many seeds each is run. */
@RecipeDsl
public class StudyScope internal constructor(private val name: String, private val folder: String) {
    private val commons = mutableListOf<ArmScope.() -> Unit>()
    private val baselines = mutableListOf<String>()
    private val budgets = mutableListOf<Budget>()
    private val stages = mutableListOf<StudyDraft.StageDraft>()
    private val arms = mutableListOf<StudyDraft.ArmDraft>()
    private val axes = mutableListOf<List<StudyDraft.Step>>()

    /** What the runs of an arm differ by; every arm is run with each, and a comparison pairs runs of one seed. */
    public var seeds: List<Long> = listOf(1, 2, 3)

    /** What all arms and stages have in common. */
    public fun common(content: @RecipeDsl ArmScope.() -> Unit) {
        commons += content
    }

    /** Compares the common recipe with what [content] says in the place of it. */
    public fun arm(name: String, content: @RecipeDsl ArmScope.() -> Unit = {}) {
        arms += StudyDraft.ArmDraft(name, listOf(StudyDraft.Step(null, content)))
    }

    /**
     * Compares the others with the arm called [name], which [content] makes; without it, with the arm of this name that is
     * made elsewhere.
     */
    public fun baseline(name: String, content: (@RecipeDsl ArmScope.() -> Unit)? = null) {
        baselines += name
        if (content != null) arm(name, content)
    }

    /**
     * Adds an arm for each of the [values], called such as `kl=0.1`, or `asft kl=0.1` with the name [arm]. [content] says
     * what is in the place of the common recipe for its value.
     *
     * @param axis what is swept
     */
    public fun <V : Any> sweep(axis: String, vararg values: V, arm: String = "", content: @RecipeDsl ArmScope.(V) -> Unit) {
        values.forEach { value -> arms += StudyDraft.ArmDraft(arm, listOf(step(axis, value, shared = false, content))) }
    }

    /**
     * Makes every arm once with each of the [values], as for a learning rate that each method is to be given its best of; the
     * baseline of an arm is the one with the same value. [content] has the last word over the arms' own blocks.
     *
     * @param axis what is varied
     */
    public fun <V : Any> across(axis: String, vararg values: V, content: @RecipeDsl ArmScope.(V) -> Unit) {
        axes += values.map { step(axis, it, shared = true, content) }
    }

    /**
     * A run that arms begin with by `continueFrom(...)`, trained before the first of them and used by all. It is the common
     * recipe, from its base, with what [content] says in the place of it.
     *
     * @param perSeed whether it is trained once for each seed, so that the spread of the results has that of the stage in it;
     *     otherwise once with the first seed
     */
    public fun stage(name: String, perSeed: Boolean = false, content: @RecipeDsl ArmScope.() -> Unit = {}): StageReference {
        stages += StudyDraft.StageDraft(name, perSeed, content)
        return StageReference { seed -> StudyDraft.stageFolder(folder, name, if (perSeed) seed else seeds.first()) }
    }

    /**
     * Holds the arms to equal optimiser steps, which is the rule where nothing else is said. A [count] sets their number, and
     * the recipes then say neither epochs nor steps.
     */
    public fun equalSteps(count: Long? = null) {
        budgets += EqualSteps(count)
    }

    /**
     * Holds the arms to equal supervised tokens, within the share [tolerance]. A [count] sets how many each learns from, to the
     * nearest whole step, and the recipes then say neither epochs nor steps.
     */
    public fun equalSupervisedTokens(count: Long? = null, tolerance: Double = 0.05) {
        budgets += EqualSupervisedTokens(count, tolerance)
    }

    /** Lets the arms train as long as their recipes say; the results tell how long that was. */
    public fun differentBudgets() {
        budgets += DifferentBudgets
    }

    internal fun draft(): StudyDraft = StudyDraft(name, folder, seeds.toList(), commons, baselines, budgets, stages, arms, axes)

    private fun <V : Any> step(axis: String, value: V, shared: Boolean, content: ArmScope.(V) -> Unit): StudyDraft.Step {
        val shown = if (value is Enum<*>) value.name.lowercase() else value.toString()
        return StudyDraft.Step(Coordinate(axis, shown, (value as? Number)?.toDouble(), shared)) { content(value) }
    }
}
