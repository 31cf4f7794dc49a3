package org.finetune4j.dsl

import java.nio.file.Path

/**
 * A model folder, with or without an adapter that was saved apart, to be written in another layout; [savedModel] opens one.
 * Nothing is trained.
 */
public class SavedModel internal constructor(private val opened: org.finetune4j.train.SavedModel) : AutoCloseable {
    /**
     * Writes the model to [folder] in the Hugging Face layout, an adapter merged into the weights.
     *
     * @throws org.finetune4j.FinetuneException when the folder is there already or cannot be written
     */
    public fun save(folder: String): Unit = opened.save(Path.of(folder))

    /**
     * Writes the model to [folder] with [tokens] besides its own, such as one that stands for what [demask] masks:
     *
     * ```kotlin
     * savedModel("models/base").use { it.saveWithTokens("models/base-mask", "<|mask|>") }
     * ```
     *
     * They are special tokens of the tokenizer; each begins with the mean of the others in the embedding and in a head of its
     * own, and trains where these do, which is without an adapter.
     *
     * @throws org.finetune4j.FinetuneException when a token is there already, the folder is, or it cannot be written
     */
    public fun saveWithTokens(folder: String, vararg tokens: String): Unit =
        opened.saveWithTokens(Path.of(folder), tokens.toList())

    /**
     * Writes the model, an adapter merged into the weights, as one GGUF [file] for llama.cpp.
     *
     * @param type how matrices are stored
     * @throws org.finetune4j.FinetuneException when llama.cpp has no such model or tokenizer, or it cannot be written
     */
    public fun saveGguf(file: String, type: GgufType = GgufType.Q8_0): Unit = opened.saveGguf(Path.of(file), type)

    override fun close(): Unit = opened.close()
}

/**
 * Opens the model in [folder] to write it in another layout:
 *
 * ```kotlin
 * savedModel("models/tiny", adapter = "out/adapter").use { it.saveGguf("tiny.gguf") }
 * ```
 *
 * @param adapter a folder in the layout of PEFT whose adapter is merged into the weights, or null
 * @throws org.finetune4j.FinetuneException when a file is missing or damaged, or model and adapter do not fit
 */
public fun savedModel(folder: String, adapter: String? = null): SavedModel =
    SavedModel(org.finetune4j.train.SavedModel.open(Path.of(folder), adapter?.let { Path.of(it) }))
