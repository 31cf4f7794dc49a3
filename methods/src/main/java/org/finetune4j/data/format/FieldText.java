package org.finetune4j.data.format;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;

/**
 * Where a part of a record is found: a field ({@code question}), a field inside another one ({@code meta.source},
 * {@code turns.0.text}), or a text with fields in it (<code>{title}\n{body}</code>). In such a text two braces stand
 * for one, and <code>{}</code> for nothing, with which a text without any field begins.
 */
final class FieldText {
    private final String written;
    /** Texts and field names in turn, beginning with a text; null for a plain field. */
    private final @Nullable List<String> pieces;

    private FieldText(String written, @Nullable List<String> pieces) {
        this.written = written;
        this.pieces = pieces;
    }

    /**
     * Understands what is written in a recipe.
     *
     * @throws FinetuneException when it is blank, or a brace is not closed
     */
    static FieldText of(String written) {
        if (written.isBlank()) {
            throw new FinetuneException("fields(...): a field has an empty name. Give it one.");
        }
        return new FieldText(written, written.contains("{") || written.contains("}") ? pieces(written) : null);
    }

    /** A text that is the same for every record. */
    static String constant(String text) {
        return "{}" + text.replace("{", "{{").replace("}", "}}");
    }

    private static List<String> pieces(String written) {
        List<String> pieces = new ArrayList<>();
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < written.length(); i++) {
            char c = written.charAt(i);
            boolean doubled = i + 1 < written.length() && written.charAt(i + 1) == c;
            if ((c == '{' || c == '}') && doubled) {
                text.append(c);
                i++;
            } else if (c == '{') {
                int end = written.indexOf('}', i);
                if (end < 0) {
                    throw new FinetuneException("fields(...): the text " + written + " opens a brace that it does "
                            + "not close. Write {field}, or {{ for a brace.");
                }
                pieces.add(text.toString());
                pieces.add(written.substring(i + 1, end).strip());
                text.setLength(0);
                i = end;
            } else if (c == '}') {
                throw new FinetuneException("fields(...): the text " + written + " closes a brace that it did not "
                        + "open. Write {field}, or }} for a brace.");
            } else {
                text.append(c);
            }
        }
        pieces.add(text.toString());
        return pieces;
    }

    /** Whether this is one field and no text around it. */
    boolean isField() {
        return pieces == null;
    }

    /** The fields that it needs. */
    List<String> fields() {
        if (pieces == null) {
            return List.of(written);
        }
        List<String> fields = new ArrayList<>();
        for (int i = 1; i < pieces.size(); i += 2) {
            if (!pieces.get(i).isEmpty()) {
                fields.add(pieces.get(i));
            }
        }
        return fields;
    }

    /** The value in a record; null where the record lacks one of its fields. */
    @Nullable JsonNode in(ObjectNode record) {
        if (pieces == null) {
            return find(record, written);
        }
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < pieces.size(); i++) {
            String piece = pieces.get(i);
            if (i % 2 == 0) {
                text.append(piece);
            } else if (!piece.isEmpty()) {
                JsonNode value = find(record, piece);
                if (value == null) {
                    return null;
                }
                text.append(value.isNull() ? "" : value.isValueNode() ? value.asText() : value.toString());
            }
        }
        return TextNode.valueOf(text.toString());
    }

    /** The field of this name, or else what lies behind its parts between dots. */
    static @Nullable JsonNode find(JsonNode record, String path) {
        JsonNode whole = record.get(path);
        if (whole != null) {
            return whole;
        }
        for (int dot = path.indexOf('.'); dot > 0; dot = path.indexOf('.', dot + 1)) {
            String first = path.substring(0, dot);
            JsonNode inside = record.isArray() && first.matches("\\d{1,9}") ? record.get(Integer.parseInt(first))
                    : record.get(first);
            JsonNode found = inside == null ? null : find(inside, path.substring(dot + 1));
            if (found != null) {
                return found;
            }
        }
        return record.isArray() && path.matches("\\d{1,9}") ? record.get(Integer.parseInt(path)) : null;
    }

    @Override
    public String toString() {
        return written;
    }
}
