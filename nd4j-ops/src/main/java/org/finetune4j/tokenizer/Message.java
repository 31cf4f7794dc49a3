package org.finetune4j.tokenizer;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One turn of a conversation.
 *
 * @param role who speaks: {@code system}, {@code user}, {@code assistant}, {@code tool}, or another role that the
 *     template knows
 * @param content what is said, or null where a turn only calls tools
 * @param parts the content as a list of texts, joined equal to it, where the data give it so; empty where they give one
 *     text
 * @param reasoning what the assistant thinks before it speaks, or null
 * @param toolCalls the tools that an assistant's turn calls, in order
 * @param toolCallId which call a tool's turn answers, or null
 * @param name the name of the speaker, such as the tool that answers, or null
 */
public record Message(String role, @Nullable String content, List<String> parts, @Nullable String reasoning,
        List<ToolCall> toolCalls, @Nullable String toolCallId, @Nullable String name) {
    /** The role whose turns a model learns. */
    public static final String ASSISTANT = "assistant";

    /**
     * Keeps immutable copies.
     *
     * @throws ConversationException if the parts, joined, are not the content
     */
    public Message {
        parts = List.copyOf(parts);
        toolCalls = List.copyOf(toolCalls);
        if (!parts.isEmpty() && !String.join("", parts).equals(content)) {
            throw new ConversationException("the turn of '" + role + "' gives a content that its parts, joined, are not."
                + " Give one of the two.");
        }
    }

    /** A turn of plain text. */
    public Message(String role, @Nullable String content) {
        this(role, content, List.of(), null, List.of(), null, null);
    }

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

    /** Returns the answer of a tool; call id and name may be null. */
    public static Message tool(String content, @Nullable String toolCallId, @Nullable String name) {
        return new Message("tool", content, List.of(), null, List.of(), toolCallId, name);
    }

    /** Returns a turn whose content is a list of texts, which some templates print otherwise than one text. */
    public static Message ofParts(String role, List<String> parts) {
        return new Message(role, String.join("", parts), parts, null, List.of(), null, null);
    }

    /** Returns this turn with other words, as one text. */
    public Message withContent(@Nullable String newContent) {
        return new Message(role, newContent, List.of(), reasoning, toolCalls, toolCallId, name);
    }

    /** Returns this turn with what was thought before it. */
    public Message withReasoning(@Nullable String newReasoning) {
        return new Message(role, content, parts, newReasoning, toolCalls, toolCallId, name);
    }

    /** Returns this turn with calls of tools. */
    public Message withToolCalls(List<ToolCall> newToolCalls) {
        return new Message(role, content, parts, reasoning, newToolCalls, toolCallId, name);
    }

    /** Returns this turn with the speaker's name. */
    public Message withName(@Nullable String newName) {
        return new Message(role, content, parts, reasoning, toolCalls, toolCallId, newName);
    }

    /** Returns what is said, which is empty where a turn only calls tools. */
    public String text() {
        return content == null ? "" : content;
    }

    /** Returns whether the model speaks. */
    public boolean isAssistant() {
        return role.equals(ASSISTANT);
    }

    /** Returns whether nothing is said, thought or called: blanks count as nothing. */
    public boolean isEmpty() {
        return text().isBlank() && toolCalls.isEmpty() && (reasoning == null || reasoning.isBlank());
    }
}
