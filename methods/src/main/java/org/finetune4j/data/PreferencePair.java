package org.finetune4j.data;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/**
 * Two responses to one prompt, of which somebody preferred one.
 *
 * @param id           its stable name
 * @param conversation the turns before the responses, with their tools
 * @param chosen       the turns of the better response, not none
 * @param rejected     the turns of the other response, not none
 * @param margin       by how much it is better, or null where nobody says
 * @param fields       all other fields of the record as text
 * @param provenance   where it came from
 */
public record PreferencePair(String id, Conversation conversation, List<Message> chosen, List<Message> rejected,
                             @Nullable Double margin, Map<String, String> fields,
                             Provenance provenance) implements Row {
    /**
     * Keeps immutable copies.
     *
     * @throws FinetuneException when a side is missing
     */
    public PreferencePair {
        chosen = List.copyOf(chosen);
        rejected = List.copyOf(rejected);
        fields = Map.copyOf(fields);
        if (chosen.isEmpty() || rejected.isEmpty()) {
            throw new FinetuneException(id + " has no " + (chosen.isEmpty() ? "chosen" : "rejected")
                    + " response behind its prompt. Add it or leave the record out.");
        }
    }

    @Override
    public List<Message> prompt() {
        return conversation.messages();
    }

    @Override
    public PreferencePair placed(String path) {
        return new PreferencePair(id, conversation, chosen, rejected, margin, fields, provenance.placed(path));
    }

    @Override
    public PreferencePair tagged(String tag) {
        return new PreferencePair(id, conversation, chosen, rejected, margin, fields, provenance.tagged(tag));
    }

    /** The prompt with the better response, for training on it alone. */
    public Sample chosenSample() {
        return sample(chosen);
    }

    /** The prompt with the other response. */
    public Sample rejectedSample() {
        return sample(rejected);
    }

    private Sample sample(List<Message> response) {
        return new Sample(id, conversation.withMessages(Stream.concat(prompt().stream(), response.stream()).toList()),
                List.of(), null, fields, provenance);
    }
}
