package org.finetune4j.dsl.study

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** What the arms of a study must have in common, so that none is better only because it trained longer. */
@Serializable
public sealed interface Budget

/**
 * Every arm makes as many optimiser steps.
 *
 * @property count the steps of every arm, at least 1; null holds the arms to what their recipes say, which must be the same
 */
@Serializable
@SerialName("steps")
public data class EqualSteps(public val count: Long? = null) : Budget {
    override fun toString(): String = if (count == null) "equal optimiser steps" else "$count optimiser steps each"
}

/**
 * Every arm learns from as many supervised tokens, each counted as often as it is seen.
 *
 * @property count the tokens of every arm, at least 1, to the nearest whole step; null holds the arms to what their recipes
 *   say, which must be the same
 * @property tolerance the share by which arms may differ, in (0, 1); whole steps are never exact
 */
@Serializable
@SerialName("supervisedTokens")
public data class EqualSupervisedTokens(public val count: Long? = null, public val tolerance: Double = 0.05) : Budget {
    override fun toString(): String = if (count == null) "equal supervised tokens" else "about $count supervised tokens each"
}

/** Arms may train as long as their recipes say; the results tell how long that was. */
@Serializable
@SerialName("different")
public data object DifferentBudgets : Budget {
    override fun toString(): String = "budgets may differ"
}
