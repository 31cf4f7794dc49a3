package org.finetune4j.tokenizer;

import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.jinja.JinjaException;
import org.finetune4j.jinja.JinjaTemplate;
import org.finetune4j.jinja.JinjaTemplate.Rendering;
import org.jspecify.annotations.Nullable;

/**
 * The Jinja template that turns a conversation into the text that a model was taught to read.
 *
 * <p>It renders as Python's transformers does, and what a message says is never taken for template code. The date that
 * {@code strftime_now} tells is always {@link #DATE} unless another one is given, so that the same data give the same
 * tokens on any day. Arguments of tool calls are handed over as objects; a template that fails on them gets them as
 * JSON text, as a few want it. An object may be used by several threads.
 */
public final class ChatTemplate {
    /** What {@code strftime_now} tells: the day that Llama 3's own templates print where nobody tells them the date. */
    public static final LocalDateTime DATE = LocalDateTime.of(2024, 7, 26, 0, 0);

    private static final String CHAT_ML = """
        {%- for message in messages -%}
        {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
        {%- endfor -%}
        {%- if add_generation_prompt -%}
        {{ '<|im_start|>assistant\\n' }}
        {%- endif -%}
        """;

    private final String source;
    private final String origin;
    private final Map<String, String> specialTokens;
    private final LocalDateTime date;
    private final @Nullable ChatTemplate toolUse;
    private final JinjaTemplate template;

    private ChatTemplate(String source, String origin, Map<String, String> specialTokens, LocalDateTime date,
            @Nullable ChatTemplate toolUse, JinjaTemplate template) {
        this.source = source;
        this.origin = origin;
        this.specialTokens = specialTokens;
        this.date = date;
        this.toolUse = toolUse;
        this.template = template;
    }

    /**
     * Makes a template.
     *
     * @param source the Jinja text
     * @param origin where it is from, for messages
     * @param specialTokens what {@code bos_token}, {@code eos_token} and others stand for, by name
     * @throws ChatTemplateException if it is not valid Jinja; the message names the template's line
     */
    public static ChatTemplate of(String source, String origin, Map<String, String> specialTokens) {
        try {
            return new ChatTemplate(source, origin, new LinkedHashMap<>(specialTokens), DATE, null,
                JinjaTemplate.parse(source));
        } catch (JinjaException e) {
            throw new ChatTemplateException(origin + ", template line " + e.line() + ": " + e.getMessage()
                + ". Repair the template.");
        }
    }

    /** Returns the ChatML template, whose {@code <|im_start|>} and {@code <|im_end|>} the tokenizer must know. */
    public static ChatTemplate chatMl() {
        return of(CHAT_ML, "ChatTemplate.chatMl()", Map.of("eos_token", "<|im_end|>"));
    }

    /** Returns this template with another date for {@code strftime_now}. */
    public ChatTemplate at(LocalDateTime newDate) {
        return new ChatTemplate(source, origin, specialTokens, newDate, toolUse == null ? null : toolUse.at(newDate),
            template);
    }

    /** Returns this template with another one in its place for conversations that have tools. */
    ChatTemplate withToolUse(ChatTemplate newToolUse) {
        return new ChatTemplate(source, origin, specialTokens, date, newToolUse, template);
    }

    /** Returns the Jinja text. */
    public String source() {
        return source;
    }

    /** Returns where the template is from. */
    public String origin() {
        return origin;
    }

    /**
     * Renders a conversation.
     *
     * @param conversation its turns, tools and variables
     * @param addGenerationPrompt whether the text ends where the model is to speak next
     * @throws ChatTemplateException if the template is wrong or refuses the conversation; the message names the
     *     template's line and the message that was read last
     */
    public String render(Conversation conversation, boolean addGenerationPrompt) {
        return renderMarked(conversation, addGenerationPrompt).text();
    }

    /** Renders a conversation and tells which ranges the template marks as the model's. */
    Rendering renderMarked(Conversation conversation, boolean addGenerationPrompt) {
        if (toolUse != null && !conversation.tools().isEmpty()) {
            return toolUse.renderMarked(conversation, addGenerationPrompt);
        }
        Progress progress = new Progress();
        try {
            return render(conversation, addGenerationPrompt, false, progress);
        } catch (JinjaException e) {
            int lastRead = progress.lastRead;
            if (!e.isRefusal() && conversation.messages().stream().anyMatch(message -> !message.toolCalls().isEmpty())) {
                try {
                    return render(conversation, addGenerationPrompt, true, progress);
                } catch (JinjaException second) {
                    // The first failure is the one that the template's author would see.
                }
            }
            throw failed(e, conversation.messages(), lastRead);
        }
    }

    private Rendering render(Conversation conversation, boolean addGenerationPrompt, boolean argumentsAsText,
            Progress progress) {
        Map<String, @Nullable Object> variables = new LinkedHashMap<>(specialTokens);
        variables.put("tools", null);
        variables.put("documents", null);
        conversation.variables().forEach((name, value) -> variables.put(name, TemplateValues.plain(value.toTree())));
        List<@Nullable Object> messages = new ArrayList<>();
        for (Message message : conversation.messages()) {
            messages.add(new TrackedMessage(TemplateValues.message(message, argumentsAsText), messages.size(), progress));
        }
        variables.put("messages", messages);
        variables.put("add_generation_prompt", addGenerationPrompt);
        if (!conversation.tools().isEmpty()) {
            variables.put("tools", conversation.tools().stream().map(tool -> TemplateValues.plain(tool.toTree())).toList());
        }
        return template.render(variables, date);
    }

    private ChatTemplateException failed(JinjaException error, List<Message> messages, int lastRead) {
        String where = lastRead < 0 ? "before any message was read"
            : "at message index " + lastRead + " (role '" + messages.get(lastRead).role() + "')";
        return new ChatTemplateException(origin + ", template line " + error.line() + ", " + where + ": the template "
            + (error.isRefusal() ? "refuses it: " : "fails: ") + error.getMessage()
            + ". Change the conversation to what the template expects, or use another template.");
    }

    /** Which message was read last. */
    private static final class Progress {
        int lastRead = -1;
    }

    /** A message that notes when the template reads it, so that an error can say how far the template came. */
    private static final class TrackedMessage extends LinkedHashMap<String, @Nullable Object> {
        private static final long serialVersionUID = 1;

        private final int index;
        private final transient Progress progress;

        TrackedMessage(Map<String, @Nullable Object> fields, int index, Progress progress) {
            super(fields);
            this.index = index;
            this.progress = progress;
        }

        @Override
        public @Nullable Object get(Object key) {
            progress.lastRead = index;
            return super.get(key);
        }
    }
}
