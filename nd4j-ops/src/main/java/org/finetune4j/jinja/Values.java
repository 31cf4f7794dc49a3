package org.finetune4j.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What Python's {@code bool}, {@code len}, {@code iter}, {@code str} and {@code repr} say of a value. */
final class Values {
    private Values() {}

    static boolean isTrue(@Nullable Object value) {
        if (value == null || value instanceof Undefined) {
            return false;
        }
        if (value instanceof Boolean truth) {
            return truth;
        }
        if (value instanceof Double number) {
            return number != 0;
        }
        if (value instanceof Long number) {
            return number != 0;
        }
        if (value instanceof BigInteger || value instanceof Namespace || value instanceof Generator
                || value instanceof Callable) {
            return true;
        }
        return value instanceof Loop || weight(value) > 0;
    }

    static int length(@Nullable Object value) {
        Object plain = plain(value);
        if (plain instanceof String text) {
            return Texts.length(text);
        }
        if (plain instanceof List<?> list) {
            return list.size();
        }
        if (plain instanceof Map<?, ?> map) {
            return map.size();
        }
        if (plain instanceof Tuple tuple) {
            return tuple.items().size();
        }
        if (plain instanceof View view) {
            return view.items().size();
        }
        if (plain instanceof Loop loop) {
            return loop.length();
        }
        if (plain instanceof Undefined) {
            return 0;
        }
        throw new EvaluationException("a " + kind(plain) + " has no length");
    }

    /** How many characters or elements a value has, at once and without error; 0 for what has none. */
    static int weight(@Nullable Object value) {
        Object plain = plain(value);
        return plain instanceof String text ? text.length()
            : plain instanceof List || plain instanceof Map || plain instanceof Tuple || plain instanceof View ? length(plain)
            : 0;
    }

    /** A dictionary's key. A tuple is hashed and compared by all that it holds, so that is counted. */
    static @Nullable Object key(Run run, @Nullable Object value) {
        Object plain = plain(value);
        if (!isKey(run, plain)) {
            throw new EvaluationException("a " + kind(plain) + " cannot be a dictionary's key");
        }
        return plain;
    }

    /** Whether Python could hash a value. */
    static boolean isKey(Run run, @Nullable Object value) {
        if (value instanceof Tuple tuple) {
            run.step();
            return tuple.items().stream().allMatch(item -> isKey(run, item));
        }
        return !(value instanceof List || value instanceof Map || value instanceof View);
    }

    /** The elements, which for a dictionary are its keys and for a text its characters. */
    static List<@Nullable Object> elements(@Nullable Object value) {
        Object plain = plain(value);
        if (plain instanceof List<?> list) {
            return new ArrayList<>(list);
        }
        if (plain instanceof Tuple tuple) {
            return tuple.items();
        }
        if (plain instanceof Map<?, ?> map) {
            return new ArrayList<>(map.keySet());
        }
        if (plain instanceof View view) {
            return view.items();
        }
        if (plain instanceof String text) {
            return new ArrayList<>(Texts.characters(text));
        }
        if (plain instanceof Generator generator) {
            return generator.drain();
        }
        if (plain instanceof Undefined) {
            return List.of();
        }
        throw new EvaluationException("a " + kind(plain) + " cannot be gone through");
    }

    static boolean isIterable(@Nullable Object value) {
        return value instanceof List || value instanceof Tuple || value instanceof Map || value instanceof View
            || value instanceof String || value instanceof Markup || value instanceof Generator
            || value instanceof Undefined;
    }

    static @Nullable Object plain(@Nullable Object value) {
        return value instanceof Markup markup ? markup.text() : value;
    }

    /** Python's {@code str}. */
    static String text(Run run, @Nullable Object value) {
        return value instanceof String text ? text : value instanceof Markup markup ? markup.text()
            : value instanceof Undefined ? "" : repr(run, value);
    }

    /** A text as it is, and nothing else. */
    static String requireText(@Nullable Object value, String use) {
        Object plain = plain(value);
        if (plain instanceof String text) {
            return text;
        }
        throw new EvaluationException(use + " needs a text, not a " + kind(plain));
    }

    static int requireInt(@Nullable Object value, String use) {
        if (value instanceof Boolean truth) {
            return truth ? 1 : 0;
        }
        if (value instanceof Long number) {
            return (int) Math.max(Integer.MIN_VALUE, Math.min(Integer.MAX_VALUE, number));
        }
        throw new EvaluationException(use + " needs a whole number, not a " + kind(value));
    }

    static String repr(Run run, @Nullable Object value) {
        StringBuilder text = new StringBuilder();
        repr(run, value, text, 0);
        return text.toString();
    }

    private static void repr(Run run, @Nullable Object value, StringBuilder text, int depth) {
        run.step();
        run.reserve(value instanceof BigInteger big ? big.bitLength() / 3 : value instanceof String || value instanceof Markup
            ? weight(value) : 1);
        if (depth > 100) {
            throw new EvaluationException("a value is nested more than 100 deep");
        }
        if (value == null) {
            text.append("None");
        } else if (value instanceof Boolean truth) {
            text.append(truth ? "True" : "False");
        } else if (value instanceof Double number) {
            text.append(Numbers.text(number));
        } else if (value instanceof String string) {
            text.append(Texts.quoted(string));
        } else if (value instanceof Markup markup) {
            text.append("Markup(").append(Texts.quoted(markup.text())).append(')');
        } else if (value instanceof List<?> list) {
            all(run, list, "[", "]", text, depth);
        } else if (value instanceof Tuple tuple) {
            all(run, tuple.items(), "(", tuple.items().size() == 1 ? ",)" : ")", text, depth);
        } else if (value instanceof View view) {
            all(run, view.items(), view.name() + "([", "])", text, depth);
        } else if (value instanceof Map<?, ?> map) {
            text.append('{');
            String separator = "";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                text.append(separator);
                repr(run, entry.getKey(), text, depth + 1);
                text.append(": ");
                repr(run, entry.getValue(), text, depth + 1);
                separator = ", ";
            }
            text.append('}');
        } else if (value instanceof Namespace namespace) {
            text.append("<Namespace ");
            repr(run, namespace.attributes, text, depth + 1);
            text.append('>');
        } else if (value instanceof Undefined) {
            text.append("Undefined");
        } else if (value instanceof Long || value instanceof BigInteger) {
            text.append(value);
        } else {
            // Python would print an address, which is another one each time.
            throw new EvaluationException("a " + kind(value) + " cannot be printed");
        }
    }

    private static void all(Run run, List<?> items, String begin, String end, StringBuilder text, int depth) {
        text.append(begin);
        for (int i = 0; i < items.size(); i++) {
            text.append(i == 0 ? "" : ", ");
            repr(run, items.get(i), text, depth + 1);
        }
        text.append(end);
    }

    /** What a value is called in messages. */
    static String kind(@Nullable Object value) {
        return value == null ? "none" : value instanceof String || value instanceof Markup ? "text"
            : value instanceof Boolean ? "truth value" : value instanceof Number ? "number"
            : value instanceof List ? "list" : value instanceof Tuple ? "tuple" : value instanceof Map ? "dictionary"
            : value instanceof Generator ? "generator" : value instanceof View ? "view"
            : value instanceof Namespace ? "namespace" : value instanceof Loop ? "loop"
            : value instanceof Callable ? "function" : "value that is missing (" + ((Undefined) value).reason() + ")";
    }
}
