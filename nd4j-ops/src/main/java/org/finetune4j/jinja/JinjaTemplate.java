package org.finetune4j.jinja;

import java.time.LocalDateTime;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A Jinja template, rendered as Python's Jinja2 does in transformers' immutable sandbox. It is immutable, and may be
 * used by several threads.
 */
public final class JinjaTemplate {
    private static final int MAXIMUM_LENGTH = 2_000_000;

    private final Statement.Block body;
    private final boolean marksGeneration;

    private JinjaTemplate(Statement.Block body, boolean marksGeneration) {
        this.body = body;
        this.marksGeneration = marksGeneration;
    }

    /**
     * What a template made.
     *
     * @param text the text
     * @param generations the half-open ranges {@code {start, end}} of it, in UTF-16 units and in order, that the tag
     *     {@code generation} encloses; none of what macros and set blocks print
     */
    public record Rendering(String text, List<int[]> generations) {}

    /**
     * Reads a template.
     *
     * @param source its text, at most 2 million characters
     * @throws JinjaException if it is not valid Jinja, or nested too deep
     */
    public static JinjaTemplate parse(String source) {
        if (source.length() > MAXIMUM_LENGTH) {
            throw new JinjaException(1, false, "it has " + source.length() + " characters, at most " + MAXIMUM_LENGTH
                + " are expected");
        }
        try {
            TemplateParser parser = new TemplateParser(Lexer.tokenize(source));
            Statement.Block body = parser.template();
            return new JinjaTemplate(body, parser.hasGeneration());
        } catch (StackOverflowError e) {
            throw new JinjaException(1, false, "it is nested too deep");
        }
    }

    /**
     * Writes a value as JSON, as Python's {@code json.dumps(value, ensure_ascii=False)} does.
     *
     * @param value one of those that {@link #render} takes
     */
    public static String json(@Nullable Object value) {
        return Json.write(new Run(), value, Arguments.NONE);
    }

    /** Returns whether the template marks by the tag {@code generation} what the model says. */
    public boolean marksGeneration() {
        return marksGeneration;
    }

    /**
     * Renders the template.
     *
     * @param variables by name: texts, {@code Long}, {@code BigInteger}, {@code Double}, {@code Boolean}, null, and
     *     lists and maps of them
     * @param now what {@code strftime_now} tells
     * @throws JinjaException if the template fails, refuses or goes beyond a limit
     */
    public Rendering render(Map<String, @Nullable Object> variables, LocalDateTime now) {
        Map<String, @Nullable Object> all = new HashMap<>(Functions.all(now));
        all.putAll(variables);
        Run run = new Run();
        try {
            body.execute(new Scope(run, all).inner(), run.output);
        } catch (EvaluationException e) {
            throw new JinjaException(run.line, e instanceof EvaluationException.Refusal, e.getMessage());
        } catch (StackOverflowError e) {
            throw new JinjaException(run.line, false, "it is nested too deep");
        }
        return new Rendering(run.output.toString(), List.copyOf(run.generations));
    }
}
