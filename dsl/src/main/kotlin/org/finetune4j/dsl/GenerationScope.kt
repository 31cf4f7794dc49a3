package org.finetune4j.dsl

import org.finetune4j.generation.GeneratedText
import org.finetune4j.generation.GenerationSettings
import org.finetune4j.generation.GenerationSettings.EarlyStopping
import org.finetune4j.generation.TextListener
import org.finetune4j.generation.structure.Structure
import org.finetune4j.generation.structure.Structure.WhiteSpace

/**
 * The inside of `generate { }`: how an answer is generated. Every property begins with what the base's
 * `generation_config.json` says, or else with the default named here.
 */
@RecipeDsl
public class GenerationScope internal constructor(start: GenerationSettings) {
    /** The longest answer in tokens, at least 1; 256 by default. */
    public var maxNewTokens: Int = start.maxNewTokens()

    /** Tokens before which the answer does not end; 0 by default. */
    public var minNewTokens: Int = start.minNewTokens()

    /** Divides the logits, finite and at least 0; 0, the default, always takes the most probable token. */
    public var temperature: Double = start.temperature()

    /** Draws among this many most probable tokens only; 0, the default, for all. */
    public var topK: Int = start.topK()

    /** Draws among the most probable tokens whose probabilities reach this sum, in (0, 1]; 1 by default. */
    public var topP: Double = start.topP()

    /** Draws among tokens with at least this share of the highest probability, in [0, 1); 0, the default, for all. */
    public var minP: Double = start.minP()

    /** Draws among the tokens nearest to the expected surprise that reach this sum, in (0, 1]; 1, the default, for all. */
    public var typicalP: Double = start.typicalP()

    /** Divides positive and multiplies negative logits of tokens that were there, prompt included; 1 by default. */
    public var repetitionPenalty: Double = start.repetitionPenalty()

    /** Taken from the logits of tokens that the answer holds, in [-2, 2]; 0 by default. */
    public var presencePenalty: Double = start.presencePenalty()

    /** Taken from the logits of tokens as often as the answer holds them, in [-2, 2]; 0 by default. */
    public var frequencyPenalty: Double = start.frequencyPenalty()

    /** No sequence of so many tokens comes twice; 0, the default, for no such rule. */
    public var noRepeatNgram: Int = start.noRepeatNgram()

    /** Added to the logits of tokens, by their ids. */
    public var logitBias: Map<Int, Double> = start.logitBias()

    /** Ids of tokens that never come. */
    public var bannedTokens: Set<Int> = start.bannedTokens()

    /** Decides the draws; the same seed gives the same text. The recipe's seed by default. */
    public var seed: Long = start.seed()

    /** Answers to the prompt, which is read once for all of them; 1 by default. */
    public var samples: Int = start.samples()

    /** The width of a beam search; 1, the default, for none. [samples] of its texts are returned, the best first. */
    public var beams: Int = start.beams()

    /** A beam's score is its log-probability divided by its number of tokens to this power; 1 by default. */
    public var lengthPenalty: Double = start.lengthPenalty()

    /** When a beam search ends. */
    public var earlyStopping: EarlyStopping = start.earlyStopping()

    /** How many alternatives are told with their log-probabilities beside each token and its own; null, the default, for none. */
    public var logProbabilities: Int? = start.logProbabilities().takeIf { it >= 0 }

    private val begin = start
    private val stops = start.stopStrings().toMutableList()
    private var structure: Structure? = null
    private var heard: (String) -> Boolean = { true }
    private var cancelled: () -> Boolean = { false }

    /** Ends the answer before the first of these [texts]. */
    public fun stop(vararg texts: String) {
        stops += texts
    }

    /**
     * Lets nothing but JSON come that is valid by a JSON [schema], with white space as [space] says.
     *
     * @throws org.finetune4j.FinetuneException when the schema says something that cannot be held to; it is named
     */
    public fun json(schema: String, space: WhiteSpace = WhiteSpace.NONE) {
        structure = Structure.json(schema, space)
    }

    /**
     * Lets nothing but texts come that the regular [expression] matches as a whole.
     *
     * @throws org.finetune4j.FinetuneException when the expression holds something that is not supported; it is named
     */
    public fun regex(expression: String) {
        structure = Structure.regex(expression)
    }

    /** Hears each piece of the answer as it comes, whole characters, and ends the answer by false. */
    public fun onText(listener: (String) -> Boolean) {
        heard = listener
    }

    /** Asked before every token; true ends the answer, and another thread may decide it. */
    public fun cancelWhen(asked: () -> Boolean) {
        cancelled = asked
    }

    internal fun settings(): GenerationSettings = begin.toBuilder()
        .maxNewTokens(maxNewTokens).minNewTokens(minNewTokens).temperature(temperature).topK(topK).topP(topP).minP(minP)
        .typicalP(typicalP).repetitionPenalty(repetitionPenalty).presencePenalty(presencePenalty)
        .frequencyPenalty(frequencyPenalty).noRepeatNgram(noRepeatNgram).logitBias(logitBias).bannedTokens(bannedTokens)
        .seed(seed).samples(samples).beams(beams).lengthPenalty(lengthPenalty).earlyStopping(earlyStopping)
        .logProbabilities(logProbabilities ?: GenerationSettings.NONE).stopStrings(stops).structure(structure).build()

    internal fun listener(): TextListener = object : TextListener {
        override fun onText(request: Int, sample: Int, piece: String): Boolean = heard(piece)

        override fun cancelled(): Boolean = this@GenerationScope.cancelled()

        override fun onEnd(text: GeneratedText, ended: Int, all: Int) = Unit
    }
}
