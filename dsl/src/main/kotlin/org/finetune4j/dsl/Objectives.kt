package org.finetune4j.dsl

import org.finetune4j.FinetuneException
import org.finetune4j.head.TokenLoss
import org.finetune4j.head.TokenView
import org.finetune4j.methods.Fragment
import org.finetune4j.methods.Method
import org.finetune4j.methods.objective.Asft
import org.finetune4j.methods.objective.CurioSft
import org.finetune4j.methods.objective.DftDynamic
import org.finetune4j.methods.objective.Discriminative
import org.finetune4j.methods.objective.FaultWeighted
import org.finetune4j.methods.objective.Intuitive
import org.finetune4j.methods.objective.KeyTokenSft
import org.finetune4j.methods.objective.KlDirection
import org.finetune4j.methods.objective.Objective
import org.finetune4j.methods.objective.OneTokenRollout
import org.finetune4j.methods.objective.Poft
import org.finetune4j.methods.objective.Probability
import org.finetune4j.methods.objective.Reduction
import org.finetune4j.methods.objective.Sft
import org.finetune4j.methods.objective.Thresholded
import org.nd4j.autodiff.samediff.SDVariable

/**
 * Supervised fine-tuning: maximum likelihood of the response given the prompt.
 *
 * Source: common practice; the z-loss is PaLM's, arXiv 2204.02311, section 5.
 *
 * @param labelSmoothing the share of a label's weight that is spread over the whole vocabulary, in [0, 1)
 * @param zLoss factor of the squared log-normaliser, finite and at least 0; PaLM has 1e-4
 * @param reduction how the losses of tokens are averaged over an optimiser step
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun sft(
    labelSmoothing: Double = 0.0,
    zLoss: Double = 0.0,
    reduction: Reduction = Reduction.TOKENS,
): Objective = Sft(labelSmoothing, zLoss, reduction)

/**
 * Dynamic fine-tuning: every token's loss is scaled by the model's own probability of that token, held constant.
 *
 * Source: On the Generalization of SFT: A Reinforcement Learning Perspective with Reward Rectification,
 * arXiv 2508.05629.
 */
public fun dftDynamic(): Objective = DftDynamic()

/**
 * Anchored supervised fine-tuning: [dftDynamic] with a divergence to the model that training started from.
 *
 * Source: Anchored Supervised Fine-Tuning, arXiv 2509.23753. With an adapter the reference is the base with the adapter
 * off and costs no memory; otherwise it is a frozen copy. At [kl] 0 there is none.
 *
 * @param kl factor of the divergence, finite and at least 0
 * @param direction which way round the divergence is taken
 * @param weightFloor the least weight of a token, in [0, 1)
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun asft(
    kl: Double = 0.05,
    direction: KlDirection = KlDirection.FORWARD,
    weightFloor: Double = 0.0,
): Objective = Asft(kl, direction, weightFloor)

/**
 * The probability family: minimises `(1 - p^alpha) / alpha` of each label's probability p, and `-log p` at [alpha] 0.
 *
 * Source: Beyond Log Likelihood: Probability-Based Objectives for Supervised Fine-Tuning across the Model Capability
 * Continuum, arXiv 2510.00526. A base model that knows much wants 1 or more, one that knows little 0; at 1 the gradient is
 * that of [dftDynamic].
 *
 * @param alpha finite and at least 0
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun probability(alpha: Double = 1.0): Objective = Probability(alpha)

/**
 * Learns only from tokens whose probability is at least, or at most, [q] as the model is at each step.
 *
 * Source: Beyond Log Likelihood, arXiv 2510.00526. The loss is divided by the tokens that are left in the step.
 *
 * @param base what is minimised of a token: `-log p` or `1 - p`
 * @param keep which side of the threshold is left
 * @param q the threshold, in [0, 1) to keep ABOVE and in (0, 1] to keep BELOW
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun thresholded(
    base: Thresholded.Base = Thresholded.Base.NLL,
    keep: Thresholded.Keep = Thresholded.Keep.ABOVE,
    q: Double = 0.2,
): Objective = Thresholded(base, keep, q)

/**
 * One-token rollout: policy gradient on tokens that the model itself draws behind the words of the data.
 *
 * Source: One-Token Rollout: Guiding Supervised Fine-Tuning of LLMs with Policy Gradient, arXiv 2509.26313. Costs about as
 * much as [sft]; a label is learned as often as the model would propose it.
 *
 * @param samples tokens drawn at every supervised token, at least 1
 * @param temperature of the draws, greater than 0; below 1 the model proposes less than it believes
 * @param wrongReward what a token that is not the label earns, finite and below 1, where the label earns 1
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun oneTokenRollout(
    samples: Int = 256,
    temperature: Double = 1.3,
    wrongReward: Double = -0.1,
): Objective = OneTokenRollout(samples, temperature, wrongReward)

/**
 * CurioSFT: [sft] with a pull towards an earlier self that is a little less sure, so that entropy is kept where the model
 * was open.
 *
 * Source: Learning While Staying Curious, arXiv 2602.02244. The teacher is a copy of what trains, so that it costs as much
 * memory: little with an adapter.
 *
 * @param weight factor of the pull, finite and at least 0; at 0 it is [sft], without a teacher
 * @param pivot entropy in nats at which half of [maxGain] is gained, at least 0
 * @param slope how sharply the gain rises there, greater than 0
 * @param maxGain the most that entropy may gain, in nats, at least 0
 * @param tauMin lowest temperature of the teacher, at least 1
 * @param tauMax highest temperature of the teacher, at least [tauMin]
 * @param lowEntropy entropy in nats up to which the lowest temperature is taken, at least 0
 * @param topK how many of the largest logits entropies are taken over, at least 2
 * @param iterations halvings of the search for a temperature, at least 1
 * @param teacherMix the policy's share when the teacher follows it, in [0, 1]
 * @param teacherEvery steps between that, at least 1
 * @param mode a temperature for each token, or the same everywhere
 * @param fixedTemperature that temperature, at least 1
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun curioSft(
    weight: Double = 1.0,
    pivot: Double = 1.2,
    slope: Double = 2.0,
    maxGain: Double = 0.5,
    tauMin: Double = 1.1,
    tauMax: Double = 1.5,
    lowEntropy: Double = 0.03,
    topK: Int = 512,
    iterations: Int = 20,
    teacherMix: Double = 0.99,
    teacherEvery: Int = 5,
    mode: CurioSft.Mode = CurioSft.Mode.ADAPTIVE,
    fixedTemperature: Double = 1.2,
): Objective = CurioSft(
    weight, pivot, slope, maxGain, tauMin, tauMax, lowEntropy, topK, iterations, teacherMix, teacherEvery, mode, fixedTemperature,
)

/**
 * Intuitive fine-tuning: the model reads its own next words blended into the response, and every word answers for the
 * mistakes behind it.
 *
 * Source: Intuitive Fine-Tuning: Towards Simplifying Alignment into a Single Process, arXiv 2405.11870. Costs a second
 * forward pass.
 *
 * @param lambda the share of the model's own words in the embeddings of the response, in [0, 1]
 * @param gamma how far a word answers for later ones, in [0, 1]
 * @param norm how sums of losses become weights
 * @param side which words a word answers for
 * @param form the form of the paper's code, or of its equation 21
 * @param detachWeights whether weights are constants of the gradient
 * @param draft how the model's own words are chosen
 * @param startLambda the share in the first step, in [0, lambda], from which it rises evenly to [lambda] over the warm-up
 * @param disturbance how much the share of each step is disturbed, finite and at least 0
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun intuitive(
    lambda: Double = 0.2,
    gamma: Double = 0.95,
    norm: Intuitive.Norm = Intuitive.Norm.L1,
    side: Intuitive.Side = Intuitive.Side.LEFT,
    form: Intuitive.Form = Intuitive.Form.SUFFIX_WEIGHTS,
    detachWeights: Boolean = false,
    draft: Intuitive.Draft = Intuitive.Draft.GREEDY,
    startLambda: Double = lambda,
    disturbance: Double = 0.0,
): Objective = Intuitive(lambda, gamma, norm, side, form, detachWeights, draft, startLambda, disturbance)

/**
 * PoFT: the model is to find a response likelier than aligned models do, so that what these find unlikely is learned little.
 *
 * Source: Preference-Oriented Supervised Fine-Tuning, arXiv 2412.12865. The [aligned] models, each with its own tokenizer
 * and chat template, score every response once before the training; without them the field [scores] of a record must hold a
 * mean log-probability or a list of them.
 *
 * @param aligned folders of aligned models
 * @param scores the field of a record that holds scores; used without aligned models
 * @param beta factor of the difference, greater than 0
 * @param gamma added to it, finite
 * @param includeEndToken whether tokens that end a turn count on both sides
 * @param tokens what the model's own mean is taken over: the response, or as in the paper's code all tokens of the sample
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun poft(
    vararg aligned: String,
    scores: String = "alignedScores",
    beta: Double = 1.0,
    gamma: Double = 0.0,
    includeEndToken: Boolean = false,
    tokens: Poft.Tokens = Poft.Tokens.RESPONSE,
): Objective = Poft(aligned.toList(), scores, beta, gamma, includeEndToken, tokens)

/**
 * Discriminative fine-tuning: the right answer must win against answers that the base model gives, without preference data.
 *
 * Source: Discriminative Finetuning of Generative Large Language Models, arXiv 2502.18679 (its DFT; [discriminative2] is its
 * DFT2). Before the training the base answers every prompt [perEpoch] times for each epoch.
 *
 * @param tau temperature, greater than 0
 * @param gamma how fast a sample's normaliser follows, in (0, 1]
 * @param perEpoch answers to a prompt in each epoch, at least 1
 * @param startLogU logarithm of the normaliser at the start, finite
 * @param temperature of the draws, greater than 0
 * @param topK how many of the likeliest tokens are drawn from, at least 0; 0 for all
 * @param maxNewTokens longest answer in tokens, at least 1
 * @param system the system turn under which bad answers are drawn; empty for none
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun discriminative(
    tau: Double = 1.0,
    gamma: Double = 0.85,
    perEpoch: Int = 2,
    startLogU: Double = 0.0,
    temperature: Double = 0.7,
    topK: Int = 50,
    maxNewTokens: Int = 320,
    system: String = Discriminative.UNHELPFUL,
): Objective = Discriminative(
    Discriminative.Form.SUM, tau, gamma, perEpoch, startLogU, temperature, topK, maxNewTokens, system,
)

/** [discriminative] by the mean log-probability of an answer, without a reference: the paper's DFT2. */
public fun discriminative2(
    tau: Double = 0.3,
    gamma: Double = 0.9,
    perEpoch: Int = 2,
    startLogU: Double = 0.0,
    temperature: Double = 0.7,
    topK: Int = 50,
    maxNewTokens: Int = 320,
    system: String = Discriminative.UNHELPFUL,
): Objective = Discriminative(
    Discriminative.Form.MEAN, tau, gamma, perEpoch, startLogU, temperature, topK, maxNewTokens, system,
)

/**
 * FAIT: the tokens of a right program in which it differs from near-identical wrong ones weigh more, the longer the model
 * finds both about as likely.
 *
 * Source: Fault-Aware Fine-Tuning for Better Code Generation, arXiv 2503.16913; the dynamic weight is a reconstruction.
 *
 * @param line factor of the weight of lines that differ, finite and at least 0
 * @param token factor of the weight of tokens that differ, finite and at least 0
 * @param faulty the field of a record that holds wrong variants of the response, a text or a list of texts
 * @param minSimilarity least similarity of a variant, `1 - edit distance / length`, in [0, 1); others are left out
 * @param weighting whether the weight follows the model's doubt or stays the same
 * @param normalise what the sum of a step's losses is divided by: its learned tokens, or the sum of their weights
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun faultWeighted(
    line: Double = 1.0,
    token: Double = 1.0,
    faulty: String = "faulty",
    minSimilarity: Double = 0.7,
    weighting: FaultWeighted.Weighting = FaultWeighted.Weighting.DYNAMIC,
    normalise: FaultWeighted.Normalise = FaultWeighted.Normalise.LABELS,
): Objective = FaultWeighted(line, token, faulty, minSimilarity, weighting, normalise)

/**
 * [sft] of tool calls in which the few tokens that decide which tool is called weigh more.
 *
 * Source: TL-Training, arXiv 2412.15495 (its PKT). Conversations must carry the schemas of their tools; with
 * [toolTrajectories] every call that did not fail is a sample.
 *
 * @param wMax largest weight of such a token, finite and at least 1
 * @throws org.finetune4j.FinetuneException when a setting is out of range
 */
public fun keyTokenSft(wMax: Double = 9.0): Objective = KeyTokenSft(wMax)

/**
 * An objective of your own: [loss] gives what is minimised for each supervised token, `[chunk]`, from what the
 * [TokenView] shows of them, as any expression of ND4J operations; gradients follow by themselves.
 *
 * Set [needsReference] when the loss asks for [TokenView.referenceLogits]. A recipe with such an objective runs like any
 * other but has no JSON form, because a script's code cannot be stored in it.
 */
public fun objective(name: String, needsReference: Boolean = false, loss: (TokenView) -> SDVariable): Objective =
    ScriptObjective(name, needsReference, loss)

/** An objective whose loss is a lambda of a script; two are equal when they hold the same lambda. */
internal data class ScriptObjective(
    private val name: String,
    private val needsReference: Boolean,
    internal val loss: (TokenView) -> SDVariable,
) : Objective {
    override fun method(): Method<out Fragment> =
        Method(name, Method.Kind.OBJECTIVE, "defined in a script", "the script itself") { throw FinetuneException(Messages.definedInScript(name)) }

    override fun settings(): Map<String, Any> = emptyMap()

    override fun tokenLoss(): TokenLoss = object : TokenLoss {
        override fun needsReference(): Boolean = needsReference

        override fun build(view: TokenView): TokenLoss.Expression = TokenLoss.Expression.of(loss(view))
    }

    override fun toString(): String = "objective(${quoted(name)}) { ... }"
}
