package org.finetune4j.dsl

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

/** What training starts from. */
@Serializable
public sealed interface Base

/**
 * A model folder in the Hugging Face layout: `config.json`, `tokenizer.json`, `tokenizer_config.json` and
 * `model.safetensors` (or its shards and their index).
 *
 * @property path the folder, relative to the working directory or absolute
 */
@Serializable
@SerialName("folder")
public data class ModelFolder(public val path: String) : Base {
    override fun toString(): String = "base(${quoted(path)})"
}

/**
 * A model with random weights, to be trained from nothing.
 *
 * @property shape its layers and widths
 * @property tokenizer a folder with `tokenizer.json` and `tokenizer_config.json`; it decides the size of the vocabulary
 */
@Serializable
@SerialName("new")
public data class UntrainedModel(public val shape: NewModel, public val tokenizer: String) : Base {
    override fun toString(): String = "base($shape, tokenizer = ${quoted(tokenizer)})"
}

/**
 * The shape of a Llama model that does not exist yet; [newModel] makes one.
 *
 * @property layers transformer blocks, at least 1
 * @property hidden width of the residual stream; a multiple of [heads]
 * @property heads attention heads for queries
 * @property keyValueHeads attention heads for keys and values; divides [heads]
 * @property feedForward width inside the feed-forward blocks
 * @property contextLength the longest sequence in tokens, at least 2
 * @property tiedEmbeddings whether the head shares the embedding's weights
 * @property ropeTheta base of the rotary frequencies
 */
@Serializable
public data class NewModel(
    public val layers: Int,
    public val hidden: Int,
    public val heads: Int,
    public val keyValueHeads: Int,
    public val feedForward: Int,
    public val contextLength: Int,
    public val tiedEmbeddings: Boolean,
    public val ropeTheta: Double,
) {
    override fun toString(): String = "newModel(layers = $layers, hidden = $hidden, heads = $heads, " +
        "keyValueHeads = $keyValueHeads, feedForward = $feedForward, contextLength = $contextLength, " +
        "tiedEmbeddings = $tiedEmbeddings, ropeTheta = $ropeTheta)"
}

/**
 * The shape of a new Llama model for `base(newModel(...), tokenizer = ...)`.
 *
 * Untold widths follow Llama: as many key and value heads as heads, and a feed-forward width of 8/3 [hidden] rounded up
 * to a multiple of 32.
 */
public fun newModel(
    layers: Int,
    hidden: Int,
    heads: Int,
    keyValueHeads: Int = heads,
    feedForward: Int = (hidden * 8 / 3 + 31) / 32 * 32,
    contextLength: Int = 512,
    tiedEmbeddings: Boolean = true,
    ropeTheta: Double = 10_000.0,
): NewModel = NewModel(layers, hidden, heads, keyValueHeads, feedForward, contextLength, tiedEmbeddings, ropeTheta)
