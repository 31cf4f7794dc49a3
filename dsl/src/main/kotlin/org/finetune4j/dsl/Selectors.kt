package org.finetune4j.dsl

import org.finetune4j.methods.data.reasoning.BranchProxy
import org.finetune4j.methods.select.BranchFilter
import org.finetune4j.methods.select.Grape
import org.finetune4j.methods.select.Selector

/**
 * GRAPE: of every prompt's candidate responses, trains on those that the untuned model finds most natural.
 *
 * Source: The Best Instruction-Tuning Data are Those That Fit, arXiv 2502.04194. Scores are mean log-probabilities of a
 * response's tokens; prompts are never compared with each other.
 *
 * @param candidates the field of a record that holds the list of candidate responses
 * @param topK how many responses of a prompt are kept, at least 1
 * @param normalise whether a score is divided by the number of tokens, as in the paper's later versions
 * @param minCandidates how many different responses a prompt needs to be chosen from, at least 1
 * @param belowMinimum what happens to prompts with fewer
 * @param order which responses are kept; others than the highest are the paper's ablations
 * @param seed what a random order is drawn from
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun grape(
    candidates: String = "responses",
    topK: Int = 1,
    normalise: Boolean = true,
    minCandidates: Int = 2,
    belowMinimum: Grape.BelowMinimum = Grape.BelowMinimum.REFUSE,
    order: Grape.Order = Grape.Order.HIGHEST,
    seed: Long = 0,
): Selector = Grape(candidates, topK, normalise, minCandidates, belowMinimum, order, seed)

/**
 * Leaves out the worked solutions that keep opening new lines of attack, told by their text alone: of all samples, the share
 * [keep] with the least branching stays.
 *
 * Source: On the Role of Reasoning Patterns in the Generalization Discrepancy of Long Chain-of-Thought Supervised
 * Fine-Tuning, arXiv 2604.01702.
 *
 * @param keep share of samples that stays, in (0, 1]
 * @param proxy what tells branching: the share of steps with a cue, or how many steps more than a reference there are
 * @param cues words that open another line of attack, for [BranchProxy.KEYWORDS]
 * @param reference the field with the reference trajectory of the same problem, for [BranchProxy.STEP_COUNT]
 * @param strict whether responses that mark no reasoning are refused; else they are reasoning altogether
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun branchFilter(
    keep: Double = 0.9,
    proxy: BranchProxy = BranchProxy.KEYWORDS,
    cues: List<String> = listOf("perhaps", "another", "alternatively"),
    reference: String = "reference",
    strict: Boolean = false,
): Selector = BranchFilter(keep, proxy, cues, reference, strict)
