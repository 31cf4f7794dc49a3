package org.finetune4j.dsl

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.Transient
import org.finetune4j.FinetuneException
import org.finetune4j.data.Row
import org.finetune4j.data.transform.ChosenOnly
import org.finetune4j.data.transform.Deduplicated
import org.finetune4j.data.transform.Filtered
import org.finetune4j.data.transform.HashSplit
import org.finetune4j.data.transform.Mix
import org.finetune4j.data.transform.Range
import org.finetune4j.data.transform.Shuffled
import org.finetune4j.data.transform.Tagged

/** A source whose samples come from another one. */
@Serializable
public sealed interface DerivedData : DataSource {
    /** The other source. */
    public val source: DataSource
}

/**
 * One source of a mixture; `source at weight` makes one.
 *
 * @property source the source
 * @property weight its share of the draws, positive and finite
 */
@Serializable
public data class Weighted(public val source: DataSource, public val weight: Double) {
    override fun toString(): String = "$source at $weight"
}

/** This source with a [weight] in [mix]. */
public infix fun DataSource.at(weight: Double): Weighted = Weighted(this, weight)

/** Several sources in one; [mix] makes one. */
@Serializable
@SerialName("mix")
public data class Mixture(
    public val parts: List<Weighted>,
    public val seed: Long = 42,
    public val end: Mix.End = Mix.End.SHORTEST,
) : DataSource {
    override fun open(): org.finetune4j.data.DataSource =
        Mix(parts.map { Mix.Weighted(it.source.open(), it.weight) }, seed, end)

    override fun withCandidates(field: String): DataSource =
        copy(parts = parts.map { it.copy(source = it.source.withCandidates(field)) })

    override fun toString(): String = call("mix", parts.joinToString(", "), "seed" to "$seed", "end" to "Mix.End.$end")
}

/**
 * Samples of several sources, such as `mix(a at 0.7, b at 0.3)`: each is drawn from a source chosen by weight, and
 * every source gives its samples in its own order.
 *
 * @param parts the sources with their weights, which need not sum to 1
 * @param seed decides the draws
 * @param end when a pass over the mixture ends: with the first source that has no sample left, when each was seen whole
 *   (shorter ones begin again), or when every sample was seen once (ended sources are no longer drawn)
 */
public fun mix(vararg parts: Weighted, seed: Long = 42, end: Mix.End = Mix.End.SHORTEST): DataSource =
    Mixture(parts.toList(), seed, end)

/** One side of a split; [split] makes both. */
@Serializable
@SerialName("split")
public data class SplitSide(
    override val source: DataSource,
    public val heldOut: Double,
    public val salt: Long = 0,
    public val side: HashSplit.Side = HashSplit.Side.TRAIN,
) : DerivedData {
    override fun open(): org.finetune4j.data.DataSource = HashSplit(source.open(), heldOut, salt, side)

    override fun withCandidates(field: String): DataSource = copy(source = source.withCandidates(field))

    override fun toString(): String =
        "$source.split(heldOut = $heldOut, salt = $salt).${if (side == HashSplit.Side.TRAIN) "train" else "heldOut"}"
}

/**
 * Both sides of a split.
 *
 * @property train what is trained on
 * @property heldOut what is held out
 */
public class Split internal constructor(public val train: DataSource, public val heldOut: DataSource)

/**
 * This source in two: a share [heldOut] of its prompts, in (0, 1), and the others. The hash of the turns up to the user's
 * first one decides, so that a sample keeps its side when others are added or the order changes, and equal prompts, like
 * a conversation and its continuation, stand on one side. Another [salt] splits otherwise.
 */
public fun DataSource.split(heldOut: Double, salt: Long = 0): Split = Split(
    SplitSide(this, heldOut, salt, HashSplit.Side.TRAIN),
    SplitSide(this, heldOut, salt, HashSplit.Side.HELD_OUT),
)

/** A source without repetitions; [deduplicate] makes one. */
@Serializable
@SerialName("deduplicate")
public data class WithoutRepetitions(override val source: DataSource, public val near: Double? = null) : DerivedData {
    override fun open(): org.finetune4j.data.DataSource = Deduplicated(source.open(), near)

    override fun withCandidates(field: String): DataSource = copy(source = source.withCandidates(field))

    override fun toString(): String = "$source.deduplicate(${near?.let { "near = $it" }.orEmpty()})"
}

/**
 * This source without samples that say what an earlier one says, case and white space aside; with a threshold [near],
 * in (0, 1], also without those that share that much of their word triples with an earlier one (Jaccard similarity,
 * estimated by MinHash).
 */
public fun DataSource.deduplicate(near: Double? = null): DataSource = WithoutRepetitions(this, near)

/** A source in another order; [shuffle] makes one. */
@Serializable
@SerialName("shuffle")
public data class ShuffledData(
    override val source: DataSource,
    public val seed: Long = 42,
    public val buffer: Int = 10_000,
) : DerivedData {
    override fun open(): org.finetune4j.data.DataSource = Shuffled(source.open(), seed, buffer)

    override fun withCandidates(field: String): DataSource = copy(source = source.withCandidates(field))

    override fun toString(): String = "$source.shuffle(seed = $seed, buffer = $buffer)"
}

/**
 * This source in an order that [seed] decides. Training shuffles every pass anyway; this is for what comes before, such
 * as [take]. Each sample is drawn from [buffer] samples in memory, and a buffer as large as the source makes all orders
 * alike likely.
 */
public fun DataSource.shuffle(seed: Long = 42, buffer: Int = 10_000): DataSource = ShuffledData(this, seed, buffer)

/** A part of a source; [take] and [skip] make one. */
@Serializable
@SerialName("range")
public data class DataRange(
    override val source: DataSource,
    public val skip: Long = 0,
    public val take: Long? = null,
) : DerivedData {
    override fun open(): org.finetune4j.data.DataSource = Range(source.open(), skip, take)

    override fun withCandidates(field: String): DataSource = copy(source = source.withCandidates(field))

    override fun toString(): String {
        val skipped = if (skip == 0L && take != null) "" else ".skip($skip)"
        return "$source$skipped${take?.let { ".take($it)" }.orEmpty()}"
    }
}

/** At most the first [count] samples, at least 1. */
public fun DataSource.take(count: Long): DataSource =
    if (this is DataRange && take == null) copy(take = count) else DataRange(this, take = count)

/** All samples but the first [count]. */
public fun DataSource.skip(count: Long): DataSource = DataRange(this, skip = count)

/** A source with a tag; [tagged] makes one. */
@Serializable
@SerialName("tag")
public data class TaggedData(override val source: DataSource, public val tag: String) : DerivedData {
    override fun open(): org.finetune4j.data.DataSource = Tagged(source.open(), tag)

    override fun withCandidates(field: String): DataSource = copy(source = source.withCandidates(field))

    override fun toString(): String = "$source.tagged(${quoted(tag)})"
}

/** This source, whose samples remember the word [tag], as `jsonl("math.jsonl").tagged("math")`. */
public fun DataSource.tagged(tag: String): DataSource = TaggedData(this, tag)

/** Preferred responses alone; [chosenOnly] makes one. */
@Serializable
@SerialName("chosenOnly")
public data class ChosenResponses(override val source: DataSource) : DerivedData {
    override fun open(): org.finetune4j.data.DataSource = ChosenOnly(source.open())

    override fun withCandidates(field: String): DataSource = copy(source = source.withCandidates(field))

    override fun toString(): String = "$source.chosenOnly()"
}

/**
 * Of preferences the chosen responses, and of labelled responses the good ones, for training on them as single
 * responses.
 */
public fun DataSource.chosenOnly(): DataSource = ChosenResponses(this)

/** A source of which a script keeps some samples; [filter] makes one. */
@Serializable
@SerialName("filter")
public data class ScriptFilter internal constructor(
    override val source: DataSource,
    private val definedIn: String = "script",
    @Transient internal val keeps: (Row) -> Boolean = { throw FinetuneException(Messages.definedInScript("filter")) },
) : DerivedData {
    override fun open(): org.finetune4j.data.DataSource = Filtered(source.open()) { keeps(it) }

    override fun withCandidates(field: String): DataSource = copy(source = source.withCandidates(field))

    override fun toString(): String = "$source.filter { ... }"
}

/**
 * The samples that [keeps] keeps; it must answer alike every time. A recipe with such a filter runs like any other but
 * has no JSON form, and its encoded data are not kept for other runs; an SQL condition, `jsonl("x").filter("level >
 * 2")`, has neither limit.
 */
public fun DataSource.filter(keeps: (Row) -> Boolean): DataSource = ScriptFilter(this, keeps = keeps)
