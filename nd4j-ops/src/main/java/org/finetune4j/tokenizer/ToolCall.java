package org.finetune4j.tokenizer;

import org.jspecify.annotations.Nullable;

/**
 * One call of a tool that an assistant's turn asks for.
 *
 * @param name the tool's name
 * @param arguments its arguments, usually a JSON object; templates receive it as an object, never as text
 * @param id what the tool's answer refers to, or null
 */
public record ToolCall(String name, JsonText arguments, @Nullable String id) {
    /** Returns a call that no answer refers to by id. */
    public static ToolCall of(String name, String arguments) {
        return new ToolCall(name, new JsonText(arguments), null);
    }
}
