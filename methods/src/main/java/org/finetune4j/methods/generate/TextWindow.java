package org.finetune4j.methods.generate;

import java.util.function.BiFunction;
import java.util.function.ToIntFunction;
import org.finetune4j.tokenizer.Conversation;

/**
 * How much a model can read, and how texts are measured.
 *
 * @param tokens most tokens of prompt and answer together
 * @param count  the tokens of a text
 * @param first  the beginning of a text, of at most so many tokens
 * @param asked  the tokens of a conversation as the model is asked for its next turn, the template's own among them
 */
public record TextWindow(int tokens, ToIntFunction<String> count, BiFunction<String, Integer, String> first,
                         ToIntFunction<Conversation> asked) {
}
