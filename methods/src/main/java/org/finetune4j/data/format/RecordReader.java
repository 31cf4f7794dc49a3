package org.finetune4j.data.format;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.LabelledResponse;
import org.finetune4j.data.PreferencePair;
import org.finetune4j.data.Provenance;
import org.finetune4j.data.Row;
import org.finetune4j.data.Sample;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.data.read.RawRecord;
import org.finetune4j.methods.Nearest;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/**
 * Makes rows of records. What kind a record is, its fields tell, if the mapping does not say it; a record that may be
 * of two kinds is refused. It is used by one thread.
 */
public final class RecordReader {
    /** Kinds with a response that a label beside it may call bad. */
    private static final Set<RecordFormat> LABELLED = EnumSet.of(RecordFormat.PROMPT_RESPONSE, RecordFormat.MESSAGES,
            RecordFormat.SHAREGPT, RecordFormat.ALPACA);

    private final FieldMapping names;
    private final Map<Part, FieldText> fields = new EnumMap<>(Part.class);
    private final Set<Part> unseen = EnumSet.noneOf(Part.class);
    private @Nullable RawRecord last;

    /** A reader by these names. */
    public RecordReader(FieldMapping names) {
        this.names = names;
        for (Part part : Part.values()) {
            fields.put(part, names.field(part));
            if (names.isNamed(part)) {
                unseen.add(part);
            }
        }
    }

    /**
     * A row and the kind of its record.
     *
     * @param row    what the record says
     * @param format its kind
     * @param fields the fields that told it, such as {@code 'prompt' and 'response'}
     */
    public record Recognised(Row row, RecordFormat format, String fields) {
    }

    /**
     * The row that a record says.
     *
     * @throws FinetuneException when its kind is not known or not clear, or a part is missing, empty or of the wrong
     * type
     */
    public Recognised read(RawRecord record) {
        last = record;
        RecordParts parts = new RecordParts(record, names, fields);
        RecordFormat format = names.format() == null ? recognise(parts) : names.format();
        unseen.removeIf(parts::has);
        String told = format.needed().stream().map(parts::quoted).collect(Collectors.joining(" and "));
        return new Recognised(row(parts, format), format, told);
    }

    /**
     * Refuses names that the recipe gives to parts which no record had.
     *
     * @throws FinetuneException when there are such names; it tells the fields of the last record and the nearest
     */
    public void refuseUnseen() {
        RawRecord seen = last;
        // The field of candidates is named by the selector, whose own problem says what is missing.
        unseen.remove(Part.RESPONSES);
        if (seen != null && !unseen.isEmpty()) {
            RecordParts parts = new RecordParts(seen, names, fields);
            Part part = unseen.iterator().next();
            throw new FinetuneException(seen.place() + ", like every record before it, has no field "
                    + parts.quoted(part)
                    + ", which fields(" + part.usual() + " = ...) names; it has " + parts.fieldNames() + ". "
                    + parts.missingMend(part));
        }
    }

    private RecordFormat recognise(RecordParts parts) {
        List<RecordFormat> formats = RecordFormat.of(parts.present());
        if (formats.size() == 1) {
            refuseLabel(parts, formats.get(0));
            return formats.get(0);
        }
        if (formats.isEmpty()) {
            throw unknown(parts);
        }
        String shapes = formats.stream().map(format -> format.title() + " (" + format.needed().stream()
                .map(parts::quoted)
                .collect(Collectors.joining(", ")) + ")").collect(Collectors.joining(", "));
        throw parts.refused("the fields " + parts.fieldNames() + ", which tell of more than one shape: " + shapes,
                "Say which by fields(format = RecordFormat." + formats.get(0) + "), or remove the other fields");
    }

    /** A label that may say that a response is bad, which would be learned as a good one if nobody looked at it. */
    private static void refuseLabel(RecordParts parts, RecordFormat format) {
        JsonNode label = parts.value(Part.LABEL);
        if (!LABELLED.contains(format) || label == null || !isGood(label) && !isBad(label)) {
            return;
        }
        String mend = format == RecordFormat.PROMPT_RESPONSE
                ? "If it says whether the response is good, say fields(completion = \"" + parts.field(Part.RESPONSE)
                + "\")" : "If it says whether the response is good, write the record as prompt, completion and label";
        throw parts.refused(format.title() + " beside " + parts.quoted(Part.LABEL) + " that is " + label, mend
                + "; if it means something else, say fields(format = RecordFormat." + format + ")");
    }

    private FinetuneException unknown(RecordParts parts) {
        for (Part part : Part.values()) {
            JsonNode value = parts.value(part);
            if (value != null && value.isNull() && RecordFormat.tells(part)) {
                return parts.refused(parts.quoted(part) + " that is null", "Give it a value, or remove the record");
            }
        }
        String near = "";
        for (Part part : Part.values()) {
            if (near.isEmpty() && names.isNamed(part)) {
                String mend = parts.missingMend(part);
                near = mend.contains("Did you mean") ? mend.substring(mend.indexOf(" Did you mean")) : "";
            }
        }
        List<String> usual = Stream.of(Part.values()).map(Part::usual).toList();
        for (String field : (Iterable<String>) () -> parts.record().fields().fieldNames()) {
            near = near.isEmpty() ? Nearest.proposal(field, usual) : near;
        }
        return parts.refused("the fields " + parts.fieldNames() + ", of no known shape", "Give exactly one of "
                + parts.quoted(Part.PROMPT) + " (with " + parts.quoted(Part.RESPONSE) + ", "
                + parts.quoted(Part.COMPLETION)
                + " or " + parts.quoted(Part.RESPONSES) + "), " + parts.quoted(Part.MESSAGES) + ", "
                + parts.quoted(Part.CONVERSATIONS) + ", " + parts.quoted(Part.INSTRUCTION) + " (with "
                + parts.quoted(Part.OUTPUT) + "), " + parts.quoted(Part.CHOSEN) + " (with "
                + parts.quoted(Part.REJECTED)
                + ") or " + parts.quoted(Part.TEXT) + ", or map other names by fields(...)." + near);
    }

    private Row row(RecordParts parts, RecordFormat format) {
        TurnReader turns = new TurnReader(parts);
        return switch (format) {
            case TEXT -> document(parts);
            case PROMPT_RESPONSE -> sample(parts, format, turns, joined(prompt(parts, turns), List.of(
                    Message.assistant(parts.text(Part.RESPONSE)))));
            case PROMPT_COMPLETION -> sample(parts, format, turns, joined(prompt(parts, turns),
                    response(parts, turns, Part.COMPLETION)));
            case QUESTION, CANDIDATES -> sample(parts, format, turns, prompt(parts, turns));
            case MESSAGES, MESSAGES_AND_CANDIDATES -> sample(parts, format, turns, withSystem(parts,
                    turns.turns(parts.needed(Part.MESSAGES), parts.field(Part.MESSAGES).toString())));
            case SHAREGPT -> sample(parts, format, turns, withSystem(parts,
                    turns.turns(parts.needed(Part.CONVERSATIONS), parts.field(Part.CONVERSATIONS).toString())));
            case ALPACA -> sample(parts, format, turns, alpaca(parts));
            case PREFERENCE -> preference(parts, turns);
            case KTO -> new LabelledResponse(parts.record().id(), conversation(turns, prompt(parts, turns)),
                    response(parts, turns, Part.COMPLETION), label(parts), others(parts, format), provenance(parts));
        };
    }

    private Sample document(RecordParts parts) {
        String text = parts.text(Part.TEXT);
        Map<String, String> fields = new java.util.LinkedHashMap<>(others(parts, RecordFormat.TEXT));
        fields.put(Sample.DOCUMENT, text);
        return new Sample(parts.record().id(), Conversation.of(List.of()), List.of(), null, fields, provenance(parts));
    }

    private Sample sample(RecordParts parts, RecordFormat format, TurnReader turns, List<Message> messages) {
        boolean chooses = format == RecordFormat.CANDIDATES || format == RecordFormat.MESSAGES_AND_CANDIDATES;
        List<Candidate> candidates = chooses ? candidates(parts) : List.of();
        String answer = parts.has(Part.ANSWER) ? answer(parts) : null;
        boolean answered = messages.get(messages.size() - 1).isAssistant();
        if (answered && chooses) {
            throw parts.refused("both a response and the candidates " + parts.quoted(Part.RESPONSES),
                    "Keep one of them: candidates are for a selector to choose from");
        }
        if (!answered && !chooses && answer == null) {
            JsonNode empty = parts.value(Part.RESPONSE);
            if (empty != null) {
                throw parts.refused(parts.quoted(Part.RESPONSE) + " that is " + RecordParts.kind(empty),
                        "Give a text that is not empty, or remove the record");
            }
            throw parts.refused("no response", "Add " + parts.quoted(Part.RESPONSE) + ", an assistant turn, or "
                    + parts.quoted(Part.RESPONSES) + "; for evaluation alone " + parts.quoted(Part.ANSWER)
                    + " is enough");
        }
        return new Sample(parts.record().id(), conversation(turns, messages), candidates, answer, others(parts, format),
                provenance(parts));
    }

    private static Conversation conversation(TurnReader turns, List<Message> messages) {
        return Conversation.of(messages).withTools(turns.tools());
    }

    /** The prompt as a user's turn, or as the turns that it is, behind the system's turn. */
    private static List<Message> prompt(RecordParts parts, TurnReader turns) {
        JsonNode prompt = parts.needed(Part.PROMPT);
        return withSystem(parts, prompt.isArray() ? turns.turns(prompt, parts.field(Part.PROMPT).toString())
                : List.of(Message.user(parts.text(Part.PROMPT))));
    }

    private static List<Message> withSystem(RecordParts parts, List<Message> messages) {
        String system = parts.optionalText(Part.SYSTEM);
        if (system.isBlank()) {
            return messages;
        }
        if (messages.get(0).role().equals("system")) {
            throw parts.refused("both " + parts.quoted(Part.SYSTEM) + " and a system turn", "Keep one of them");
        }
        return joined(List.of(Message.system(system)), messages);
    }

    /** A response as an assistant's turn, or as the turns that it is. */
    private static List<Message> response(RecordParts parts, TurnReader turns, Part part) {
        JsonNode value = parts.needed(part);
        if (!value.isArray()) {
            return List.of(Message.assistant(parts.text(part)));
        }
        List<Message> response = turns.turns(value, parts.field(part).toString());
        if (!response.get(0).isAssistant()) {
            throw parts.refused(parts.quoted(part) + " that begins with a turn of '" + response.get(0).role() + "'",
                    "A response begins with the assistant's turn");
        }
        return response;
    }

    private List<Message> alpaca(RecordParts parts) {
        List<Message> messages = new ArrayList<>();
        JsonNode history = parts.value(Part.HISTORY);
        if (history != null && !history.isNull() && !(history.isArray() && history.isEmpty())) {
            for (JsonNode pair : parts.list(history, parts.quoted(Part.HISTORY), "Give a list of pairs of texts")) {
                if (!pair.isArray() || pair.size() != 2) {
                    throw parts.refused(parts.quoted(Part.HISTORY) + " with " + pair,
                            "Each of its items is a pair of an "
                            + "instruction and its response");
                }
                String mend = "Give both texts of the pair";
                messages.add(Message.user(parts.text(pair.get(0), parts.quoted(Part.HISTORY), mend)));
                messages.add(Message.assistant(parts.text(pair.get(1), parts.quoted(Part.HISTORY), mend)));
            }
        }
        messages.add(Message.user(names.alpaca().text(parts.text(Part.INSTRUCTION), parts.optionalText(Part.INPUT))));
        messages.add(Message.assistant(parts.text(Part.OUTPUT)));
        return withSystem(parts, messages);
    }

    private PreferencePair preference(RecordParts parts, TurnReader turns) {
        JsonNode chosen = parts.needed(Part.CHOSEN);
        JsonNode rejected = parts.needed(Part.REJECTED);
        boolean lists = chosen.isArray();
        if (lists != rejected.isArray()) {
            throw parts.refused(parts.quoted(Part.CHOSEN) + " that is " + RecordParts.kind(chosen) + " and "
                    + parts.quoted(Part.REJECTED) + " that is " + RecordParts.kind(rejected),
                    "Give both as texts or both as turns");
        }
        boolean asked = parts.has(Part.PROMPT);
        if (!lists && !asked) {
            throw parts.refused("a chosen and a rejected text, but no " + parts.quoted(Part.PROMPT),
                    "Say by fields(prompt = ...) where the prompt is");
        }
        PreferenceTurns split;
        if (lists) {
            split = PreferenceTurns.of(asked ? prompt(parts, turns) : null,
                    turns.turns(chosen, parts.field(Part.CHOSEN).toString()),
                    turns.turns(rejected, parts.field(Part.REJECTED).toString()), parts);
        } else {
            split = new PreferenceTurns(prompt(parts, turns), List.of(Message.assistant(parts.text(Part.CHOSEN))),
                    List.of(Message.assistant(parts.text(Part.REJECTED))));
        }
        List<Message> prompt = asked ? split.prompt() : withSystem(parts, split.prompt());
        return new PreferencePair(parts.record().id(), conversation(turns, prompt), split.chosen(), split.rejected(),
                margin(parts), others(parts, RecordFormat.PREFERENCE), provenance(parts));
    }

    private static @Nullable Double margin(RecordParts parts) {
        JsonNode margin = parts.value(Part.MARGIN);
        if (margin == null || margin.isNull()) {
            return null;
        }
        try {
            double value = margin.isNumber() ? margin.asDouble() : Double.parseDouble(margin.asText());
            if (Double.isFinite(value)) {
                return value;
            }
        } catch (NumberFormatException e) {
            // Refused below, like numbers that are not finite.
        }
        throw parts.refused(parts.quoted(Part.MARGIN) + " that is " + margin, "Give a finite number, or leave it out");
    }

    private static boolean label(RecordParts parts) {
        JsonNode label = parts.needed(Part.LABEL);
        if (!isGood(label) && !isBad(label)) {
            throw parts.refused(parts.quoted(Part.LABEL) + " that is " + label, "Give true for a good completion and "
                    + "false for a bad one; if it means something else, say fields(format = "
                    + "RecordFormat.PROMPT_COMPLETION)");
        }
        return isGood(label);
    }

    private static boolean isGood(JsonNode label) {
        return label.asText("").equalsIgnoreCase("true") || label.asText("").equals("1");
    }

    private static boolean isBad(JsonNode label) {
        return label.asText("").equalsIgnoreCase("false") || label.asText("").equals("0");
    }

    private static List<Candidate> candidates(RecordParts parts) {
        String name = parts.field(Part.RESPONSES).toString();
        JsonNode responses = parts.list(parts.needed(Part.RESPONSES), "'" + name + "'",
                "Give a list of texts or of {\"text\", \"source\"} with at least one response");
        List<Candidate> candidates = new ArrayList<>();
        for (JsonNode response : responses) {
            JsonNode text = response.isObject() ? response.path("text") : response;
            candidates.add(new Candidate(parts.text(text, name + "[" + candidates.size() + "]",
                    "Give the response's text, or remove the candidate"), response.path("source").asText("")));
        }
        return candidates;
    }

    private static String answer(RecordParts parts) {
        JsonNode value = parts.needed(Part.ANSWER);
        return value.isNumber() || value.isBoolean() ? value.asText() : parts.text(Part.ANSWER);
    }

    /** The fields that a record of this kind has no use for, as text. */
    private static Map<String, String> others(RecordParts parts, RecordFormat format) {
        Set<Part> used = EnumSet.copyOf(format.needed());
        used.addAll(format.beside());
        return parts.others(used);
    }

    private static Provenance provenance(RecordParts parts) {
        return Provenance.ofId(parts.record().id());
    }

    private static List<Message> joined(List<Message> first, List<Message> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }
}
