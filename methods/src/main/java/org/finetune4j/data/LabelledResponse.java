package org.finetune4j.data;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;

/**
 * A response that somebody called good or bad, without another one to compare it with.
 *
 * @param id           its stable name
 * @param conversation the turns before the response, with their tools
 * @param completion   the turns of the response, not none
 * @param desirable    whether it is good
 * @param fields       all other fields of the record as text
 * @param provenance   where it came from
 */
public record LabelledResponse(String id, Conversation conversation, List<Message> completion, boolean desirable,
                               Map<String, String> fields, Provenance provenance) implements Row {
    /**
     * Keeps immutable copies.
     *
     * @throws FinetuneException when there is no response
     */
    public LabelledResponse {
        completion = List.copyOf(completion);
        fields = Map.copyOf(fields);
        if (completion.isEmpty()) {
            throw new FinetuneException(id + " has no response behind its prompt. Add it or leave the record out.");
        }
    }

    @Override
    public List<Message> prompt() {
        return conversation.messages();
    }

    @Override
    public LabelledResponse placed(String path) {
        return new LabelledResponse(id, conversation, completion, desirable, fields, provenance.placed(path));
    }

    @Override
    public LabelledResponse tagged(String tag) {
        return new LabelledResponse(id, conversation, completion, desirable, fields, provenance.tagged(tag));
    }

    /** The prompt with the response, for training on it alone. */
    public Sample sample() {
        return new Sample(id, conversation.withMessages(Stream.concat(prompt().stream(), completion.stream()).toList()),
                List.of(), null, fields, provenance);
    }
}
