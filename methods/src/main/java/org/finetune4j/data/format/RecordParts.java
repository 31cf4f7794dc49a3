package org.finetune4j.data.format;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.read.RawRecord;
import org.finetune4j.methods.Nearest;
import org.jspecify.annotations.Nullable;

/** The parts of one record, found by their names; what is wrong with one is told with its place. */
final class RecordParts {
    private final RawRecord record;
    private final Map<Part, FieldText> fields;
    private final FieldMapping names;

    RecordParts(RawRecord record, FieldMapping names, Map<Part, FieldText> fields) {
        this.record = record;
        this.fields = fields;
        this.names = names;
    }

    RawRecord record() {
        return record;
    }

    FieldMapping names() {
        return names;
    }

    /** The parts that are there and not null. */
    Set<Part> present() {
        Set<Part> present = EnumSet.noneOf(Part.class);
        for (Part part : Part.values()) {
            if (has(part)) {
                present.add(part);
            }
        }
        return present;
    }

    boolean has(Part part) {
        JsonNode value = value(part);
        return value != null && !value.isNull();
    }

    /** The value of a part, which may be null inside JSON, or null where there is none. */
    @Nullable JsonNode value(Part part) {
        return names.offers(part) ? field(part).in(record.fields()) : null;
    }

    /** The value of a part that must be there. */
    JsonNode needed(Part part) {
        JsonNode value = value(part);
        if (value == null) {
            throw refused("no " + quoted(part) + ", but the fields " + fieldNames(), missingMend(part));
        }
        return value;
    }

    /** A text that is not blank. */
    String text(Part part) {
        return text(needed(part), quoted(part), "Give a text that is not empty, or remove the record");
    }

    /** A text that may be missing, null or empty, which all give an empty text. */
    String optionalText(Part part) {
        JsonNode value = value(part);
        if (value == null || value.isNull()) {
            return "";
        }
        if (!value.isTextual()) {
            throw refused(quoted(part) + " that is " + kind(value), "Give a text, or leave it out");
        }
        return value.asText();
    }

    String text(JsonNode value, String place, String mend) {
        if (!value.isTextual() || value.asText().isBlank()) {
            throw refused(place + " that is " + kind(value), mend);
        }
        return value.asText();
    }

    /** The part's field as messages name it. */
    String quoted(Part part) {
        return "'" + field(part) + "'";
    }

    FieldText field(Part part) {
        FieldText field = fields.get(part);
        if (field == null) {
            throw new IllegalStateException("no field for " + part);
        }
        return field;
    }

    /** What the fields of the record are called. */
    String fieldNames() {
        return names(record.fields()).toString();
    }

    /** What resembles a field that is not there. */
    String missingMend(Part part) {
        List<String> known = names(record.fields());
        String near = "";
        for (String wanted : field(part).fields()) {
            if (near.isEmpty() && FieldText.find(record.fields(), wanted) == null) {
                near = Nearest.proposal(wanted, known);
            }
        }
        return "Correct the record, or say by fields(...) where the part is." + near;
    }

    /** Everything that is no part of what a record of this format holds, as text. */
    Map<String, String> others(Set<Part> used) {
        Set<String> taken = new HashSet<>();
        used.forEach(part -> taken.addAll(field(part).fields()));
        Map<String, String> others = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : record.fields().properties()) {
            JsonNode value = entry.getValue();
            if (!taken.contains(entry.getKey()) && !value.isNull()) {
                others.put(entry.getKey(), value.isValueNode() ? value.asText() : value.toString());
            }
        }
        return others;
    }

    /** The list that a part holds, also where a table holds it as the text of a JSON array. */
    JsonNode list(JsonNode value, String place, String mend) {
        JsonNode list = value;
        if (value.isTextual() && value.asText().strip().startsWith("[")) {
            list = JsonTexts.parse(this, value.asText(), place);
        }
        if (!list.isArray() || list.isEmpty()) {
            throw refused(place + " that is " + kind(list), mend);
        }
        return list;
    }

    static String kind(JsonNode node) {
        return switch (node.getNodeType()) {
            case STRING -> node.asText().isBlank() ? "empty" : "a text";
            case NULL -> "null";
            case MISSING -> "missing";
            case ARRAY -> node.isEmpty() ? "an empty list" : "a list";
            case OBJECT -> "an object";
            default -> node.toString();
        };
    }

    FinetuneException refused(String found, String mend) {
        return new FinetuneException(record.place() + " has " + found + ". " + mend + (mend.endsWith("?") ? "" : "."));
    }

    private static List<String> names(ObjectNode node) {
        List<String> names = new ArrayList<>();
        node.fieldNames().forEachRemaining(names::add);
        return names;
    }
}
