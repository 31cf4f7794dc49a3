package org.finetune4j.dsl

import org.finetune4j.methods.data.exam.AnswerLayout
import org.finetune4j.methods.data.reasoning.BranchProxy
import org.finetune4j.methods.generate.TextSource
import org.finetune4j.methods.judge.Judge
import org.finetune4j.methods.select.BranchFilter
import org.finetune4j.methods.select.CotBySampling
import org.finetune4j.methods.select.EachEpoch
import org.finetune4j.methods.select.EpochSelector
import org.finetune4j.methods.select.Grape
import org.finetune4j.methods.select.IracDistill
import org.finetune4j.methods.select.RifRft
import org.finetune4j.methods.select.RolloutRule
import org.finetune4j.methods.select.S3ft
import org.finetune4j.methods.select.Selecting
import org.finetune4j.methods.select.Selector
import org.finetune4j.methods.select.Ssr
import org.finetune4j.methods.select.Stat

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
): EpochSelector = Grape(candidates, topK, normalise, minCandidates, belowMinimum, order, seed)

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

/**
 * S3FT: trains on the model's own answer where it is right, else on its own rewording of the response where that is right,
 * else on the response.
 *
 * Source: Selective Self-to-Supervised Fine-Tuning for Generalization in Large Language Models, arXiv 2502.08130. What is
 * trained on has the prompt alone; nothing is dropped and nothing repeated. The folder of the run keeps every answer and,
 * in `s3ft.jsonl`, which target each sample has and why.
 *
 * @param judge says whether an answer is right, such as [exactAnswer] or [llmJudge]
 * @param paraphrase how the response is shown to be reworded, with the places `{prompt}` and `{response}`; null to reword
 *   nothing, which is [ssr]
 * @param samples answers to each prompt, of which the first right one is taken, at least 1
 * @param temperature of answers and rewordings, at least 0, with several answers above 0
 * @param topP of answers and rewordings, in (0, 1]
 * @param maxNewTokens longest answer, at least 1; one that is cut off counts as wrong
 * @param generator the model; another one than the policy only with [allowForeign]
 * @param allowForeign whether targets may be another model's, which are not the policy's own
 * @param seed of the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun s3ft(
    judge: Judge,
    paraphrase: String? = selfParaphrase(),
    samples: Int = 1,
    temperature: Double = 0.0,
    topP: Double = 1.0,
    maxNewTokens: Int = 512,
    generator: TextSource = policy(),
    allowForeign: Boolean = false,
    seed: Long = 0,
): EpochSelector = S3ft(judge, paraphrase.orEmpty(), samples, temperature, topP, maxNewTokens, generator, allowForeign, seed)

/** The words in which [s3ft] asks for rewordings; the paper's own are not known. */
public fun selfParaphrase(): String = S3ft.PARAPHRASE

/**
 * SSR: trains on the model's own answer where a judge accepts it, and on the response elsewhere, so that the model learns
 * only where it was wrong.
 *
 * Source: Selective Self-Rehearsal: A Fine-Tuning Approach to Improve Generalization in Large Language Models, arXiv
 * 2409.04787. Where a question has no answer, an own answer that declines is right; where it has one, it is wrong.
 *
 * @param judge says whether an answer conveys the response
 * @param answerable the field of a record that is `false` where the question has no answer; records without it have one
 * @param route which prompts are trained with the model's own answer; others than those judged are the paper's baselines
 * @param temperature of the answers, at least 0
 * @param topP of the answers, in (0, 1]
 * @param maxNewTokens longest answer, at least 1; one that is cut off counts as wrong
 * @param seed of the draws and of a random route
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun ssr(
    judge: Judge = llmJudge(),
    answerable: String = "answerable",
    route: Ssr.Route = Ssr.Route.JUDGED,
    temperature: Double = 0.0,
    topP: Double = 1.0,
    maxNewTokens: Int = 256,
    seed: Long = 0,
): EpochSelector = Ssr(judge, answerable, route, temperature, topP, maxNewTokens, seed)

/**
 * RIF-RFT: before reinforcement learning, leaves out the prompts that the policy cannot learn from, told by the accuracy of
 * several of its answers to each. Objectives that learn from responses refuse it.
 *
 * Source: Reinforcement Fine-Tuning Naturally Mitigates Forgetting in Continual Post-Training, arXiv 2507.05386.
 *
 * @param judge says whether an answer is right: the accuracy, without any reward for its form
 * @param rollouts answers to each prompt, at least 2, or 1 where any success keeps a prompt
 * @param rule which prompts are kept
 * @param threshold above which an accuracy is a success, in [0, 1)
 * @param temperature of the answers, above 0
 * @param topP of the answers, in (0, 1]
 * @param maxNewTokens longest answer, at least 1
 * @param seed of the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun rifRft(
    judge: Judge = exactAnswer(),
    rollouts: Int = 8,
    rule: RolloutRule = RolloutRule.ANY_SUCCESS,
    threshold: Double = 0.0,
    temperature: Double = 1.0,
    topP: Double = 1.0,
    maxNewTokens: Int = 512,
    seed: Long = 0,
): Selector = RifRft(judge, rollouts, rule, threshold, temperature, topP, maxNewTokens, seed)

/**
 * STAT: examines the policy on validation questions, has a teacher name the skills that its bad answers lack, and trains on
 * questions for those skills, drawn from the data or newly made.
 *
 * Source: Skill-Targeted Adaptive Training, arXiv 2510.10023. A question for many missing skills comes often; that is
 * wanted, so nothing that drops repetitions may follow. The paper trains quantised LoRA for 3 epochs.
 *
 * @param validation a JSON Lines file of questions; none of them is trained on
 * @param mode whether questions are drawn from the data or invented by the teacher
 * @param hard rejects a bad answer; by default a model's rewards for each step
 * @param teacher names missing skills, and invents and solves questions
 * @param skills the field of a record that holds its skills: a list, or a text with commas
 * @param perSkill questions drawn for a question and skill, at least 1
 * @param answers responses that a drawn question is trained with at most, at least 1
 * @param references questions shown to the teacher, at least 1
 * @param newPerSkill new questions for a question and skill, at least 1
 * @param solutions of a new question, at least 1
 * @param agree solutions that must agree, in [1, [solutions]]
 * @param size question-answer pairs trained on, drawn from all, at least 1; 0 for all
 * @param maxDifficult bad answers that are looked into at most, at least 1
 * @param maxNewTokens longest answer, question or solution, at least 1
 * @param seed of the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun stat(
    validation: String = "validation.jsonl",
    mode: Stat.Mode = Stat.Mode.SELECT,
    hard: Judge = stepJudge(),
    teacher: TextSource = policy(),
    skills: String = "skills",
    perSkill: Int = 5,
    answers: Int = 3,
    references: Int = 3,
    newPerSkill: Int = 2,
    solutions: Int = 3,
    agree: Int = 2,
    size: Int = 9500,
    maxDifficult: Int = 500,
    maxNewTokens: Int = 512,
    seed: Long = 0,
): Selector = Stat(
    validation, mode, hard, teacher, skills, perSkill, answers, references, newPerSkill, solutions, agree, size, maxDifficult,
    maxNewTokens, seed,
)

/**
 * Has a teacher work out the answer to each prompt several times and trains on the first that is right; prompts without one
 * are left out.
 *
 * Source: Debunk the Myth of SFT Generalization, arXiv 2510.00237.
 *
 * @param teacher works out the answers: the policy before training, another local model, or an endpoint
 * @param judge says whether an answer is right; by default the rules of [sokoban] and [generalPoints]
 * @param tries answers to each prompt at most, at least 1, and with several a temperature above 0
 * @param temperature of the teacher, at least 0
 * @param maxNewTokens longest answer, at least 1; one that is cut off counts as wrong
 * @param seed of the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun cotBySampling(
    teacher: TextSource = policy(),
    judge: Judge = puzzleAnswer(),
    tries: Int = 16,
    temperature: Double = 1.0,
    maxNewTokens: Int = 4096,
    seed: Long = 0,
): Selector = CotBySampling(teacher, judge, tries, temperature, maxNewTokens, seed)

/**
 * Has a teacher put the free explanation of each multiple-choice question into four fields, adding nothing, and trains on
 * answers laid out with them. Questions whose explanation is not brought into that form are left out.
 *
 * Source: A Llama walks into the 'Bar': Efficient Supervised Fine-Tuning for Legal Reasoning in the Multi-state Bar Exam,
 * arXiv 2504.04945.
 *
 * @param teacher restructures the explanations: the policy before training, another local model, or an endpoint
 * @param format how fields are written
 * @param order whether the letter comes before or behind the explanation
 * @param temperature of the teacher, at least 0
 * @param maxNewTokens longest answer of the teacher, at least 1
 * @param seed of the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun iracDistill(
    teacher: TextSource = policy(),
    format: AnswerLayout.Format = AnswerLayout.Format.JSON,
    order: AnswerLayout.Order = AnswerLayout.Order.ANSWER_FIRST,
    temperature: Double = 0.2,
    maxNewTokens: Int = 1024,
    seed: Long = 0,
): Selector = IracDistill(teacher, format, order, temperature, maxNewTokens, seed)

/**
 * Lets [selector] choose anew at the start of every pass over the data, by the weights of that time, where it alone chooses
 * once before the training: as in `select(eachEpoch(grape()))`.
 *
 * It comes after all that choose before the training. What it chose is part of checkpoints. Passes may differ in length, so
 * that the number of steps, and with it the end of the schedule, is told anew by each.
 */
public fun eachEpoch(selector: EpochSelector = grape()): Selecting = EachEpoch(selector)
