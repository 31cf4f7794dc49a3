package org.finetune4j.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The methods of Python's dictionaries and lists that change nothing; the others are refused, as transformers does. */
final class CollectionMethods {
    private static final Set<String> CHANGING_MAP = Set.of("clear", "pop", "popitem", "setdefault", "update");
    private static final Set<String> CHANGING_LIST = Set.of("append", "clear", "extend", "insert", "pop", "remove",
        "reverse", "sort");

    private CollectionMethods() {}

    static @Nullable Callable of(Map<?, ?> map, String name) {
        return switch (name) {
            case "items" -> (scope, arguments) -> {
                arguments.bind(".items()", 0);
                return items(map);
            };
            case "keys" -> (scope, arguments) -> {
                arguments.bind(".keys()", 0);
                return new View("dict_keys", new ArrayList<>(map.keySet()));
            };
            case "values" -> (scope, arguments) -> {
                arguments.bind(".values()", 0);
                return new View("dict_values", new ArrayList<>(map.values()));
            };
            case "get" -> (scope, arguments) -> {
                Object[] values = arguments.bind(".get()", 1, "key", "default");
                Object key = Values.key(scope.run, values[0]);
                return map.containsKey(key) ? map.get(key) : values[1] == Arguments.MISSING ? null : values[1];
            };
            case "copy" -> (scope, arguments) -> {
                map.keySet().forEach(key -> Values.key(scope.run, key));
                return new LinkedHashMap<>(map);
            };
            default -> CHANGING_MAP.contains(name) ? refused(name) : null;
        };
    }

    static View items(Map<?, ?> map) {
        List<@Nullable Object> items = new ArrayList<>();
        map.forEach((key, value) -> {
            List<@Nullable Object> pair = new ArrayList<>(2);
            pair.add(key);
            pair.add(value);
            items.add(new Tuple(pair));
        });
        return new View("dict_items", items);
    }

    static @Nullable Callable of(List<?> list, String name) {
        return switch (name) {
            case "index" -> (scope, arguments) -> {
                Object sought = arguments.bind(".index()", 1, "value")[0];
                for (int i = 0; i < list.size(); i++) {
                    scope.run.step();
                    if (Operators.equal(scope.run, list.get(i), sought)) {
                        return (long) i;
                    }
                }
                throw new EvaluationException("the list does not hold what .index() looks for");
            };
            case "count" -> (scope, arguments) -> {
                Object sought = arguments.bind(".count()", 1, "value")[0];
                return list.stream().filter(item -> {
                    scope.run.step();
                    return Operators.equal(scope.run, item, sought);
                }).count();
            };
            case "copy" -> (scope, arguments) -> new ArrayList<>(list);
            default -> CHANGING_LIST.contains(name) ? refused(name) : null;
        };
    }

    private static Callable refused(String name) {
        return (scope, arguments) -> {
            throw new EvaluationException("templates must not change values, as ." + name + "() does");
        };
    }
}
