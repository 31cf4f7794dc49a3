package org.finetune4j.dsl

import org.finetune4j.FinetuneException
import org.finetune4j.data.format.RecordFormat
import org.finetune4j.methods.generate.TextSource
import org.finetune4j.methods.judge.LlmRating
import org.finetune4j.methods.judge.Rating
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
    seed: Long = 0,
): Selector = Pika(writer, answerer, scorer, answersPerPrompt, size, temperature, maxAnswerTokens, choose, allowSameJudge, seed)

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
