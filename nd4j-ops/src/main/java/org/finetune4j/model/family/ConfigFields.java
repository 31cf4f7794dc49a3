package org.finetune4j.model.family;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.op.Activation;
import org.jspecify.annotations.Nullable;

/**
 * The fields of a {@code config.json}, checked as they are read. An absent field and one that is null mean the same, unless
 * {@link #mentions} is asked.
 */
public final class ConfigFields {
    private static final Map<String, Activation.Kind> ACTIVATIONS = Map.of("silu", Activation.Kind.SILU,
            "swish", Activation.Kind.SILU, "gelu", Activation.Kind.GELU, "gelu_new", Activation.Kind.GELU_TANH,
            "gelu_fast", Activation.Kind.GELU_TANH, "gelu_pytorch_tanh", Activation.Kind.GELU_TANH,
            "relu", Activation.Kind.RELU);

    private final ObjectNode root;
    private final String path;

    /** The fields of a whole file. */
    public ConfigFields(ObjectNode root) {
        this(root, "");
    }

    private ConfigFields(ObjectNode root, String path) {
        this.root = root;
        this.path = path;
    }

    /** The fields of an object inside, or null where there is none. */
    public @Nullable ConfigFields object(String name) {
        JsonNode node = field(name);
        if (node != null && !(node instanceof ObjectNode)) {
            throw wrong(name, node, "an object");
        }
        return node == null ? null : new ConfigFields((ObjectNode) node, path + name + ".");
    }

    /** Whether a field is there and not null. */
    public boolean has(String name) {
        return field(name) != null;
    }

    /** Whether a field is there, be it null. */
    public boolean mentions(String name) {
        return root.has(name);
    }

    /** A whole number that must be there. */
    public int whole(String name) {
        return wholeOf(name, required(name));
    }

    /** A whole number, or {@code absent}. */
    public int whole(String name, int absent) {
        JsonNode node = field(name);
        return node == null ? absent : wholeOf(name, node);
    }

    /** A whole number above 0 that must be there. */
    public int size(String name) {
        return positive(name, whole(name));
    }

    /** A whole number above 0, or {@code absent}. */
    public int size(String name, int absent) {
        return positive(name, whole(name, absent));
    }

    /** A number, or {@code absent}. */
    public double real(String name, double absent) {
        JsonNode node = field(name);
        return node == null ? absent : realOf(name, node);
    }

    /** A number above 0 that must be there. */
    public double factor(String name) {
        return positive(name, realOf(name, required(name)));
    }

    /** A number above 0, or {@code absent}. */
    public double factor(String name, double absent) {
        JsonNode node = field(name);
        return node == null ? absent : positive(name, realOf(name, node));
    }

    /** What a norm adds to the mean square or variance, between 0 and 1. */
    public double epsilon(String name, double absent) {
        double value = real(name, absent);
        if (!(value > 0 && value < 1)) {
            throw new ConfigProblem(path + name + " " + value + " is not between 0 and 1");
        }
        return value;
    }

    /** True or false, or {@code absent}. */
    public boolean flag(String name, boolean absent) {
        JsonNode node = field(name);
        if (node != null && !node.isBoolean()) {
            throw wrong(name, node, "true or false");
        }
        return node == null ? absent : node.booleanValue();
    }

    /** A text, or {@code absent}. */
    public String text(String name, String absent) {
        JsonNode node = field(name);
        if (node != null && !node.isTextual()) {
            throw wrong(name, node, "a text");
        }
        return node == null ? absent : node.textValue();
    }

    /** A list of texts, or null where there is none. */
    public @Nullable List<String> texts(String name) {
        return list(name, (place, node) -> {
            if (!node.isTextual()) {
                throw wrong(place, node, "a text");
            }
            return node.textValue();
        });
    }

    /** A list of whole numbers, or null where there is none; a single number is a list of one. */
    public @Nullable List<Integer> wholes(String name) {
        JsonNode node = field(name);
        return node != null && node.isNumber() ? List.of(wholeOf(name, node)) : list(name, this::wholeOf);
    }

    /** A list of numbers, or null where there is none. */
    public @Nullable List<Double> reals(String name) {
        return list(name, this::realOf);
    }

    /** The activation of a name in transformers' table, {@code absent} where the field is. */
    public Activation.Kind activation(String name, String absent) {
        String value = text(name, absent);
        Activation.Kind kind = ACTIVATIONS.get(value);
        if (kind == null) {
            throw notBuilt(name);
        }
        return kind;
    }

    /** Refuses a field that is there with another value than this one. */
    public void requireOnly(String name, Object value) {
        JsonNode node = field(name);
        boolean same = node == null || (value instanceof Number number ? node.isNumber()
                && node.doubleValue() == number.doubleValue() : node.asText().equals(value.toString()));
        if (!same) {
            throw notBuilt(name);
        }
    }

    /** Refuses a field that is there at all. */
    public void requireAbsent(String name) {
        if (has(name)) {
            throw notBuilt(name);
        }
    }

    /** A refusal of an option. */
    public ConfigProblem notBuilt(String name) {
        return new ConfigProblem(path + name + " is " + root.get(name)
                + ", which changes the model's numbers and is not built", "Choose a model without this option");
    }

    /** A refusal of a value, for what it should be instead. */
    public ConfigProblem wrong(String name, String instead) {
        return wrong(name, root.path(name), instead);
    }

    private ConfigProblem wrong(String name, JsonNode node, String instead) {
        return new ConfigProblem(path + name + " is " + node + " instead of " + instead);
    }

    private interface Element<T> {
        T read(String name, JsonNode node);
    }

    private <T> @Nullable List<T> list(String name, Element<T> element) {
        JsonNode node = field(name);
        if (node == null) {
            return null;
        }
        if (!node.isArray()) {
            throw wrong(name, node, "a list");
        }
        List<T> list = new ArrayList<>();
        node.forEach(item -> list.add(element.read(name, item)));
        return list;
    }

    private JsonNode required(String name) {
        JsonNode node = field(name);
        if (node == null) {
            throw new ConfigProblem(path + name + " is missing");
        }
        return node;
    }

    private int wholeOf(String name, JsonNode node) {
        if (!node.isIntegralNumber() || !node.canConvertToInt()) {
            throw wrong(name, node, "a whole number");
        }
        return node.intValue();
    }

    private double realOf(String name, JsonNode node) {
        if (!node.isNumber() || !Double.isFinite(node.doubleValue())) {
            throw wrong(name, node, "a number");
        }
        return node.doubleValue();
    }

    private int positive(String name, int value) {
        positive(name, (double) value);
        return value;
    }

    private double positive(String name, double value) {
        if (!(value > 0)) {
            throw new ConfigProblem(path + name + " " + (value == Math.rint(value) ? (Object) (long) value : value)
                    + " is not positive");
        }
        return value;
    }

    private @Nullable JsonNode field(String name) {
        JsonNode node = root.get(name);
        return node == null || node.isNull() ? null : node;
    }
}
