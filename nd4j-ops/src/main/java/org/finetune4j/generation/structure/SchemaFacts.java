package org.finetune4j.generation.structure;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What can be told of schemas by reading them: their types and values, and whether two exclude each other. */
final class SchemaFacts {
    static final Set<String> ALL_TYPES = new TreeSet<>(Set.of("array", "boolean", "integer", "null", "number", "object",
            "string"));
    private static final int MOST_DEPTH = 16;

    private SchemaFacts() {
    }

    /** The schema that a reference within the document leads to, or null. */
    static @Nullable JsonNode target(JsonNode root, String reference) {
        if (!reference.equals("#") && !reference.startsWith("#/")) {
            return null;
        }
        try {
            JsonNode target = root.at(reference.substring(1));
            return target.isMissingNode() ? null : target;
        } catch (IllegalArgumentException e) {
            return null;
        }
    }

    /** The types that a schema stands for; empty for every one. */
    static Set<String> types(JsonNode schema) {
        Set<String> types = new LinkedHashSet<>();
        JsonNode given = schema.get("type");
        if (given != null && given.isArray()) {
            given.forEach(type -> types.add(type.asText()));
        } else if (given != null) {
            types.add(given.asText());
        } else {
            addIf(types, "object", schema, "properties", "required", "additionalProperties", "minProperties",
                    "maxProperties");
            addIf(types, "array", schema, "items", "prefixItems", "minItems", "maxItems", "uniqueItems");
            addIf(types, "string", schema, "minLength", "maxLength", "pattern", "format");
            addIf(types, "number", schema, "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
        }
        return types;
    }

    private static void addIf(Set<String> types, String type, JsonNode schema, String... keywords) {
        for (String keyword : keywords) {
            if (schema.has(keyword)) {
                types.add(type);
            }
        }
    }

    /** The only values that a schema allows, or null where it names none. */
    static @Nullable List<JsonNode> values(JsonNode schema) {
        List<JsonNode> values = new ArrayList<>();
        JsonNode listed = schema.get("enum");
        if (listed != null && !listed.isArray()) {
            return null;
        }
        if (listed == null && !schema.has("const")) {
            return null;
        }
        if (listed != null) {
            listed.forEach(values::add);
        }
        if (schema.has("const")) {
            JsonNode only = schema.get("const");
            if (listed != null && !values.contains(only)) {
                return List.of();
            }
            return List.of(only);
        }
        return values;
    }

    /** Whether a value is of one of the types. */
    static boolean hasType(JsonNode value, Set<String> types) {
        return switch (value.getNodeType()) {
            case STRING -> types.contains("string");
            case BOOLEAN -> types.contains("boolean");
            case NULL -> types.contains("null");
            case ARRAY -> types.contains("array");
            case OBJECT -> types.contains("object");
            default -> types.contains("number")
                    || types.contains("integer") && value.doubleValue() == Math.rint(value.doubleValue());
        };
    }

    /** Whether surely no value is valid by both schemas. */
    static boolean exclude(JsonNode root, JsonNode first, JsonNode second) {
        return exclude(root, first, second, 0);
    }

    private static boolean exclude(JsonNode root, JsonNode first, JsonNode second, int depth) {
        if (depth > MOST_DEPTH) {
            return false;
        }
        for (boolean turned : new boolean[] {false, true}) {
            JsonNode one = turned ? second : first;
            JsonNode other = turned ? first : second;
            if (one.has("$ref")) {
                JsonNode target = target(root, one.get("$ref").asText());
                return target != null && exclude(root, target, other, depth + 1);
            }
            for (String combination : List.of("anyOf", "oneOf", "allOf")) {
                if (one.has(combination)) {
                    boolean all = true;
                    for (JsonNode part : one.get(combination)) {
                        all &= exclude(root, part, other, depth + 1);
                    }
                    return all;
                }
            }
        }
        List<JsonNode> values = values(first);
        List<JsonNode> others = values(second);
        if (values != null && others != null) {
            return values.stream().noneMatch(value -> others.stream().anyMatch(other -> same(value, other)));
        }
        if (values != null || others != null) {
            JsonNode schema = values != null ? second : first;
            Set<String> types = declared(schema);
            return !types.isEmpty() && (values != null ? values : java.util.Objects.requireNonNull(others)).stream()
                    .noneMatch(value -> hasType(value, types));
        }
        Set<String> types = declared(first);
        Set<String> otherTypes = declared(second);
        if (types.isEmpty() || otherTypes.isEmpty()) {
            return false;
        }
        Set<String> common = new LinkedHashSet<>(widened(types));
        common.retainAll(widened(otherTypes));
        return common.isEmpty() || common.equals(Set.of("object")) && objectsExclude(root, first, second, depth);
    }

    private static boolean same(JsonNode value, JsonNode other) {
        return value.isNumber() && other.isNumber() ? value.decimalValue().compareTo(other.decimalValue()) == 0
                : value.equals(other) || value.isContainerNode() && other.isContainerNode() && value.size() == other.size();
    }

    /** The types that are named; nothing is inferred, because a validator infers nothing. */
    private static Set<String> declared(JsonNode schema) {
        return schema.has("type") ? types(schema) : Set.of();
    }

    private static Set<String> widened(Set<String> types) {
        Set<String> wide = new LinkedHashSet<>(types);
        if (wide.remove("integer")) {
            wide.add("number");
        }
        return wide;
    }

    private static boolean objectsExclude(JsonNode root, JsonNode first, JsonNode second, int depth) {
        for (JsonNode required : first.path("required")) {
            String name = required.asText();
            JsonNode mine = first.path("properties").path(name);
            JsonNode theirs = second.path("properties").path(name);
            boolean both = contains(second.path("required"), name);
            if (both && !mine.isMissingNode() && !theirs.isMissingNode() && exclude(root, mine, theirs, depth + 1)) {
                return true;
            }
            if (forbids(second, name)) {
                return true;
            }
        }
        for (JsonNode required : second.path("required")) {
            if (forbids(first, required.asText())) {
                return true;
            }
        }
        return false;
    }

    private static boolean forbids(JsonNode schema, String name) {
        JsonNode additional = schema.path("additionalProperties");
        return additional.isBoolean() && !additional.booleanValue() && !schema.path("properties").has(name);
    }

    private static boolean contains(JsonNode list, String name) {
        for (JsonNode entry : list) {
            if (entry.asText().equals(name)) {
                return true;
            }
        }
        return false;
    }
}
