package org.finetune4j.dsl

import org.finetune4j.tokenizer.BpeTrainer
import org.finetune4j.tokenizer.TokenizerSettings
import java.nio.file.Path
import kotlin.streams.asStream

private const val TURN_BEGINS = "<|im_start|>"
private const val TURN_ENDS = "<|im_end|>"

/** The ChatML template: every turn between `<|im_start|>` with its role and `<|im_end|>`. */
public const val CHAT_ML: String =
    "{% for message in messages %}$TURN_BEGINS{{ message['role'] }}\n{{ message['content'] }}$TURN_ENDS\n{% endfor %}" +
        "{% if add_generation_prompt %}${TURN_BEGINS}assistant\n{% endif %}"

/**
 * Trains a byte-level vocabulary for a new model and writes its `tokenizer.json` and `tokenizer_config.json`, with the
 * [CHAT_ML] template, to [folder].
 *
 * Source: byte-pair encoding of Sennrich et al., arXiv 1508.07909, on bytes as in GPT-2.
 *
 * @param texts what is counted, read once
 * @param folder where the two files go; `base(newModel(...), tokenizer = folder)` takes it as the tokenizer of a new model
 * @param vocabularySize tokens wanted, the 256 bytes, the two that begin and end a turn, and [reserved] ones included: at least 258
 * @param contextLength the longest sequence in tokens, as in [newModel]
 * @param splitDigits whether every digit is a token of its own, which makes arithmetic easier to learn
 * @param reserved further tokens that no text is split into, such as `"<|mask|>"` for [demask]; they take the ids behind the
 *     two that begin and end a turn
 * @return the tokens that there are: fewer than wanted when no pair is left that occurs twice
 */
public fun trainTokenizer(
    texts: Sequence<String>,
    folder: String,
    vocabularySize: Int,
    contextLength: Int = 512,
    splitDigits: Boolean = true,
    reserved: List<String> = emptyList(),
): Int {
    val vocabulary = BpeTrainer(vocabularySize, listOf(TURN_BEGINS, TURN_ENDS) + reserved, splitDigits).train(texts.asStream())
    vocabulary.save(Path.of(folder), TokenizerSettings(null, TURN_ENDS, null, CHAT_ML, contextLength))
    return vocabulary.size()
}
