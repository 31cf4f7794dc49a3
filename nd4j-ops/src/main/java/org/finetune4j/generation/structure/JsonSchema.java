package org.finetune4j.generation.structure;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.generation.structure.Expression.Call;
import org.finetune4j.generation.structure.Expression.Choice;
import org.finetune4j.generation.structure.Expression.Repeat;
import org.finetune4j.generation.structure.Structure.WhiteSpace;
import org.jspecify.annotations.Nullable;

/** Compiles JSON schemas, of which {@link Structure#json(String, WhiteSpace)} says what is held to. */
final class JsonSchema {
    private static final String ROOT = "#";
    private static final String ANY = "any value";
    private static final int LONGEST = 1_000_000;
    private static final int MOST_SCHEMAS = 10_000;
    private static final Set<String> ANNOTATIONS = Set.of("title", "description", "default", "examples", "$comment",
            "$schema",
            "deprecated", "readOnly", "writeOnly", "$defs", "definitions", "discriminator");
    private static final Set<String> OF_STRINGS = Set.of("minLength", "maxLength", "pattern", "format");
    private static final Set<String> OF_NUMBERS = Set.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum");
    private static final Set<String> OF_ARRAYS = Set.of("items", "prefixItems", "minItems", "maxItems", "uniqueItems");
    private static final Set<String> OF_OBJECTS = Set.of("properties", "required", "additionalProperties", "minProperties",
            "maxProperties");

    private final JsonNode root;
    private final Map<String, Expression> rules = new LinkedHashMap<>();
    private final JsonText text;
    private int schemas;

    private JsonSchema(JsonNode root, WhiteSpace space) {
        this.root = root;
        this.text = new JsonText(space, rules);
        Expression string = JsonText.string(0, Repeat.UNLIMITED);
        Expression value = new Call(ANY);
        rules.put(ANY, Expression.choice(string, JsonNumbers.numbers(), Expression.text("true"), Expression.text("false"),
                Expression.text("null"), text.array(Expression.list(value, text.comma(), 0, Repeat.UNLIMITED)),
                text.object(Expression.list(text.member(string, value), text.comma(), 0, Repeat.UNLIMITED))));
    }

    static Structure compile(String schema, WhiteSpace space) {
        if (schema.length() > LONGEST) {
            throw new StructureException("the JSON schema has " + schema.length() + " characters, at most " + LONGEST
                    + " are taken. Shorten it.");
        }
        JsonNode root;
        try {
            root = StrictJson.mapper().readTree(schema);
        } catch (JsonProcessingException e) {
            throw new StructureException("the JSON schema is not valid JSON at line "
                    + (e.getLocation() == null ? 1 : e.getLocation().getLineNr()) + " (" + e.getOriginalMessage()
                    + "). Correct it.");
        }
        JsonSchema compiler = new JsonSchema(root, space);
        compiler.rules.put(ROOT, Expression.NOTHING);
        compiler.rules.put(ROOT, compiler.schema(root, ROOT));
        return new Structure("the JSON schema", compiler.rules, ROOT);
    }

    private Expression schema(JsonNode schema, String path) {
        if (++schemas > MOST_SCHEMAS) {
            throw refused(path, "the schema has more than " + MOST_SCHEMAS + " parts", "Make it smaller");
        }
        if (schema.isBoolean()) {
            return schema.booleanValue() ? new Call(ANY) : Expression.NOTHING;
        }
        if (!schema.isObject()) {
            throw refused(path, "there is " + schema.getNodeType() + " where a schema must be",
                    "Write an object, true or false");
        }
        JsonNode reference = schema.get("$ref");
        if (reference != null) {
            requireOnly(schema, path, Set.of("$ref"));
            return new Call(rule(reference, path));
        }
        if (schema.has("const") || schema.has("enum")) {
            return values(schema, path);
        }
        for (String combination : List.of("anyOf", "oneOf", "allOf")) {
            if (schema.has(combination)) {
                requireOnly(schema, path, Set.of(combination));
                return combined(combination, schema.get(combination), path + "/" + combination);
            }
        }
        requireKnown(schema, path);
        List<Expression> ways = new ArrayList<>();
        Set<String> types = types(schema, path);
        if (types.isEmpty()) {
            return new Call(ANY);
        }
        types.forEach(type -> ways.add(ofType(type, schema, path)));
        return ways.size() == 1 ? ways.get(0) : new Choice(ways);
    }

    private String rule(JsonNode reference, String path) {
        String name = reference.isTextual() ? reference.textValue() : "";
        if (!rules.containsKey(name)) {
            JsonNode target = SchemaFacts.target(root, name);
            if (target == null) {
                throw refused(path, "$ref '" + reference.asText() + "' leads nowhere within the schema",
                        "Refer to a place in it, such as #/$defs/name");
            }
            // Known before it is compiled, because it may lead back to itself.
            rules.put(name, Expression.NOTHING);
            rules.put(name, schema(target, name));
        }
        return name;
    }

    private Expression values(JsonNode schema, String path) {
        requireOnly(schema, path, Set.of("const", "enum", "type"));
        List<JsonNode> values = SchemaFacts.values(schema);
        if (values == null) {
            throw refused(path, "enum is not a list of values", "Write it as [...]");
        }
        Set<String> types = schema.has("type") ? types(schema, path) : SchemaFacts.ALL_TYPES;
        List<Expression> ways = values.stream().filter(value -> SchemaFacts.hasType(value, types))
                .map(text::literal).toList();
        return new Choice(ways);
    }

    private Expression combined(String combination, JsonNode parts, String path) {
        if (!parts.isArray() || parts.isEmpty()) {
            throw refused(path, "there is no list of schemas", "Write it as [...]");
        }
        if (combination.equals("allOf") && parts.size() > 1) {
            throw refused(path, "allOf with several schemas is not supported", "Write one schema that says it all");
        }
        if (combination.equals("oneOf")) {
            for (int i = 0; i < parts.size(); i++) {
                for (int j = 0; j < i; j++) {
                    if (!SchemaFacts.exclude(root, parts.get(i), parts.get(j))) {
                        throw refused(path, "alternatives " + j + " and " + i + " of oneOf may both hold, which cannot be "
                                + "kept out", "Use anyOf, or require a property with another const in each");
                    }
                }
            }
        }
        List<Expression> ways = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            ways.add(schema(parts.get(i), path + "/" + i));
        }
        return ways.size() == 1 ? ways.get(0) : new Choice(ways);
    }

    private Set<String> types(JsonNode schema, String path) {
        Set<String> types = SchemaFacts.types(schema);
        for (String type : types) {
            if (!SchemaFacts.ALL_TYPES.contains(type)) {
                throw refused(path, "there is no type '" + type + "'", "Types are " + SchemaFacts.ALL_TYPES);
            }
        }
        return types.contains("number") ? without(types, "integer") : types;
    }

    private static Set<String> without(Set<String> types, String type) {
        Set<String> others = new LinkedHashSet<>(types);
        others.remove(type);
        return others;
    }

    private Expression ofType(String type, JsonNode schema, String path) {
        return switch (type) {
            case "null" -> Expression.text("null");
            case "boolean" -> Expression.choice(Expression.text("true"), Expression.text("false"));
            case "string" -> string(schema, path);
            case "array" -> array(schema, path);
            case "object" -> new JsonObjects(this, text, rules).object(schema, path);
            default -> number(schema, path, type.equals("integer"));
        };
    }

    private Expression string(JsonNode schema, String path) {
        List<String> given = OF_STRINGS.stream().filter(schema::has).sorted().toList();
        boolean pattern = given.contains("pattern");
        boolean format = given.contains("format");
        if ((pattern || format) && given.size() > 1) {
            throw refused(path, String.join(" and ", given) + " together are not supported",
                    "Say the length in the pattern, such as ^[a-z]{1,9}$");
        }
        if (pattern) {
            try {
                return JsonText.string(RegexParser.within(schema.get("pattern").asText()));
            } catch (StructureException e) {
                throw new StructureException("the JSON schema at " + path + "/pattern: " + e.getMessage());
            }
        }
        if (format) {
            String regex = JsonFormats.KNOWN.get(schema.get("format").asText());
            if (regex == null) {
                throw refused(path, "format '" + schema.get("format").asText() + "' is not supported", "Formats are "
                        + JsonFormats.KNOWN.keySet() + "; for others write a pattern");
            }
            return JsonText.string(RegexParser.whole(regex));
        }
        return JsonText.string(count(schema, "minLength", 0, path), count(schema, "maxLength", Repeat.UNLIMITED, path));
    }

    private Expression array(JsonNode schema, String path) {
        if (schema.path("uniqueItems").asBoolean(false)) {
            throw refused(path, "uniqueItems is not supported", "Leave it out and check the answer");
        }
        int least = count(schema, "minItems", 0, path);
        int most = count(schema, "maxItems", Repeat.UNLIMITED, path);
        JsonNode items = schema.get("items");
        JsonNode first = schema.get("prefixItems");
        if (first == null) {
            Expression item = items == null ? new Call(ANY) : schema(items, path + "/items");
            return text.array(Expression.list(item, text.comma(), least, item.equals(Expression.NOTHING) ? 0 : most));
        }
        if (least < first.size() || items == null || !items.isBoolean() || items.booleanValue()) {
            throw refused(path, "prefixItems is supported for tuples only", "Add items: false and minItems: "
                    + first.size());
        }
        Expression[] parts = new Expression[first.size()];
        for (int i = 0; i < parts.length; i++) {
            parts[i] = schema(first.get(i), path + "/prefixItems/" + i);
        }
        return least > parts.length || most != Repeat.UNLIMITED && most < parts.length ? Expression.NOTHING
                : text.array(Expression.joined(text.comma(), parts));
    }

    private Expression number(JsonNode schema, String path, boolean whole) {
        BigInteger minimum = bound(schema, "minimum", path);
        BigInteger above = bound(schema, "exclusiveMinimum", path);
        BigInteger maximum = bound(schema, "maximum", path);
        BigInteger below = bound(schema, "exclusiveMaximum", path);
        boolean lowOut = above != null && (minimum == null || above.compareTo(minimum) >= 0);
        boolean highOut = below != null && (maximum == null || below.compareTo(maximum) <= 0);
        BigInteger low = lowOut ? above : minimum;
        BigInteger high = highOut ? below : maximum;
        if (whole) {
            return JsonNumbers.integers(low != null && lowOut ? low.add(BigInteger.ONE) : low,
                    high != null && highOut ? high.subtract(BigInteger.ONE) : high);
        }
        return low == null && high == null ? JsonNumbers.numbers() : JsonNumbers.numbers(low, lowOut, high, highOut);
    }

    private @Nullable BigInteger bound(JsonNode schema, String keyword, String path) {
        JsonNode bound = schema.get(keyword);
        if (bound == null) {
            return null;
        }
        if (!bound.isNumber() || !Double.isFinite(bound.doubleValue())
                || bound.doubleValue() != Math.rint(bound.doubleValue())
                || Math.abs(bound.doubleValue()) >= Math.pow(10, JsonNumbers.MOST_DIGITS)) {
            throw refused(path, keyword + " " + bound + " is not supported", "Bounds are whole numbers of up to "
                    + JsonNumbers.MOST_DIGITS + " digits");
        }
        return bound.decimalValue().toBigInteger();
    }

    /** A keyword that counts something. */
    int count(JsonNode schema, String keyword, int otherwise, String path) {
        JsonNode count = schema.get(keyword);
        if (count == null) {
            return otherwise;
        }
        if (!count.canConvertToInt() || count.doubleValue() != count.intValue() || count.intValue() < 0) {
            throw refused(path, keyword + " " + count + " is not a count", "Write a number from 0 on");
        }
        return count.intValue();
    }

    /** The schema of every value. */
    static JsonNode anyValue() {
        return BooleanNode.TRUE;
    }

    /** The schema of a part. */
    Expression part(JsonNode schema, String path) {
        return schema(schema, path);
    }

    private static void requireOnly(JsonNode schema, String path, Set<String> keywords) {
        schema.fieldNames().forEachRemaining(name -> {
            if (!keywords.contains(name) && !ANNOTATIONS.contains(name) && !(name.equals("$id") && path.equals(ROOT))) {
                throw refused(path, "'" + name + "' beside " + keywords.stream().filter(schema::has).sorted().toList()
                        + " is not supported", "Say it within the schemas themselves");
            }
        });
    }

    private static void requireKnown(JsonNode schema, String path) {
        schema.fieldNames().forEachRemaining(name -> {
            boolean known = ANNOTATIONS.contains(name) || OF_STRINGS.contains(name) || OF_NUMBERS.contains(name)
                    || OF_ARRAYS.contains(name) || OF_OBJECTS.contains(name) || name.equals("type")
                    || name.equals("$id") && path.equals(ROOT);
            if (!known) {
                throw refused(path, "'" + name + "' is not supported", "Leave it out, and check the answer for it");
            }
        });
    }

    static StructureException refused(String path, String what, String mend) {
        return new StructureException("the JSON schema at " + path + ": " + what + ". " + mend + ".");
    }
}
