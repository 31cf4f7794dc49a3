package org.finetune4j.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * What {@code tokenizer_config.json} says beside the vocabulary.
 *
 * @param beginToken the token that the chat template puts first, or null
 * @param endToken the token that ends a text and a turn
 * @param paddingToken the token that fills a batch, or null; it may be the end token
 * @param chatTemplate the Jinja template of a conversation, or null
 * @param maximumLength the longest text in tokens
 */
public record TokenizerSettings(@Nullable String beginToken, String endToken, @Nullable String paddingToken,
        @Nullable String chatTemplate, int maximumLength) {}
