package org.finetune4j.dsl

import org.finetune4j.FinetuneException
import org.finetune4j.data.Sample
import org.finetune4j.methods.Fragment
import org.finetune4j.methods.Method
import org.finetune4j.methods.evaluate.AnswerMetric
import org.finetune4j.methods.evaluate.BertScore
import org.finetune4j.methods.evaluate.Bleu
import org.finetune4j.methods.evaluate.BleuSmoothing
import org.finetune4j.methods.evaluate.BleuTokens
import org.finetune4j.methods.evaluate.ClassF1
import org.finetune4j.methods.evaluate.ContinualLearning
import org.finetune4j.methods.evaluate.ExactMatch
import org.finetune4j.methods.evaluate.Examinee
import org.finetune4j.methods.evaluate.Forgetting
import org.finetune4j.methods.evaluate.Metric
import org.finetune4j.methods.evaluate.MetricResult
import org.finetune4j.methods.evaluate.PassAtK
import org.finetune4j.methods.evaluate.PerExit
import org.finetune4j.methods.evaluate.Perplexity
import org.finetune4j.methods.evaluate.Rouge
import org.finetune4j.methods.evaluate.SemanticSimilarity
import org.finetune4j.methods.evaluate.TokenF1
import org.finetune4j.methods.judge.ExactAnswer
import org.finetune4j.methods.judge.Judge

/**
 * Exact match: the share of generated answers that equal the reference answer, 0 to 1.
 *
 * Source: the conventions of lm-evaluation-harness 0.4. Only the normalisations asked for are done.
 *
 * @param extract a regular expression that finds the answer in the text, by its first group that is not empty or its
 *   whole match; empty takes the whole text
 * @param occurrence which match of [extract] is the answer
 * @param regexesToIgnore regular expressions whose matches are deleted from both sides
 * @param ignoreCase whether case is ignored
 * @param ignorePunctuation whether ASCII punctuation is ignored
 * @param ignoreNumbers whether the digits 0 to 9 are ignored
 * @param trim whether white space at both ends is ignored
 * @param referenceSeparator the text between several right answers in one reference; empty takes it as one answer
 * @throws org.finetune4j.FinetuneException when a regular expression is not valid
 */
public fun exactMatch(
    extract: String = "",
    occurrence: ExactMatch.Occurrence = ExactMatch.Occurrence.FIRST,
    regexesToIgnore: List<String> = emptyList(),
    ignoreCase: Boolean = false,
    ignorePunctuation: Boolean = false,
    ignoreNumbers: Boolean = false,
    trim: Boolean = false,
    referenceSeparator: String = "",
): AnswerMetric = ExactMatch(
    extract,
    occurrence,
    regexesToIgnore,
    ignoreCase,
    ignorePunctuation,
    ignoreNumbers,
    trim,
    referenceSeparator,
)

/** Exact match of the number behind `####`, as lm-evaluation-harness scores GSM8K strictly. */
public fun gsm8kStrict(): AnswerMetric = ExactMatch.gsm8kStrict()

/** Exact match of the last number in the answer, as lm-evaluation-harness scores GSM8K flexibly. */
public fun gsm8kFlexible(): AnswerMetric = ExactMatch.gsm8kFlexible()

/**
 * Token F1 of SQuAD: the overlap of the answer's words with the reference's, 0 to 1, the mean over items. Case, ASCII
 * punctuation and the words a, an and the do not count.
 *
 * Source: SQuAD, arXiv 1606.05250, evaluate-v1.1.
 *
 * @param referenceSeparator the text between several right answers in one reference, of which the best counts; empty takes
 *   it as one answer
 */
public fun tokenF1(referenceSeparator: String = ""): AnswerMetric = TokenF1(referenceSeparator)

/**
 * F1 of classes, each answer being the name of one, 0 to 1.
 *
 * Source: common practice, as scikit-learn defines it.
 *
 * @param average how classes are averaged: each the same, each item the same (accuracy), or by their number of references
 * @param labels the classes; empty takes those that occur. Answers outside of given labels are counted as unparsable
 * @throws org.finetune4j.FinetuneException when a label is named twice
 */
public fun classF1(average: ClassF1.Average = ClassF1.Average.MACRO, labels: List<String> = emptyList()): AnswerMetric =
    ClassF1(average, labels)

/**
 * pass@k: how probable it is that one of [k] drawn answers is right, 0 to 1, estimated without bias of [n] of them.
 *
 * Source: Evaluating Large Language Models Trained on Code, arXiv 2107.03374.
 *
 * @param k answers of which one must be right, 1 to [n]
 * @param n answers drawn to each prompt, at least 1
 * @param by what tells right from wrong, by a rule or by tests, such as [codeTests]
 * @param temperature of the draw, at least 0, and above it where [n] is above 1
 * @param topP of the draw: the most probable tokens whose probabilities reach this sum, above 0 and at most 1
 * @param seed of the draw
 * @throws org.finetune4j.FinetuneException when [k] is above [n], several answers would all be the same, or a setting is out
 *   of range
 */
public fun passAtK(
    k: Int = 1,
    n: Int = 1,
    by: Judge = ExactAnswer(ExactMatch()),
    temperature: Double = 0.8,
    topP: Double = 0.95,
    seed: Long = 0,
): Metric = PassAtK(k, n, by, temperature, topP, seed)

/**
 * BLEU of the whole corpus, 0 to 100.
 *
 * Source: sacrebleu 2.6 (arXiv 1804.08771), whose conventions the result names.
 *
 * @param tokens what is counted
 * @param smoothing what an order without a match counts
 * @param order the longest sequence of tokens, at least 1
 * @param effectiveOrder whether orders that no text is long enough for are left out
 * @param referenceSeparator the text between several references in one; empty takes it as one
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun bleu(
    tokens: BleuTokens = BleuTokens.MTEVAL_13A,
    smoothing: BleuSmoothing = BleuSmoothing.EXP,
    order: Int = 4,
    effectiveOrder: Boolean = false,
    referenceSeparator: String = "",
): AnswerMetric = Bleu(tokens, smoothing, order, effectiveOrder, referenceSeparator)

/**
 * ROUGE: the mean F of every type, 0 to 1.
 *
 * Source: google-research's rouge-score 0.1.2, but for the stemmer, which is Porter's own.
 *
 * @param types `rouge1` to `rouge9`, `rougeL` and `rougeLsum`
 * @param stemmer whether stems of words longer than 3 letters are compared
 * @param referenceSeparator the text between several references in one, of which the best counts; empty takes it as one
 * @throws org.finetune4j.FinetuneException when a type is unknown
 */
public fun rouge(
    types: List<String> = Rouge.USUAL,
    stemmer: Boolean = false,
    referenceSeparator: String = "",
): Metric = Rouge(types, stemmer, referenceSeparator)

/** ROUGE of these types, such as `rouge("rouge1", "rougeL")`. */
public fun rouge(type: String, vararg others: String): Metric = rouge(listOf(type, *others))

/**
 * Perplexity of plain texts and of responses given their prompts, at least 1, over the whole corpus; less is better.
 *
 * Source: lm-evaluation-harness 0.4, with its rolling windows for texts that are longer than the model sees.
 *
 * @param unit what the log-likelihood is divided by
 * @param window the most tokens of a plain text that the model sees, at least 1; 0 for the longest that is trained on
 * @param contextLength tokens that a full window repeats of the one before it, at least 1 and at most [window]
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun perplexity(
    unit: Perplexity.Unit = Perplexity.Unit.TOKEN,
    window: Int = 0,
    contextLength: Int = 1,
): Metric = Perplexity(unit, window, contextLength)

/**
 * Semantic similarity: the mean cosine between the vectors of answers and references, -1 to 1.
 *
 * Source: Sentence-BERT, arXiv 1908.10084.
 *
 * @param encoder the folder of an encoder in the layout of sentence-transformers, such as MiniLM
 */
public fun semanticSimilarity(encoder: String = ""): Metric = SemanticSimilarity(encoder)

/**
 * BERTScore: how well each token of an answer and its reference finds one of like meaning in the other, by the cosines of an
 * encoder's last hidden states; F, precision and recall.
 *
 * Source: BERTScore, arXiv 1904.09675, without weights by frequency.
 *
 * @param encoder the folder of an encoder in the layout of sentence-transformers, or of BERT or RoBERTa alone
 * @param baseline what unrelated texts have, in [0, 1): F is stated as (F - baseline) / (1 - baseline)
 */
public fun bertScore(encoder: String = "", baseline: Double = 0.0): Metric = BertScore(encoder, baseline)

/**
 * Forgetting: [metric] on samples of a general task [on] that is not trained on, before and after the training. What it lost
 * was forgotten.
 *
 * Source: Riemannian Walk for Incremental Learning, arXiv 1801.10112, for one stage.
 */
public fun forgetting(on: DataSource, metric: Metric = exactMatch()): Metric = Forgetting(SettingSource(on), metric)

/**
 * Per exit: [metric] of the model's first blocks alone, for every one of [exits], as [sorted] trains them, with results such as
 * `perplexity at 2`.
 *
 * Source: Sorted LLaMA, arXiv 2309.08968.
 *
 * @param exits numbers of blocks, ascending from at least 1 to at most the model's; empty for every block
 * @param metric what is measured
 * @throws org.finetune4j.FinetuneException when the exits do not ascend
 */
public fun perExit(exits: List<Int> = emptyList(), metric: Metric = exactMatch()): Metric = PerExit(exits, metric)

/**
 * A metric of your own, whose value is the mean of what [measure] gives: a score for every sample, or fewer scores of all of
 * them together. The [Examinee] answers and tells how likely texts are, at an exit too:
 *
 * ```kotlin
 * metric("surprise") { samples, model ->
 *     model.likelihoods(samples.map { Continuation(it, "yes") }).map { -it.sum() }
 * }
 * ```
 *
 * A recipe with such a metric runs like any other but has no JSON form, because a script's code cannot be stored in it.
 *
 * @param answersPerPrompt answers to a prompt that it has generated at a time, at least 0, for the plan's memory
 * @throws org.finetune4j.FinetuneException when [answersPerPrompt] is negative
 */
public fun metric(
    name: String,
    answersPerPrompt: Int = 0,
    measure: (samples: List<Sample>, model: Examinee) -> List<Double>,
): Metric = ScriptMetric(name, answersPerPrompt, measure)

/** A metric whose scores are those of a lambda of a script; two are equal when they hold the same lambda. */
internal data class ScriptMetric(
    private val name: String,
    private val answers: Int,
    private val measure: (samples: List<Sample>, model: Examinee) -> List<Double>,
) : Metric {
    init {
        if (answers < 0) throw FinetuneException("metric($name): answersPerPrompt is $answers, but must be at least 0.")
    }

    override fun method(): Method<out Fragment> =
        Method(name, Method.Kind.EVALUATE, "defined in a script", "the script itself") {
            throw FinetuneException(Messages.definedInScript(name))
        }

    override fun settings(): Map<String, Any> = emptyMap()

    override fun measure(samples: List<Sample>, model: Examinee): List<MetricResult> {
        val scores = measure.invoke(samples, model)
        if (scores.isEmpty() || scores.any { !it.isFinite() }) {
            val given = scores.firstOrNull { !it.isFinite() } ?: "no score"
            throw FinetuneException("metric($name) gave $given for ${samples.size} samples, but must give finite numbers, at " +
                "least one. Correct its code.")
        }
        return listOf(MetricResult.mean(name, "$name|script", scores, 0))
    }

    override fun requireMeasurable(samples: List<Sample>): Unit = Unit

    override fun answersPerPrompt(): Int = answers

    override fun toString(): String = "metric(${quoted(name)}) { ... }"
}

/**
 * What a model keeps and carries over that learned tasks one after another: `results()` has ACC, BWT, FWT and forgetting.
 *
 * Source: arXiv 1706.08840 and arXiv 1801.10112.
 *
 * @param scores the score on every task after each stage, `[stages][tasks]`, as many stages as tasks, at least 2
 * @param initial the score on every task before the first stage
 * @throws org.finetune4j.FinetuneException when the matrix is not square or [initial] does not fit it
 */
public fun continual(scores: List<List<Double>>, initial: List<Double>): ContinualLearning =
    ContinualLearning(scores, initial)
