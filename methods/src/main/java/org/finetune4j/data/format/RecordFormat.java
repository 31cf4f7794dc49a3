package org.finetune4j.data.format;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The kinds of records that are known. */
public enum RecordFormat {
    /** A prompt and its response. */
    PROMPT_RESPONSE("prompt and response", Part.PROMPT, Part.RESPONSE),
    /** The same, the response under the name of a completion; both may be lists of turns. */
    PROMPT_COMPLETION("prompt and completion", Part.PROMPT, Part.COMPLETION),
    /** A prompt alone, or with its reference answer, for evaluation. */
    QUESTION("prompt", Part.PROMPT),
    /** A prompt and candidate responses, of which a selector chooses. */
    CANDIDATES("prompt and candidate responses", Part.PROMPT, Part.RESPONSES),
    /** Turns as OpenAI writes them, with tool calls. */
    MESSAGES("messages", Part.MESSAGES),
    /** Turns before candidate responses. */
    MESSAGES_AND_CANDIDATES("messages and candidate responses", Part.MESSAGES, Part.RESPONSES),
    /** Turns as ShareGPT writes them: {@code from} and {@code value}. */
    SHAREGPT("ShareGPT", Part.CONVERSATIONS),
    /** Instruction, input and output. */
    ALPACA("Alpaca", Part.INSTRUCTION, Part.OUTPUT),
    /** A plain document. */
    TEXT("text", Part.TEXT),
    /** A better and a worse response, as texts or turns. */
    PREFERENCE("preference", Part.CHOSEN, Part.REJECTED),
    /** A completion with a label that says whether it is good. */
    KTO("labelled completion (KTO)", Part.PROMPT, Part.COMPLETION, Part.LABEL);

    private final String title;
    private final List<Part> needed;

    RecordFormat(String title, Part... needed) {
        this.title = title;
        this.needed = List.of(needed);
    }

    /** Its name in messages. */
    public String title() {
        return title;
    }

    /** The parts that tell it, and without which it is nothing. */
    List<Part> needed() {
        return needed;
    }

    /** The parts that it may have as well. */
    Set<Part> beside() {
        return switch (this) {
            case TEXT -> EnumSet.noneOf(Part.class);
            case ALPACA -> EnumSet.of(Part.SYSTEM, Part.ANSWER, Part.TOOLS, Part.INPUT, Part.HISTORY);
            case PREFERENCE -> EnumSet.of(Part.SYSTEM, Part.TOOLS, Part.PROMPT, Part.MARGIN);
            default -> EnumSet.of(Part.SYSTEM, Part.ANSWER, Part.TOOLS);
        };
    }

    /** Whether some kind is told by this part, so that its being empty matters. */
    static boolean tells(Part part) {
        return Arrays.stream(values()).anyMatch(format -> format.needed.contains(part));
    }

    /**
     * Every kind that a record with these parts may be; a kind of which another one is a longer form is not among them.
     */
    static List<RecordFormat> of(Set<Part> parts) {
        List<RecordFormat> found = new ArrayList<>(List.of(values()));
        found.removeIf(format -> !parts.containsAll(format.needed));
        // A preference may bring its prompt.
        if (found.contains(PREFERENCE)) {
            found.remove(QUESTION);
        }
        List<RecordFormat> all = List.copyOf(found);
        found.removeIf(format -> all.stream().anyMatch(other -> other != format
                && other.needed.containsAll(format.needed)));
        return found;
    }
}
