package org.finetune4j.dsl

import kotlinx.serialization.Serializable
import org.finetune4j.train.MemoryUse

/**
 * What is kept in memory for the reverse pass and what is computed again; [auto], [fastest], [smallest] and [recompute] make
 * one.
 *
 * @property use the rule
 * @property blocks how many blocks are computed again, at least 0; counts only where [use] is BLOCKS
 */
@Serializable
public data class Memory(public val use: MemoryUse = MemoryUse.AUTO, public val blocks: Int = 0) {
    override fun toString(): String = if (use == MemoryUse.BLOCKS) "recompute(blocks = $blocks)" else use.name.lowercase()
}

/**
 * As little is computed again as the memory that the process may use allows; the plan says what that is and costs. Half of
 * what is left then may hold copies of frozen bf16 weights by which gradients are multiplied faster; they change no result.
 */
public val auto: Memory get() = Memory(MemoryUse.AUTO)

/** Nothing is computed again, and frozen weights are copied as with [auto]. */
public val fastest: Memory get() = Memory(MemoryUse.FASTEST)

/** Everything is computed again for which less memory is needed then. */
public val smallest: Memory get() = Memory(MemoryUse.SMALLEST)

/** The first so many [blocks] of the model keep only their input, and are computed again in the reverse pass. */
public fun recompute(blocks: Int): Memory = Memory(MemoryUse.BLOCKS, blocks)
