package org.finetune4j.methods.data.tool;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigDecimal;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.finetune4j.tokenizer.JsonText;
import org.finetune4j.tokenizer.ToolCall;
import org.jspecify.annotations.Nullable;

/**
 * Reads a call as it is written in Python, such as {@code search(query='old maps', limit=3)}: a name and arguments with
 * names, whose values are texts in either quotes, numbers, truth values, nothing, lists and dictionaries of these.
 */
final class CallText {
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_.]*");
    private static final Pattern NUMBER = Pattern.compile("[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d{1,3})?");
    private static final int DEEPEST = 32;
    private static final JsonNodeFactory NODES = JsonNodeFactory.instance;

    private final String text;
    private int at;

    private CallText(String text) {
        this.text = text;
    }

    /** The call, or null where the text is none. */
    static @Nullable ToolCall parse(String text) {
        CallText call = new CallText(text.strip());
        String name = call.take(NAME);
        if (name == null || !call.next('(')) {
            return null;
        }
        ObjectNode arguments = NODES.objectNode();
        if (!call.next(')')) {
            do {
                String argument = call.take(NAME);
                JsonNode value = argument == null || !call.next('=') ? null : call.value(0);
                if (value == null || arguments.has(argument)) {
                    return null;
                }
                arguments.set(argument, value);
            } while (call.next(','));
            if (!call.next(')')) {
                return null;
            }
        }
        return call.at == call.text.length() ? new ToolCall(name, JsonText.of(arguments), null) : null;
    }

    private @Nullable JsonNode value(int depth) {
        blanks();
        if (depth > DEEPEST || at == text.length()) {
            return null;
        }
        char first = text.charAt(at);
        if (first == '\'' || first == '"') {
            return quoted(first);
        }
        if (next('[')) {
            ArrayNode list = NODES.arrayNode();
            while (!next(']')) {
                JsonNode item = value(depth + 1);
                if (item == null || !next(',') && !ends(']')) {
                    return null;
                }
                list.add(item);
            }
            return list;
        }
        return next('{') ? dictionary(depth) : plain();
    }

    private @Nullable JsonNode dictionary(int depth) {
        ObjectNode dictionary = NODES.objectNode();
        while (!next('}')) {
            JsonNode key = value(depth + 1);
            JsonNode value = key == null || !key.isTextual() || !next(':') ? null : value(depth + 1);
            if (value == null || !next(',') && !ends('}')) {
                return null;
            }
            dictionary.set(key.asText(), value);
        }
        return dictionary;
    }

    private @Nullable JsonNode plain() {
        String number = take(NUMBER);
        if (number != null) {
            return NODES.numberNode(new BigDecimal(number).stripTrailingZeros());
        }
        String word = take(NAME);
        return word == null ? null : switch (word) {
            case "True", "true" -> NODES.booleanNode(true);
            case "False", "false" -> NODES.booleanNode(false);
            case "None", "null" -> NODES.nullNode();
            default -> null;
        };
    }

    private @Nullable JsonNode quoted(char quote) {
        StringBuilder value = new StringBuilder();
        for (at++; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == quote) {
                at++;
                return NODES.textNode(value.toString());
            }
            if (c == '\\' && at + 1 < text.length()) {
                char escaped = text.charAt(++at);
                value.append(escaped == 'n' ? "\n" : escaped == 't' ? "\t"
                        : escaped == '\\' || escaped == '\'' || escaped == '"' ? String.valueOf(escaped) : "\\"
                        + escaped);
            } else {
                value.append(c);
            }
        }
        return null;
    }

    private @Nullable String take(Pattern pattern) {
        blanks();
        Matcher matcher = pattern.matcher(text).region(at, text.length());
        if (!matcher.lookingAt()) {
            return null;
        }
        at = matcher.end();
        return matcher.group();
    }

    private boolean next(char wanted) {
        boolean is = ends(wanted);
        at += is ? 1 : 0;
        return is;
    }

    private boolean ends(char wanted) {
        blanks();
        return at < text.length() && text.charAt(at) == wanted;
    }

    private void blanks() {
        while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
            at++;
        }
    }
}
