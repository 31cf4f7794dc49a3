package org.finetune4j.tokenizer;

/**
 * One turn of a conversation.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant}, or another role that the template knows
 * @param content what is said
 */
public record Message(String role, String content) {
    /** The role whose turns a model learns. */
    public static final String ASSISTANT = "assistant";

    /** Returns a turn that tells the model how to behave. */
    public static Message system(String content) {
        return new Message("system", content);
    }

    /** Returns a turn of the person. */
    public static Message user(String content) {
        return new Message("user", content);
    }

    /** Returns a turn of the model. */
    public static Message assistant(String content) {
        return new Message(ASSISTANT, content);
    }

    /** Returns whether the model speaks. */
    public boolean isAssistant() {
        return role.equals(ASSISTANT);
    }
}
