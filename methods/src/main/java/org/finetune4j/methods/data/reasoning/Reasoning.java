package org.finetune4j.methods.data.reasoning;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.tokenizer.Message;

/**
 * The reasoning of a response: what the assistant thinks before it speaks, or the text between {@code <think>} and
 * {@code </think>}, or else the whole response. Its steps are the paragraphs between blank lines or, where there is no
 * blank line, the lines; empty steps do not count.
 *
 * @param steps     the steps, in order, without blanks at their ends
 * @param separator what stands between them
 * @param place     where the reasoning stands
 * @param before    the words of the turn before it, kept as they are
 * @param after     the words of the turn behind it, kept as they are
 */
public record Reasoning(List<String> steps, String separator, Place place, String before, String after) {
    private static final String OPEN = "<think>";
    private static final String CLOSE = "</think>";

    /** Where reasoning stands. */
    public enum Place {
        /** In the turn's own reasoning. */
        THOUGHT,
        /** Between marks in the turn's words. */
        MARKED,
        /** Nowhere apart: the whole response counts as reasoning. */
        WHOLE
    }

    /** Keeps an immutable copy. */
    public Reasoning {
        steps = List.copyOf(steps);
    }

    /**
     * The reasoning of a sample's response.
     *
     * @param strict whether a response that marks no reasoning is refused
     * @throws FinetuneException when there is no response, or it marks no reasoning and {@code strict} asks for it
     */
    public static Reasoning of(Sample sample, boolean strict) {
        List<Message> turns = sample.messages();
        if (sample.response() == null) {
            throw new FinetuneException(sample.id()
                    + " has no response whose reasoning could be looked at. Give it one, or "
                    + "leave it out.");
        }
        Message turn = turns.get(turns.size() - 1);
        String thought = turn.reasoning();
        if (thought != null && !thought.isBlank()) {
            return of(thought, Place.THOUGHT, "", turn.text());
        }
        Reasoning found = of(turn.text());
        if (strict && found.place == Place.WHOLE) {
            throw new FinetuneException(sample.id() + " marks no reasoning in its response. Put it between " + OPEN
                    + " and "
                    + CLOSE + ", or set strict to false, which takes the whole response for reasoning.");
        }
        return found;
    }

    /** The reasoning of a text: what stands between marks, or else all of it. */
    public static Reasoning of(String text) {
        int close = text.indexOf(CLOSE);
        if (close < 0) {
            return of(text, Place.WHOLE, "", "");
        }
        int open = text.indexOf(OPEN);
        int begin = open >= 0 && open < close ? open + OPEN.length() : 0;
        return of(text.substring(begin, close), Place.MARKED, text.substring(0, begin), text.substring(close));
    }

    private static Reasoning of(String text, Place place, String before, String after) {
        String[] paragraphs = text.split("\\R[ \\t]*(?:\\R[ \\t]*)+");
        boolean blankLines = steps(paragraphs).size() > 1;
        return new Reasoning(steps(blankLines ? paragraphs : text.split("\\R")), blankLines ? "\n\n" : "\n", place,
                before,
                after);
    }

    private static List<String> steps(String[] parts) {
        List<String> steps = new ArrayList<>();
        for (String part : parts) {
            if (!part.isBlank()) {
                steps.add(part.strip());
            }
        }
        return steps;
    }

    /** The sample whose reasoning this is with only these steps left. */
    public Sample with(Sample sample, List<String> kept) {
        List<Message> turns = sample.messages();
        Message turn = turns.get(turns.size() - 1);
        String text = String.join(separator, kept);
        Message changed = place == Place.THOUGHT ? turn.withReasoning(text)
                : place == Place.MARKED ? turn.withContent(before + "\n" + text + "\n" + after)
                : turn.withContent(text);
        return sample.withResponse(changed);
    }
}
