package org.finetune4j.jinja;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a call hands over.
 *
 * @param positional in order
 * @param named by name
 */
record Arguments(List<@Nullable Object> positional, Map<String, @Nullable Object> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());
    /** Stands for an argument that was not given. */
    static final Object MISSING = new Object();

    /**
     * Returns the arguments in the order of the names, {@link #MISSING} where one is not given.
     *
     * @throws EvaluationException if there are too many, an unknown one, or fewer than required
     */
    @Nullable Object[] bind(String function, int required, String... names) {
        @Nullable Object[] values = new Object[names.length];
        Arrays.fill(values, MISSING);
        if (positional.size() > names.length) {
            throw new EvaluationException(function + " takes at most " + names.length + " arguments, not "
                + positional.size());
        }
        for (int i = 0; i < positional.size(); i++) {
            values[i] = positional.get(i);
        }
        Map<String, @Nullable Object> rest = new LinkedHashMap<>(named);
        for (int i = 0; i < names.length; i++) {
            if (rest.containsKey(names[i])) {
                values[i] = rest.remove(names[i]);
            }
            if (i < required && values[i] == MISSING) {
                throw new EvaluationException(function + " lacks the argument '" + names[i] + "'");
            }
        }
        if (!rest.isEmpty()) {
            throw new EvaluationException(function + " knows no argument " + rest.keySet());
        }
        return values;
    }

    /** Returns the arguments behind the first ones. */
    Arguments from(int start) {
        return new Arguments(positional.subList(Math.min(start, positional.size()), positional.size()), named);
    }
}
