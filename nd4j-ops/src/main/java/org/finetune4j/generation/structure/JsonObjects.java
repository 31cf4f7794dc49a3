package org.finetune4j.generation.structure;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.generation.structure.Expression.Call;
import org.finetune4j.generation.structure.Expression.Repeat;
import org.jspecify.annotations.Nullable;

/** Objects: the properties that are named, in the order of the schema, and then others where they may be. */
final class JsonObjects {
    private final JsonSchema schemas;
    private final JsonText text;
    private final Map<String, Expression> rules;

    JsonObjects(JsonSchema schemas, JsonText text, Map<String, Expression> rules) {
        this.schemas = schemas;
        this.text = text;
        this.rules = rules;
    }

    Expression object(JsonNode schema, String path) {
        JsonNode named = schema.path("properties");
        if (!named.isMissingNode() && !named.isObject()) {
            throw JsonSchema.refused(path, "properties is not an object", "Write it as {\"name\": schema}");
        }
        Map<String, JsonNode> properties = new LinkedHashMap<>();
        named.properties().forEach(property -> properties.put(property.getKey(), property.getValue()));
        Set<String> required = required(schema, path);
        JsonNode additional = schema.get("additionalProperties");
        boolean others = additional == null ? named.isMissingNode() : !additional.isBoolean() || additional.booleanValue();
        for (String name : required) {
            if (!properties.containsKey(name)) {
                if (additional != null && !others) {
                    throw JsonSchema.refused(path, "'" + name
                            + "' is required, but not among the properties and others are "
                            + "forbidden", "Add it to the properties");
                }
                properties.put(name, additional == null ? JsonSchema.anyValue() : additional);
            }
        }
        int least = schemas.count(schema, "minProperties", 0, path);
        int most = schemas.count(schema, "maxProperties", Repeat.UNLIMITED, path);
        boolean bounded = !properties.isEmpty() && (most != Repeat.UNLIMITED || least > required.size());
        if (bounded || least > Math.max(1, required.size())) {
            throw JsonSchema.refused(path, "minProperties and maxProperties are not supported here",
                    "Use required instead, or at most 1 as the least of an object without named properties");
        }
        Expression other = others ? otherMember(additional, List.copyOf(properties.keySet()), path) : Expression.NOTHING;
        if (properties.isEmpty()) {
            return text.object(Expression.list(other, text.comma(), least, others ? most : 0));
        }
        return text.object(members(properties, required, others, other, path));
    }

    private static Set<String> required(JsonNode schema, String path) {
        Set<String> required = new LinkedHashSet<>();
        JsonNode names = schema.path("required");
        if (!names.isMissingNode() && !names.isArray()) {
            throw JsonSchema.refused(path, "required is not a list of names", "Write it as [\"name\"]");
        }
        names.forEach(name -> {
            if (!name.isTextual()) {
                throw JsonSchema.refused(path, "required has " + name + ", which is no name", "Write it as [\"name\"]");
            }
            required.add(name.textValue());
        });
        return required;
    }

    private Expression otherMember(@Nullable JsonNode schema, List<String> names, String path) {
        Expression name = names.isEmpty() ? JsonText.string(0, Repeat.UNLIMITED) : JsonText.stringExcept(names);
        return text.member(name, schemas.part(schema == null ? JsonSchema.anyValue() : schema,
                path + "/additionalProperties"));
    }

    /**
     * Rules that go from property to property, once for what comes after a first one and once for what comes before it, so
     * that each is there twice and no more, however many may be left out.
     */
    private Expression members(Map<String, JsonNode> properties, Set<String> required, boolean others, Expression other,
                               String path) {
        List<String> names = new ArrayList<>(properties.keySet());
        String prefix = path + " member ";
        for (int i = 0; i < names.size(); i++) {
            String name = names.get(i);
            String place = path + "/properties/" + name.replace("~", "~0").replace("/", "~1");
            Expression value = schemas.part(properties.get(name), place);
            rules.put(prefix + i, value.equals(Expression.NOTHING) ? value : text.member(name, value));
        }
        int count = names.size();
        Expression moreOthers = others ? Expression.any(Expression.sequence(text.comma(), other)) : Expression.EMPTY;
        rules.put(prefix + "after " + count, moreOthers);
        rules.put(prefix + "before " + count, others ? Expression.list(other, text.comma(), 0, Repeat.UNLIMITED)
                : Expression.EMPTY);
        for (int i = count - 1; i >= 0; i--) {
            boolean must = required.contains(names.get(i));
            Expression member = new Call(prefix + i);
            Expression next = new Call(prefix + "after " + (i + 1));
            Expression following = Expression.sequence(text.comma(), member);
            rules.put(prefix + "after " + i, Expression.sequence(must ? following : Expression.optional(following), next));
            Expression first = Expression.sequence(member, next);
            Expression later = new Call(prefix + "before " + (i + 1));
            rules.put(prefix + "before " + i, must ? first : Expression.choice(first, later));
        }
        return new Call(prefix + "before 0");
    }
}
