package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What {@code a.b}, {@code a[b]} and {@code a[b:c]} reach: keys, indices and a closed list of methods. */
final class Attributes {
    private Attributes() {}

    static @Nullable Object attribute(@Nullable Object target, String name) {
        if (target instanceof Undefined undefined) {
            throw undefined.failure();
        }
        Object own = own(target, name);
        if (own != Arguments.MISSING) {
            return own;
        }
        return target instanceof Map<?, ?> map && map.containsKey(name) ? map.get(name) : missing(target, name);
    }

    static @Nullable Object item(Run run, @Nullable Object target, @Nullable Object index) {
        Object plain = Values.plain(target);
        if (plain instanceof Undefined undefined) {
            throw undefined.failure();
        }
        Object key = Values.plain(index);
        if (plain instanceof Map<?, ?> map) {
            if (Values.isKey(run, key) && map.containsKey(key)) {
                return map.get(key);
            }
        } else if (Numbers.isWhole(key) && (plain instanceof List || plain instanceof Tuple || plain instanceof String)) {
            run.reserve(plain instanceof String text ? text.length() : 1);
            int length = Values.length(plain);
            long at = Numbers.whole(key).longValue();
            at += at < 0 ? length : 0;
            if (at < 0 || at >= length) {
                return missing(target, Values.text(run, key));
            }
            return plain instanceof String text ? Texts.at(text, (int) at)
                : (plain instanceof Tuple tuple ? tuple.items() : (List<?>) plain).get((int) at);
        }
        Object own = key instanceof String name ? own(target, name) : Arguments.MISSING;
        return own == Arguments.MISSING ? missing(target, Values.text(run, key)) : own;
    }

    /** Methods and properties, or {@link Arguments#MISSING}. */
    private static @Nullable Object own(@Nullable Object target, String name) {
        if (target instanceof Namespace namespace) {
            return namespace.attributes.getOrDefault(name, Arguments.MISSING);
        }
        if (target instanceof Loop loop) {
            return loop.attribute(name);
        }
        Object plain = Values.plain(target);
        Callable method = plain instanceof String text ? TextMethods.of(text, name)
            : plain instanceof Map<?, ?> map ? CollectionMethods.of(map, name)
            : plain instanceof List<?> list ? CollectionMethods.of(list, name)
            : plain instanceof Tuple tuple ? CollectionMethods.of(tuple.items(), name) : null;
        return method == null ? Arguments.MISSING : (Callable) (scope, arguments) -> {
            scope.run.reserve(Values.weight(plain));
            return method.call(scope, arguments);
        };
    }

    private static Undefined missing(@Nullable Object target, String name) {
        return new Undefined("a " + Values.kind(target) + " has no '" + name + "'");
    }

    static Object slice(Run run, @Nullable Object target, @Nullable Object start, @Nullable Object stop,
            @Nullable Object step) {
        Object plain = Values.plain(target);
        if (plain instanceof Undefined undefined) {
            throw undefined.failure();
        }
        if (!(plain instanceof String || plain instanceof List || plain instanceof Tuple)) {
            throw new EvaluationException("a " + Values.kind(plain) + " cannot be sliced");
        }
        run.reserve(Values.weight(plain));
        int length = Values.length(plain);
        int by = step == null ? 1 : Values.requireInt(step, "a slice's step");
        if (by == 0) {
            throw new EvaluationException("a slice's step is 0");
        }
        int from = start == null ? (by > 0 ? 0 : length - 1) : bound(start, length, by);
        int to = stop == null ? (by > 0 ? length : -1) : bound(stop, length, by);
        if (plain instanceof String text && by == 1) {
            int begin = text.offsetByCodePoints(0, from);
            return from >= to ? "" : text.substring(begin, text.offsetByCodePoints(begin, to - from));
        }
        List<@Nullable Object> all = Values.elements(plain);
        List<@Nullable Object> some = new ArrayList<>();
        for (long at = from; by > 0 ? at < to : at > to; at += by) {
            some.add(all.get((int) at));
        }
        return plain instanceof String ? String.join("", some.stream().map(String::valueOf).toList())
            : plain instanceof Tuple ? new Tuple(some) : some;
    }

    private static int bound(Object index, int length, int step) {
        long at = Values.requireInt(index, "a slice");
        at += at < 0 ? length : 0;
        return (int) Math.max(step > 0 ? 0 : -1, Math.min(step > 0 ? length : length - 1, at));
    }
}
