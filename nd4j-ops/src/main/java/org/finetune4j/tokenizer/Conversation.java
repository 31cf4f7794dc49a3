package org.finetune4j.tokenizer;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a chat template renders: the turns, the tools that the model may call, and what else the template can be told.
 *
 * @param messages the turns, in order
 * @param tools a JSON object for each tool, as OpenAI writes them: {@code {"type": "function", "function": {"name",
 *     "description", "parameters"}}}, of which parameters is a JSON schema
 * @param variables the template's own settings by name, such as {@code enable_thinking} or {@code date_string}
 */
public record Conversation(List<Message> messages, List<JsonText> tools, Map<String, JsonText> variables) {
    /** Keeps immutable copies, the variables in their order. */
    public Conversation {
        messages = List.copyOf(messages);
        tools = List.copyOf(tools);
        variables = Collections.unmodifiableMap(new LinkedHashMap<>(variables));
    }

    /** Returns a conversation without tools and variables. */
    public static Conversation of(List<Message> messages) {
        return new Conversation(messages, List.of(), Map.of());
    }

    /** Returns a conversation without tools and variables. */
    public static Conversation of(Message... messages) {
        return of(List.of(messages));
    }

    /** Returns this conversation with other turns. */
    public Conversation withMessages(List<Message> newMessages) {
        return new Conversation(newMessages, tools, variables);
    }

    /** Returns this conversation with other tools. */
    public Conversation withTools(List<JsonText> newTools) {
        return new Conversation(messages, newTools, variables);
    }

    /** Returns this conversation with one more setting of the template, in place of an earlier one of that name. */
    public Conversation with(String variable, JsonText value) {
        Map<String, JsonText> more = new LinkedHashMap<>(variables);
        more.put(variable, value);
        return new Conversation(messages, tools, more);
    }

    /** Returns the first turns of this conversation. */
    public Conversation upTo(int end) {
        return withMessages(messages.subList(0, end));
    }

    /** Returns this conversation with one turn in place of another. */
    public Conversation withMessage(int index, Message message) {
        List<Message> changed = new ArrayList<>(messages);
        changed.set(index, message);
        return withMessages(changed);
    }
}
