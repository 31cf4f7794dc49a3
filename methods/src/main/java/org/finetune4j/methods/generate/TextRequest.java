package org.finetune4j.methods.generate;

import java.util.List;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;

/**
 * A conversation to be answered.
 *
 * @param id           names it in messages, such as {@code train.jsonl:17}; it does not change the answer
 * @param conversation ends with what is to be answered
 * @param decoding     how the answer is drawn
 * @param seed         of the draw; two answers to one conversation need two seeds
 */
public record TextRequest(String id, Conversation conversation, Decoding decoding, long seed) {
    /** A request of turns without tools. */
    public TextRequest(String id, List<Message> turns, Decoding decoding, long seed) {
        this(id, Conversation.of(turns), decoding, seed);
    }
}
