package org.finetune4j.methods;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.jspecify.annotations.Nullable;

/** The settings of a fragment by name, read with defaults; every name that nobody read is refused. */
public final class Settings {
    private static final String METHOD = "method";

    private final Map<String, ?> values;
    private final Set<String> read = new LinkedHashSet<>();

    /** Settings with these values: those that {@link Fragment#settings} may have, and maps in the place of fragments. */
    public Settings(Map<String, ?> values) {
        this.values = Map.copyOf(values);
    }

    /** The components of a fragment by name, whole numbers as Long and real ones as Double. */
    static Map<String, Object> of(Record fragment) {
        Map<String, Object> settings = new LinkedHashMap<>();
        for (RecordComponent component : fragment.getClass().getRecordComponents()) {
            try {
                Object value = component.getAccessor().invoke(fragment);
                settings.put(component.getName(), value instanceof Integer whole ? Long.valueOf(whole) : value);
            } catch (ReflectiveOperationException impossible) {
                throw new IllegalStateException(fragment.getClass() + " must be a public record", impossible);
            }
        }
        return settings;
    }

    /**
     * Refuses a setting that is out of range.
     *
     * @param valid the valid range in words, such as {@code a finite number of at least 0}
     * @throws FinetuneException unless {@code holds}
     */
    public static void require(boolean holds, String method, String name, Object value, String valid) {
        if (!holds) {
            throw new FinetuneException(method + ": setting '" + name + "' is " + value + ", but must be " + valid
                    + ".");
        }
    }

    /** A real number, or the default. */
    public double number(String name, double otherwise) {
        Object value = take(name);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Number number) {
            return number.doubleValue();
        }
        throw wrong(name, value, "a number");
    }

    /** A whole number within the range of int, or the default. */
    public int whole(String name, int otherwise) {
        long whole = whole(name, (long) otherwise);
        if (whole != (int) whole) {
            throw wrong(name, whole, "a whole number of at most " + Integer.MAX_VALUE);
        }
        return (int) whole;
    }

    /** A whole number, or the default. */
    public long whole(String name, long otherwise) {
        Object value = take(name);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Number number && number.doubleValue() == number.longValue()) {
            return number.longValue();
        }
        throw wrong(name, value, "a whole number");
    }

    /** Yes or no, or the default. */
    public boolean flag(String name, boolean otherwise) {
        Object value = take(name);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof Boolean flag) {
            return flag;
        }
        throw wrong(name, value, "true or false");
    }

    /** A text, or the default. */
    public String text(String name, String otherwise) {
        Object value = take(name);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof String text) {
            return text;
        }
        throw wrong(name, value, "a text");
    }

    /** A list of texts, or the default. */
    public List<String> texts(String name, List<String> otherwise) {
        Object value = take(name);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof List<?> list && list.stream().allMatch(String.class::isInstance)) {
            List<String> texts = new ArrayList<>();
            list.forEach(item -> texts.add((String) item));
            return List.copyOf(texts);
        }
        throw wrong(name, value, "a list of texts");
    }

    /** A list of whole numbers, or the default. */
    public List<Integer> wholes(String name, List<Integer> otherwise) {
        Object value = take(name);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof List<?> list && list.stream().allMatch(item -> item instanceof Number number
                && number.doubleValue() == number.intValue())) {
            return list.stream().map(item -> ((Number) item).intValue()).toList();
        }
        throw wrong(name, value, "a list of whole numbers");
    }

    /** One constant of an enum, given as the constant or by its name in any case, or the default. */
    public <E extends Enum<E>> E choice(String name, E otherwise) {
        Object value = take(name);
        if (value == null) {
            return otherwise;
        }
        for (E constant : otherwise.getDeclaringClass().getEnumConstants()) {
            if (constant == value || constant.name().equals(value.toString().toUpperCase(Locale.ROOT))) {
                return constant;
            }
        }
        throw wrong(name, value, "one of " + Arrays.toString(otherwise.getDeclaringClass().getEnumConstants()));
    }

    /**
     * A fragment of this kind, given as such or as the name of its method under {@code method} with its settings, or the
     * default.
     */
    public <F extends Fragment> F fragment(String name, Method.Kind kind, Class<F> type, F otherwise) {
        Object value = take(name);
        if (value == null) {
            return otherwise;
        }
        if (type.isInstance(value)) {
            return type.cast(value);
        }
        String wanted = "one of " + Methods.all().stream().filter(method -> method.kind() == kind
                && type.isInstance(method.create(new Settings(Map.of())))).map(Method::name).toList()
                + " with its \"method\" and settings";
        if (!(value instanceof Map<?, ?> parts) || !(parts.get(METHOD) instanceof String method)) {
            throw wrong(name, value, wanted);
        }
        Map<String, Object> settings = new LinkedHashMap<>();
        parts.forEach((setting, given) -> settings.put(String.valueOf(setting), given));
        settings.remove(METHOD);
        Fragment made = Methods.named(kind, method).create(new Settings(settings));
        if (!type.isInstance(made)) {
            throw wrong(name, value, wanted);
        }
        return type.cast(made);
    }

    /** Where samples come from, or the default. */
    public DataSource source(String name, DataSource otherwise) {
        Object value = take(name);
        if (value == null) {
            return otherwise;
        }
        if (value instanceof DataSource source) {
            return source;
        }
        throw wrong(name, value, "a source of samples");
    }

    void refuseUnread(String method) {
        for (String name : values.keySet()) {
            if (!read.contains(name)) {
                throw new FinetuneException(method + " has no setting '" + name + "'; it has "
                        + (read.isEmpty() ? "none" : String.join(", ", read)) + "."
                        + Nearest.proposal(name, read) + " Remove it or correct its name.");
            }
        }
    }

    private @Nullable Object take(String name) {
        read.add(name);
        return values.get(name);
    }

    private static FinetuneException wrong(String name, Object value, String wanted) {
        return new FinetuneException("setting '" + name + "' is " + value + ", but must be " + wanted + ".");
    }
}
