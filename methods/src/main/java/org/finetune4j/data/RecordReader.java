package org.finetune4j.data;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/** Makes a sample of one record, whose shape its field names tell. */
final class RecordReader {
    private static final Set<String> ROLES = Set.of("system", "user", "assistant", "tool");

    private final Path file;
    private final int line;
    private final FieldMapping names;

    RecordReader(Path file, int line, FieldMapping names) {
        this.file = file;
        this.line = line;
        this.names = names;
    }

    Sample sample(ObjectNode record) {
        String id = file.getFileName() + ":" + line;
        boolean prompt = record.has(names.prompt());
        boolean conversation = record.has(names.messages());
        boolean document = record.has(names.text());
        if ((prompt ? 1 : 0) + (conversation ? 1 : 0) + (document ? 1 : 0) != 1) {
            throw refused("the fields " + fieldNames(record)
                    + (prompt || conversation || document ? ", which tell of more than one shape" : ", of no known shape"),
                    "Give exactly one of '" + names.prompt() + "' (with '" + names.response() + "' or '"
                            + names.responses() + "'), '" + names.messages() + "' or '" + names.text()
                            + "', or map other field names");
        }
        if (document) {
            return Sample.document(id, text(record, names.text()));
        }
        List<Message> messages = conversation ? conversation(record) : promptAndResponse(record);
        List<Candidate> candidates = candidates(record);
        String answer = record.has(names.answer()) ? answer(record) : null;
        boolean answered = messages.get(messages.size() - 1).role().equals("assistant");
        if (answered && !candidates.isEmpty()) {
            throw refused("both a response and the candidates '" + names.responses() + "'",
                    "Keep one of them: candidates are for a selector to choose from");
        }
        if (!answered && candidates.isEmpty() && answer == null) {
            throw refused("no response", "Add '" + names.response() + "', an assistant turn, or '" + names.responses()
                    + "'; for evaluation alone '" + names.answer() + "' is enough");
        }
        return new Sample(id, messages, candidates, answer, otherFields(record));
    }

    private List<Message> promptAndResponse(ObjectNode record) {
        List<Message> messages = new ArrayList<>();
        if (record.has(names.system())) {
            messages.add(new Message("system", text(record, names.system())));
        }
        messages.add(new Message("user", text(record, names.prompt())));
        if (record.has(names.response())) {
            messages.add(new Message("assistant", text(record, names.response())));
        }
        return messages;
    }

    private List<Message> conversation(ObjectNode record) {
        JsonNode turns = record.get(names.messages());
        if (!turns.isArray() || turns.isEmpty()) {
            throw refused("'" + names.messages() + "' that is " + kind(turns),
                    "Give a list of {\"role\", \"content\"} with at least one turn");
        }
        List<Message> messages = new ArrayList<>();
        for (JsonNode turn : turns) {
            String place = names.messages() + "[" + messages.size() + "]";
            String role = turn.path("role").asText("");
            JsonNode content = turn.path("content");
            if (!ROLES.contains(role)) {
                throw refused(place + " with the role '" + role + "'", "Roles are system, user, assistant and tool");
            }
            if (!content.isTextual() || role.equals("assistant") && content.asText().isBlank()) {
                throw refused(place + ".content that is " + kind(content),
                        "Give the turn's text; an assistant's turn must not be empty");
            }
            messages.add(new Message(role, content.asText()));
        }
        return messages;
    }

    private List<Candidate> candidates(ObjectNode record) {
        JsonNode responses = record.get(names.responses());
        if (responses == null) {
            return List.of();
        }
        if (!responses.isArray() || responses.isEmpty()) {
            throw refused("'" + names.responses() + "' that is " + kind(responses),
                    "Give a list of texts or of {\"text\", \"source\"} with at least one response");
        }
        List<Candidate> candidates = new ArrayList<>();
        for (JsonNode response : responses) {
            String place = names.responses() + "[" + candidates.size() + "]";
            JsonNode text = response.isObject() ? response.path("text") : response;
            if (!text.isTextual() || text.asText().isBlank()) {
                throw refused(place + " that is " + kind(text), "Give the response's text, or remove the candidate");
            }
            candidates.add(new Candidate(text.asText(), response.path("source").asText("")));
        }
        return candidates;
    }

    private String text(ObjectNode record, String name) {
        JsonNode value = record.get(name);
        if (!value.isTextual() || value.asText().isBlank()) {
            throw refused("'" + name + "' that is " + kind(value), "Give a text that is not empty, or remove the line");
        }
        return value.asText();
    }

    private @Nullable String answer(ObjectNode record) {
        JsonNode value = record.get(names.answer());
        if (value.isNumber() || value.isBoolean()) {
            return value.asText();
        }
        return text(record, names.answer());
    }

    private Map<String, String> otherFields(ObjectNode record) {
        Set<String> known = Set.of(names.prompt(), names.response(), names.system(), names.messages(),
                names.responses(), names.answer(), names.text());
        Map<String, String> fields = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> field : record.properties()) {
            if (!known.contains(field.getKey())) {
                fields.put(field.getKey(), field.getValue().isValueNode() ? field.getValue().asText()
                        : field.getValue().toString());
            }
        }
        return fields;
    }

    private static String fieldNames(ObjectNode record) {
        List<String> found = new ArrayList<>();
        record.fieldNames().forEachRemaining(found::add);
        return found.toString();
    }

    private static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case STRING -> "empty";
            case NULL -> "null";
            case MISSING -> "missing";
            case ARRAY -> node.isEmpty() ? "an empty list" : "a list";
            case OBJECT -> "an object";
            default -> node.toString();
        };
    }

    private FinetuneException refused(String found, String mend) {
        return new FinetuneException(file + ":" + line + " has " + found + ". " + mend + ".");
    }
}
