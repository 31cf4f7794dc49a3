package org.finetune4j.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes JSON as Python's {@code json.dumps}, with {@code ensure_ascii} off unless asked, as transformers does. */
final class Json {
    private static final int MAXIMUM_DEPTH = 100;

    private final Run run;
    private final StringBuilder text = new StringBuilder();
    private final @Nullable String indent;
    private final String itemSeparator;
    private final String keySeparator;
    private final boolean ascii;
    private final boolean sorted;

    private Json(Run run, @Nullable String indent, String itemSeparator, String keySeparator, boolean ascii,
            boolean sorted) {
        this.run = run;
        this.indent = indent;
        this.itemSeparator = itemSeparator;
        this.keySeparator = keySeparator;
        this.ascii = ascii;
        this.sorted = sorted;
    }

    static String write(Run run, @Nullable Object value, Arguments arguments) {
        Object[] options = arguments.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        boolean indented = options[1] != Arguments.MISSING && options[1] != null;
        String indent = !indented ? null : options[1] instanceof String text ? text
            : " ".repeat(Math.max(0, Math.min(100, Values.requireInt(options[1], "tojson's indent"))));
        String[] separators = {indented ? "," : ", ", ": "};
        if (options[2] != Arguments.MISSING && options[2] != null) {
            List<@Nullable Object> given = Values.elements(options[2]);
            if (given.size() != 2) {
                throw new EvaluationException("tojson needs two separators");
            }
            separators[0] = Values.requireText(given.get(0), "tojson");
            separators[1] = Values.requireText(given.get(1), "tojson");
        }
        Json json = new Json(run, indent, separators[0], separators[1],
            options[0] != Arguments.MISSING && Values.isTrue(options[0]),
            options[3] != Arguments.MISSING && Values.isTrue(options[3]));
        json.value(value, 0);
        return json.text.toString();
    }

    private void value(@Nullable Object value, int depth) {
        run.step();
        if (depth > MAXIMUM_DEPTH) {
            throw new EvaluationException("tojson has a value that is nested more than " + MAXIMUM_DEPTH + " deep");
        }
        Object plain = Values.plain(value);
        if (plain == null) {
            text.append("null");
        } else if (plain instanceof Boolean || plain instanceof Long || plain instanceof BigInteger) {
            text.append(plain);
        } else if (plain instanceof Double number) {
            text.append(number(number));
        } else if (plain instanceof String string) {
            string(string);
        } else if (plain instanceof Map<?, ?> map) {
            map(map, depth);
        } else if (plain instanceof List || plain instanceof Tuple) {
            list(Values.elements(plain), depth);
        } else {
            throw new EvaluationException("tojson cannot write a " + Values.kind(plain));
        }
    }

    private static String number(double number) {
        return Double.isNaN(number) ? "NaN" : Double.isInfinite(number) ? (number > 0 ? "Infinity" : "-Infinity")
            : Numbers.text(number);
    }

    private void list(List<?> items, int depth) {
        text.append('[');
        for (int i = 0; i < items.size(); i++) {
            text.append(i == 0 ? "" : itemSeparator);
            line(depth + 1);
            value(items.get(i), depth + 1);
        }
        if (!items.isEmpty()) {
            line(depth);
        }
        text.append(']');
    }

    private void map(Map<?, ?> map, int depth) {
        List<Map.Entry<?, ?>> entries = new ArrayList<>(map.entrySet());
        if (sorted) {
            entries.sort(Comparator.comparing(Map.Entry::getKey, Operators.order(run)));
        }
        text.append('{');
        for (int i = 0; i < entries.size(); i++) {
            text.append(i == 0 ? "" : itemSeparator);
            line(depth + 1);
            Object key = entries.get(i).getKey();
            string(key == null ? "null" : key instanceof Double number ? number(number)
                : key instanceof Boolean ? key.toString() : Values.text(run, key));
            text.append(keySeparator);
            value(entries.get(i).getValue(), depth + 1);
        }
        if (!entries.isEmpty()) {
            line(depth);
        }
        text.append('}');
    }

    private void line(int depth) {
        if (indent != null) {
            run.reserve(1 + (long) depth * indent.length());
            text.append('\n').append(indent.repeat(depth));
        }
    }

    private void string(String string) {
        run.reserve(string.length());
        text.append('"');
        for (int i = 0; i < string.length(); i++) {
            char character = string.charAt(i);
            int simple = "\"\\\n\r\t\b\f".indexOf(character);
            if (simple >= 0) {
                text.append('\\').append("\"\\nrtbf".charAt(simple));
            } else if (character < 0x20 || ascii && character > 0x7e) {
                text.append(String.format("\\u%04x", (int) character));
            } else {
                text.append(character);
            }
        }
        text.append('"');
    }
}
