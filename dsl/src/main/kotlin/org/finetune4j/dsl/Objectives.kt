package org.finetune4j.dsl

import org.finetune4j.FinetuneException
import org.finetune4j.head.TokenLoss
import org.finetune4j.head.TokenView
import org.finetune4j.methods.Fragment
import org.finetune4j.methods.Method
import org.finetune4j.methods.objective.Asft
import org.finetune4j.methods.objective.DftDynamic
import org.finetune4j.methods.objective.KlDirection
import org.finetune4j.methods.objective.Objective
import org.finetune4j.methods.objective.Reduction
import org.finetune4j.methods.objective.Sft
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
    private val loss: (TokenView) -> SDVariable,
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
