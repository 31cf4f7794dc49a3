package org.finetune4j.dsl

import org.finetune4j.FinetuneException
import org.finetune4j.data.format.RecordFormat
import org.finetune4j.methods.decode.ProposeAndAggregate
import org.finetune4j.methods.generate.TextSource
import org.finetune4j.methods.judge.CodeTests
import org.finetune4j.methods.judge.Judge
import org.finetune4j.methods.judge.LlmRating
import org.finetune4j.methods.judge.Rating
import org.finetune4j.methods.select.Aft
import org.finetune4j.methods.select.Cft
import org.finetune4j.methods.select.FaultyVariants
import org.finetune4j.methods.select.Pika
import org.finetune4j.methods.select.Selector

/**
 * PiKa: trains on expert instructions that a model writes for personas, with the best of several answers to each.
 *
 * Source: PiKa: Expert-Level Synthetic Datasets for Post-Training Alignment from Scratch, arXiv 2510.06670. The data of the
 * recipe are the personas: plain texts, or samples whose last turn is one, of which a field `domain` spreads the choice. The
 * answerer sees the instruction alone. The run's folder keeps every item in `pika.jsonl`: [pikaAnswers] and [pikaPairs] read
 * it. The number of answers, their temperature and the wording are this project's choice.
 *
 * ```kotlin
 * data(jsonl("personas.jsonl"))
 * select(pika(writer = openAi("gpt-4o"), answerer = openAi("gpt-4o"), scorer = llmRating(openAi("o4-mini")), size = 2000))
 * ```
 *
 * @param writer writes an instruction for a persona
 * @param answerer answers it
 * @param scorer rates the answers; one of the writers only with [allowSameJudge]
 * @param answersPerPrompt answers to each instruction, at least 1
 * @param size instructions that are wanted, at least 1
 * @param temperature at least 0, above 0 with several answers
 * @param maxAnswerTokens longest answer and instruction, at least 1; one that is cut off is left out
 * @param choose which answers go on: the best rated, or all, for a selector among candidates such as [grape] after it
 * @param allowSameJudge whether a model may rate what it wrote
 * @param rateDifficulty whether the scorer also says from 1 to 10 how hard each instruction is, for the report and the file
 * @param seed of the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun pika(
    writer: TextSource = policy(),
    answerer: TextSource = policy(),
    scorer: Rating = llmRating(),
    answersPerPrompt: Int = 4,
    size: Int = 30_000,
    temperature: Double = 0.8,
    maxAnswerTokens: Int = 4096,
    choose: Pika.Choose = Pika.Choose.BEST,
    allowSameJudge: Boolean = false,
    rateDifficulty: Boolean = true,
    seed: Long = 0,
): Selector = Pika(
    writer, answerer, scorer, answersPerPrompt, size, temperature, maxAnswerTokens, choose, allowSameJudge, rateDifficulty, seed,
)

/** The instructions and best answers in a [file] that [pika] wrote, such as `runs/experts/pika.jsonl`. */
public fun pikaAnswers(file: String): DataSource = jsonl(file, fields(format = RecordFormat.PROMPT_RESPONSE))

/**
 * The pairs of best and worst answer in a [file] that [pika] wrote, where the best is rated higher by more than [margin];
 * with one answer to each instruction there are none.
 *
 * @throws org.finetune4j.FinetuneException when the margin is below 0 or not finite
 */
public fun pikaPairs(file: String, margin: Double = 0.0): DataSource {
    if (!(margin >= 0 && margin.isFinite())) throw FinetuneException(Messages.noMargin(margin))
    return jsonl(file, fields(prompt = "prompt", chosen = "response", rejected = "worst", margin = "gap", format = RecordFormat.PREFERENCE))
        .filter("gap > $margin")
}

/** Has the model [source] rate replies from 1 to 10, greedily. */
public fun llmRating(source: TextSource = policy()): Rating = LlmRating(source)

/**
 * CFT: shows the model a question with somebody's solution, right or wrong, and trains on a teacher's critique of it.
 *
 * Source: Critique Fine-Tuning: Learning to Critique is More Effective than Learning to Imitate, arXiv 2501.17703. The
 * response of each sample is the solution; it is read and never learned. Tests ask the plain questions. The paper trains one
 * epoch on 50,000 rows at 5e-6, with at most 2048 tokens: set `train { tooLong = TooLong.DROP }`, for a critique that is cut
 * has no verdict.
 *
 * @param teacher writes the critiques that records do not bring
 * @param critique the field of a record that holds a ready critique
 * @param dropVerdict critiques that are left out by their verdict
 * @param hideAnswer whether critiques that state the reference answer are left out, an ablation
 * @param temperature of the critiques, at least 0
 * @param topP of the critiques, in (0, 1]
 * @param maxNewTokens longest critique, at least 1; one that is cut off is left out
 * @param seed of the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun cft(
    teacher: TextSource = policy(),
    critique: String = "critique",
    dropVerdict: Cft.DropVerdict = Cft.DropVerdict.NONE,
    hideAnswer: Boolean = false,
    temperature: Double = 0.3,
    topP: Double = 0.95,
    maxNewTokens: Int = 3200,
    seed: Long = 0,
): Selector = Cft(teacher, critique, dropVerdict, hideAnswer, temperature, topP, maxNewTokens, seed)

/**
 * AFT: shows the model several drafts of an answer beside the question and trains it on one better answer; some rows have no
 * drafts, so that it can draft as well. Let the tuned model answer by [proposeAndAggregate].
 *
 * Source: From Drafts to Answers: Unlocking LLM Potential via Aggregation Fine-Tuning, arXiv 2501.11877. How many drafts the
 * paper trains with, who aggregates and the share of rows without drafts are not known: these defaults are this project's.
 *
 * @param aggregator writes the better answer that a record does not bring
 * @param candidates the field of a record that holds the drafts
 * @param aggregate the field of a record that holds a ready better answer
 * @param drafts whether the data have the drafts, or the policy writes them
 * @param shots samples that the policy is shown before it drafts, at least 0
 * @param proposals drafts of a row, at least 1
 * @param fewer what happens to samples with fewer drafts
 * @param rejectCopies whether better answers that equal a draft are left out
 * @param directShare share of rows without drafts, in [0, 1]
 * @param shuffle whether drafts come in random order
 * @param temperature of drafts and better answers, at least 0
 * @param topP of drafts and better answers, in (0, 1]
 * @param maxNewTokens longest draft and better answer, at least 1
 * @param systemRole whether the chat template has a system turn
 * @param seed of the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun aft(
    aggregator: TextSource = policy(),
    candidates: String = "responses",
    aggregate: String = "aggregate",
    drafts: Aft.Drafts = Aft.Drafts.GIVEN,
    shots: Int = 3,
    proposals: Int = 4,
    fewer: Aft.Fewer = Aft.Fewer.ERROR,
    rejectCopies: Boolean = true,
    directShare: Double = 0.5,
    shuffle: Boolean = true,
    temperature: Double = 0.7,
    topP: Double = 0.95,
    maxNewTokens: Int = 1024,
    systemRole: Boolean = true,
    seed: Long = 0,
): Selector = Aft(
    aggregator, candidates, aggregate, drafts, shots, proposals, fewer, rejectCopies, directShare, shuffle, temperature, topP,
    maxNewTokens, systemRole, seed,
)

/**
 * Propose and aggregate: a model drafts [n] answers, writes as many better ones from them in all but the last of [layers], and
 * one from the last; see [TunedModel.answers]. A question costs `n + (layers - 1) * n + 1` answers.
 *
 * Source: From Drafts to Answers: Unlocking LLM Potential via Aggregation Fine-Tuning, arXiv 2501.11877.
 *
 * @param n drafts of a layer, at least 1
 * @param layers aggregations one after another, counted as the official code does, at least 1
 * @param temperature of drafts, at least 0; at 0 all are the same
 * @param topP of drafts, in (0, 1]
 * @param finalTemperature of the answer, at least 0
 * @param finalTopP of the answer, in (0, 1]
 * @param maxNewTokens longest draft and answer, at least 1; drafts that do not fit the context together are cut alike
 * @param systemRole whether the chat template has a system turn
 * @param seed of all draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun proposeAndAggregate(
    n: Int = 5,
    layers: Int = 2,
    temperature: Double = 0.7,
    topP: Double = 0.95,
    finalTemperature: Double = 0.7,
    finalTopP: Double = 1.0,
    maxNewTokens: Int = 4096,
    systemRole: Boolean = true,
    seed: Long = 0,
): ProposeAndAggregate =
    ProposeAndAggregate(n, layers, temperature, topP, finalTemperature, finalTopP, maxNewTokens, systemRole, seed)

/**
 * Gives programs wrong variants that are as close to them as can be, which [faultWeighted] learns to tell from the right
 * ones: `select(faultyVariants())` before `objective(faultWeighted())`.
 *
 * Source: Fault-Aware Fine-Tuning for Better Code Generation, arXiv 2503.16913. With tests, programs that fail theirs are left
 * out, and so are variants that pass.
 *
 * @param by whether rules or a model make the variants
 * @param teacher the model
 * @param tests how tests are run, a [codeTests]
 * @param verify whether a variant must fail the tests
 * @param variants of each program at most, at least 1
 * @param minSimilarity least similarity of a variant, `1 - edit distance / length`, in [0, 1)
 * @param maxNewTokens longest variant of a model, at least 1
 * @param seed of the draws
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun faultyVariants(
    by: FaultyVariants.By = FaultyVariants.By.RULES,
    teacher: TextSource = policy(),
    tests: Judge = codeTests(),
    verify: FaultyVariants.Verify = FaultyVariants.Verify.TESTS,
    variants: Int = 1,
    minSimilarity: Double = 0.7,
    maxNewTokens: Int = 1024,
    seed: Long = 0,
): Selector = FaultyVariants(
    by, teacher, tests as? CodeTests ?: throw FinetuneException(Messages.notCodeTests(tests.method().name())), verify, variants,
    minSimilarity, maxNewTokens, seed,
)
