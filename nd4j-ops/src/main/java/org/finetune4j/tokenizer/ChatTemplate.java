package org.finetune4j.tokenizer;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.el.TypeConvertingMapELResolver;
import com.hubspot.jinjava.el.ext.JinjavaListELResolver;
import com.hubspot.jinjava.interpret.Context;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.interpret.TemplateError;
import com.hubspot.jinjava.interpret.TemplateError.ErrorType;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import com.hubspot.jinjava.objects.collections.PyMap;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import jinjava.javax.el.CompositeELResolver;
import jinjava.javax.el.ELResolver;
import org.finetune4j.tokenizer.TemplateInterpreter.Progress;
import org.jspecify.annotations.Nullable;

/**
 * The Jinja template that turns a conversation into the text that a model was taught to read.
 *
 * <p>It renders as Python's transformers does: {@code trim_blocks} and {@code lstrip_blocks} are on, what a message says is
 * never taken for template code, and {@code raise_exception}, {@code namespace}, {@code break} and {@code continue} are
 * there. The date ({@code strftime_now}) is left undefined on purpose, so that the same data give the same tokens on any
 * day; templates then fall back on a fixed date. An object may be used by several threads.
 */
public final class ChatTemplate {
    private static final long MAXIMUM_OUTPUT = 100_000_000;
    private static final int MAXIMUM_DEPTH = 20;
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
    private final @Nullable String beginToken;
    private final @Nullable String endToken;
    private final String normalised;
    private final Jinjava jinjava;

    private ChatTemplate(String source, String origin, @Nullable String beginToken, @Nullable String endToken) {
        this.source = source;
        this.origin = origin;
        this.beginToken = beginToken;
        this.endToken = endToken;
        this.normalised = normalise(source, origin);
        this.jinjava = new Jinjava(JinjavaConfig.newBuilder()
            // TemplateSource has done what these would do; the engine's last line break would be the message's own.
            .withTrimBlocks(false)
            .withLstripBlocks(false)
            .withKeepTrailingNewline(true)
            // Otherwise a message that holds {{ ... }} would be run as a template of its own.
            .withNestedInterpretationEnabled(false)
            .withLegacyOverrides(LegacyOverrides.newBuilder()
                .withEvaluateMapKeys(true)
                .withIterateOverMapKeys(true)
                .withUsePyishObjectMapper(true)
                .withUseNaturalOperatorPrecedence(true)
                .withParseWhitespaceControlStrictly(true)
                .withAllowAdjacentTextNodes(true)
                .withUseTrimmingForNotesAndExpressions(true)
                .withKeepNullableLoopValues(true)
                .withHandleBackslashInQuotesOnly(true)
                .build())
            // These would read other files.
            .withDisabled(Map.of(Context.Library.TAG, Set.of("include", "import", "from", "extends")))
            .withElResolver(resolver())
            .withInterperterFactory(TemplateInterpreter.FACTORY)
            .withMaxOutputSize(MAXIMUM_OUTPUT)
            .withMaxRenderDepth(MAXIMUM_DEPTH)
            .build());
        jinjava.getGlobalContext().registerTag(new GenerationTag());
        jinjava.getGlobalContext().registerFilter(new TrimFilter());
        jinjava.getGlobalContext().registerFunction(
            new ELFunctionDefinition("", "raise_exception", ChatTemplate.class, "refuse", String.class));
    }

    private static String normalise(String source, String origin) {
        try {
            return TemplateSource.normalise(source);
        } catch (IllegalArgumentException e) {
            throw new ChatTemplateException(origin + ", " + e.getMessage() + ". Repair the template.");
        }
    }

    private static ELResolver resolver() {
        CompositeELResolver resolver = new CompositeELResolver();
        resolver.add(new JinjavaListELResolver(true));
        resolver.add(new TypeConvertingMapELResolver(true));
        resolver.add(new PythonMethods());
        return resolver;
    }

    /**
     * Makes a template.
     *
     * @param source the Jinja text
     * @param origin where it is from, for messages
     * @param beginToken what {@code bos_token} stands for, or null
     * @param endToken what {@code eos_token} stands for, or null
     * @throws ChatTemplateException if a tag is not closed
     */
    public static ChatTemplate of(String source, String origin, @Nullable String beginToken,
            @Nullable String endToken) {
        return new ChatTemplate(source, origin, beginToken, endToken);
    }

    /** Returns the ChatML template, whose {@code <|im_start|>} and {@code <|im_end|>} the tokenizer must know. */
    public static ChatTemplate chatMl() {
        return of(CHAT_ML, "ChatTemplate.chatMl()", null, "<|im_end|>");
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
     * @throws ChatTemplateException if the template is wrong or refuses the conversation; the message names the template's
     *     line and the message that was read last
     */
    public String render(Conversation conversation, boolean addGenerationPrompt) {
        List<Message> messages = conversation.messages();
        Progress progress = new Progress();
        List<Object> tracked = new ArrayList<>();
        for (int i = 0; i < messages.size(); i++) {
            tracked.add(new TrackedMessage(messages.get(i), i, progress));
        }
        Map<String, @Nullable Object> variables = new HashMap<>();
        conversation.variables().forEach((name, value) -> variables.put(name, TemplateValues.plain(value.toTree())));
        variables.put(TemplateInterpreter.PROGRESS, progress);
        variables.put("messages", tracked);
        variables.put("add_generation_prompt", addGenerationPrompt);
        if (!conversation.tools().isEmpty()) {
            variables.put("tools", conversation.tools().stream().map(tool -> TemplateValues.plain(tool.toTree())).toList());
        }
        if (beginToken != null) {
            variables.put("bos_token", beginToken);
        }
        if (endToken != null) {
            variables.put("eos_token", endToken);
        }
        RenderResult result = jinjava.renderForResult(normalised, variables);
        for (TemplateError error : result.getErrors()) {
            if (error.getSeverity() == ErrorType.FATAL) {
                boolean noted = progress.failure != null;
                throw failed(noted ? progress.failure : error, messages, noted ? progress.failedAt : progress.lastRead);
            }
        }
        return result.getOutput();
    }

    private ChatTemplateException failed(TemplateError error, List<Message> messages, int lastRead) {
        Throwable cause = error.getException();
        while (cause != null && !(cause instanceof Refusal) && cause.getCause() != null) {
            cause = cause.getCause();
        }
        String reason = cause instanceof Refusal ? "the template refuses it: " + cause.getMessage()
            : "the template fails: " + error.getMessage();
        String where = lastRead < 0 ? "before any message was read"
            : "at message index " + lastRead + " (role '" + messages.get(lastRead).role() + "')";
        return new ChatTemplateException(origin + ", template line " + error.getLineno() + ", " + where + ": " + reason
            + ". Change the conversation to what the template expects, or use another template.");
    }

    /** What a template calls as {@code raise_exception}; public because the template engine calls it. */
    public static String refuse(String message) {
        throw new Refusal(message);
    }

    private static final class Refusal extends RuntimeException {
        Refusal(String message) {
            super(message);
        }
    }

    /** A message that notes when the template reads it, so that an error can say how far the template came. */
    private static final class TrackedMessage extends PyMap {
        private final int index;
        private final Progress progress;

        TrackedMessage(Message message, int index, Progress progress) {
            super(TemplateValues.message(message));
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
