package org.finetune4j.dsl

import org.finetune4j.methods.data.BudgetSplit
import org.finetune4j.methods.data.OverlapSplit

/**
 * Two sets of one pool; [overlapSplit] makes them.
 *
 * @property sft for supervised fine-tuning
 * @property rl for reinforcement learning after it
 */
public class OverlappingSets internal constructor(public val sft: DataSource, public val rl: DataSource)

/**
 * Two sets of this pool, of which the second shares an exact part of its prompts with the first. The first is the same for
 * every overlap.
 *
 * Source: SFT-GRPO Data Overlap as a Post-Training Hyperparameter for Autoformalization, arXiv 2604.13515.
 *
 * @param sft prompts for supervised fine-tuning, at least 1
 * @param rl prompts for reinforcement learning, at least 1
 * @param overlap share of the latter that the former has too, in 0 to 1
 * @param seed decides which prompts go where
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun DataSource.overlapSplit(
    sft: Int = 20_000,
    rl: Int = 16_000,
    overlap: Double = 0.0,
    seed: Long = 42,
): OverlappingSets = OverlappingSets(
    made(OverlapSplit(sft, rl, overlap, seed, OverlapSplit.Side.SFT), this),
    made(OverlapSplit(sft, rl, overlap, seed, OverlapSplit.Side.RL), this),
)

/**
 * What a budget buys; [budgetSplit] makes it.
 *
 * @property sft demonstrations for supervised fine-tuning
 * @property pairs preference pairs
 * @property demonstrationCount how many demonstrations are bought
 * @property pairCount how many pairs are bought
 */
public class BoughtSets internal constructor(
    public val sft: DataSource,
    public val pairs: DataSource,
    public val demonstrationCount: Int,
    public val pairCount: Int,
)

/**
 * What a budget for annotation buys: demonstrations of this pool with one share of it, and preference [pairs] with all that
 * is left. A larger budget with the same share buys all that a smaller one does.
 *
 * Source: Balancing the Budget: Understanding Trade-offs Between Supervised and Preference-Based Finetuning, arXiv
 * 2502.11284.
 *
 * @param pairs the pool of preference pairs
 * @param budget what may be spent, above 0
 * @param sftShare share that is meant for demonstrations, in 0 to 1
 * @param costSft price of a demonstration, above 0
 * @param costPair price of a pair, above 0
 * @param disjoint whether no prompt has both
 * @param seed decides which rows are bought
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun DataSource.budgetSplit(
    pairs: DataSource,
    budget: Double = 5000.0,
    sftShare: Double = 0.1,
    costSft: Double = 1.0,
    costPair: Double = 1.0,
    disjoint: Boolean = true,
    seed: Long = 42,
): BoughtSets {
    val split = BudgetSplit(budget, sftShare, costSft, costPair, disjoint, seed, BudgetSplit.Side.SFT)
    val others = BudgetSplit(budget, sftShare, costSft, costPair, disjoint, seed, BudgetSplit.Side.PAIRS)
    return BoughtSets(made(split, this, pairs), made(others, this, pairs), split.demonstrations(), split.pairs())
}
