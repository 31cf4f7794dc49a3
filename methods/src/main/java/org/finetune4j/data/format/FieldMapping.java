package org.finetune4j.data.format;

import java.util.Collections;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;

/**
 * Under which names a record keeps its parts, and what kind of record it is. A part whose usual name is given to
 * another part is not looked for.
 *
 * @param named  the fields of parts that do not bear their usual names: a name, a path such as {@code meta.source}, or
 *               a text with fields in it such as <code>{title}\n{body}</code>
 * @param format what kind the records are, or null to tell it by the fields of each
 * @param alpaca how Alpaca's instruction becomes the user's turn
 */
public record FieldMapping(Map<Part, String> named, @Nullable RecordFormat format, AlpacaPrompt alpaca) {
    /**
     * Keeps a copy.
     *
     * @throws FinetuneException when two parts have one field, or a text cannot be understood
     */
    public FieldMapping {
        named = named.isEmpty() ? Map.of() : Collections.unmodifiableMap(new EnumMap<>(named));
        Set<String> names = new HashSet<>();
        for (String field : named.values()) {
            if (FieldText.of(field).isField() && !names.add(field)) {
                throw new FinetuneException("fields(...): '" + field + "' names two parts. Give every part its own "
                        + "field.");
            }
        }
    }

    /** The usual names. */
    public static FieldMapping standard() {
        return new FieldMapping(Map.of(), null, AlpacaPrompt.PUBLISHED);
    }

    /** These names with another one for a part. */
    public FieldMapping with(Part part, String field) {
        Map<Part, String> more = new EnumMap<>(Part.class);
        more.putAll(named);
        more.put(part, field);
        return new FieldMapping(more, format, alpaca);
    }

    /** These names for records of one kind. */
    public FieldMapping as(RecordFormat only) {
        return new FieldMapping(named, only, alpaca);
    }

    /** A text that is the same for every record, as a part's field. */
    public static String constant(String text) {
        return FieldText.constant(text);
    }

    FieldText field(Part part) {
        return FieldText.of(named.getOrDefault(part, part.usual()));
    }

    /** Whether a record may have the part: its usual name is not given to another one. */
    boolean offers(Part part) {
        return isNamed(part) || !named.containsValue(part.usual());
    }

    boolean isNamed(Part part) {
        return named.containsKey(part);
    }
}
