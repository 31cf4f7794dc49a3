package org.finetune4j.dsl

import org.finetune4j.methods.data.AnswerTemplate
import org.finetune4j.methods.data.ChunkInterleaved
import org.finetune4j.methods.data.Diversified
import org.finetune4j.methods.data.DropSteps
import org.finetune4j.methods.data.InContext
import org.finetune4j.methods.data.PerGroupSubset
import org.finetune4j.methods.data.ToolTrajectories
import org.finetune4j.methods.data.exam.AnswerLayout
import org.finetune4j.methods.data.tool.ErrorPhrases
import org.finetune4j.methods.decode.Demonstrations

/**
 * This data with [labels], words that name something by convention, replaced in every sample anew by words drawn from a
 * pool, in prompt, response, reasoning, candidates and answer alike (prompt diversity).
 *
 * Source: Debunk the Myth of SFT Generalization, arXiv 2510.00237.
 *
 * @param labels the words that are replaced where they stand whole, upper and lower case told apart
 * @param copies how often a sample is given, each time with other words, at least 1; as many copies as epochs, trained on for
 *   one epoch, draw the words again in every epoch
 * @param seed decides the draws
 * @throws org.finetune4j.FinetuneException when the labels cannot be told apart
 */
public fun DataSource.diversify(
    labels: List<String> = listOf("Up", "Down", "Left", "Right"),
    copies: Int = 1,
    seed: Long = 42,
): DataSource = made(Diversified(labels, copies, seed), this)

/**
 * These samples, each behind [k] solved samples of a [pool] as earlier turns, never behind itself (supervised in-context
 * learning); to be learned with `chatTemplate(supervise = Turns.LAST)`. Held-out samples are asked in the same way, with the
 * training data as their [pool].
 *
 * Source: On Task Performance and Model Calibration with Supervised and Self-Ensembled In-Context Learning, arXiv 2312.13772.
 *
 * @param k demonstrations, at least 1 and fewer than the pool has
 * @param pool what demonstrations are drawn of
 * @param retrieve which of the pool are shown
 * @param copies how often a sample is given, each time behind other demonstrations, at least 1
 * @param seed decides the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun DataSource.inContext(
    k: Int = 3,
    pool: DataSource = this,
    retrieve: Demonstrations.Retrieve = Demonstrations.Retrieve.RANDOM,
    copies: Int = 1,
    seed: Long = 42,
): DataSource = made(InContext(k, retrieve, copies, seed), this, pool)

/**
 * This data with a share of the reasoning steps of every response removed, never the answer: a probe of how much training
 * depends on each step.
 *
 * Source: On the Role of Reasoning Patterns in the Generalization Discrepancy of Long Chain-of-Thought Supervised
 * Fine-Tuning, arXiv 2604.01702.
 *
 * @param fraction share of steps removed, in (0, 1)
 * @param strict whether responses that mark no reasoning are refused; else their last step counts as the answer
 * @param seed decides the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun DataSource.dropSteps(fraction: Double = 0.1, strict: Boolean = false, seed: Long = 42): DataSource =
    made(DropSteps(fraction, strict, seed), this)

/**
 * Long documents made of several short ones of this data, whose chunks take turns, so that going on with one needs a look
 * back across the others.
 *
 * Source: LongSkywork: A Training Recipe for Efficiently Extending Context Length in Large Language Models, arXiv 2406.00605.
 *
 * @param chunk pieces of a chunk, at least 16
 * @param documents documents of one sample, at least 2
 * @param length most pieces of a sample, the rest is cut; 0 for no limit
 * @param tokenizer folder with the tokenizer whose tokens are the pieces; empty for words and signs
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun DataSource.chunkInterleaved(
    chunk: Int = 2048,
    documents: Int = 8,
    length: Int = 0,
    tokenizer: String = "",
): DataSource = made(ChunkInterleaved(chunk, documents, length, tokenizer), this)

/**
 * The same number of samples of this data from every group, drawn uniformly; a group that has no more gives all it has, and
 * more samples contain fewer.
 *
 * Source: A Llama walks into the 'Bar': Efficient Supervised Fine-Tuning for Legal Reasoning in the Multi-state Bar Exam,
 * arXiv 2504.04945.
 *
 * @param group the field that names a sample's group
 * @param count samples of every group, at least 1; [PerGroupSubset.ALL] for all of them
 * @param seed decides the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun DataSource.perGroupSubset(group: String = "domain", count: Int = 20, seed: Long = 42): DataSource =
    made(PerGroupSubset(group, count, seed), this)

/**
 * Multiple-choice questions of this data with answers in one layout, which the system's turn describes. Samples need a
 * question as prompt, the letter as answer, and the fields `domain`, `options` and `explanation`, or those of its four parts.
 *
 * Source: A Llama walks into the 'Bar': Efficient Supervised Fine-Tuning for Legal Reasoning in the Multi-state Bar Exam,
 * arXiv 2504.04945.
 *
 * @param format how fields are written
 * @param order whether the letter comes before or behind the explanation
 * @param structured whether the explanation has four fields: concept, facts, rule and conclusion
 */
public fun DataSource.answerTemplate(
    format: AnswerLayout.Format = AnswerLayout.Format.JSON,
    order: AnswerLayout.Order = AnswerLayout.Order.ANSWER_FIRST,
    structured: Boolean = true,
): DataSource = made(AnswerTemplate(format, order, structured), this)

/**
 * Conversations with tools of this data as one sample for every call that did not fail, and for the last turn. Train on them
 * with `chatTemplate(supervise = Turns.LAST)`: failed calls and their errors stay in what comes before later calls.
 *
 * Source: TL-Training: A Task-Feature-Based Framework for Training Large Language Models in Tool Use, arXiv 2412.15495.
 *
 * @param maskAdverse whether failed calls are left out
 * @param errorPhrases phrases by which a tool's answer is known to be an error
 * @throws org.finetune4j.FinetuneException when there is no phrase, or one without a letter
 */
public fun DataSource.toolTrajectories(
    maskAdverse: Boolean = true,
    errorPhrases: List<String> = ErrorPhrases.DEFAULT,
): DataSource = made(ToolTrajectories(maskAdverse, errorPhrases), this)
