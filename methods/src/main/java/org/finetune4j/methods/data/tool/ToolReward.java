package org.finetune4j.methods.data.tool;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.tokenizer.ToolCall;
import org.jspecify.annotations.Nullable;

/**
 * One fixed reward for every kind of error that a call can have against the right one; the first kind that fits counts
 * (TL-Training, arXiv 2412.15495).
 */
public enum ToolReward {
    /** No call can be read. */
    UNREADABLE(-2),
    /** There is no such tool. */
    UNKNOWN_TOOL(-2),
    /** A tool, but not the right one. */
    OTHER_TOOL(-1.5),
    /** Arguments that the tool does not have, arguments too many, and arguments missing. */
    ALL_ARGUMENTS(-1.8),
    /** Arguments that the tool does not have, and others too many or missing. */
    UNKNOWN_AND_WRONG_ARGUMENTS(-1.3),
    /** Arguments too many, and others missing. */
    WRONG_ARGUMENTS(-1.0),
    /** Arguments that the tool does not have. */
    UNKNOWN_ARGUMENT(-0.8),
    /** Arguments too many, or arguments missing. */
    ARGUMENT_COUNT(-0.5),
    /** The right arguments, of which some have other values. */
    VALUE(-0.25),
    /** The right call. */
    RIGHT(1);

    /** Numbers are the same however they are written. */
    private static final Comparator<JsonNode> SAME = (one, two) -> one.isNumber() && two.isNumber()
            ? one.decimalValue().compareTo(two.decimalValue()) : one.equals(two) ? 0 : 1;

    private final double reward;

    ToolReward(double reward) {
        this.reward = reward;
    }

    /** The reward. */
    public double reward() {
        return reward;
    }

    /** Whether the right tool is called (TS). */
    public boolean selectsTool() {
        return compareTo(OTHER_TOOL) > 0;
    }

    /** Whether the right arguments are given, whatever their values (PI). */
    public boolean identifiesParameters() {
        return this == VALUE || this == RIGHT;
    }

    /**
     * The reward of a call as text, such as {@code search(query='old maps', limit=3)}.
     *
     * @param tools the names of every tool's arguments
     * @throws FinetuneException when the right call's tool is none of these
     */
    public static ToolReward of(String call, ToolCall gold, Map<String, Set<String>> tools) {
        return of(CallText.parse(call), gold, tools);
    }

    /** The reward of a call that was read already; null where it could not be read. */
    public static ToolReward of(@Nullable ToolCall call, ToolCall gold, Map<String, Set<String>> tools) {
        Set<String> known = tools.get(gold.name());
        if (known == null) {
            throw new FinetuneException("the right call is of the tool " + gold.name() + ", which is none of "
                    + tools.keySet() + ". Give its arguments too.");
        }
        if (call == null || !call.arguments().toTree().isObject()) {
            return UNREADABLE;
        }
        if (!tools.containsKey(call.name())) {
            return UNKNOWN_TOOL;
        }
        if (!call.name().equals(gold.name())) {
            return OTHER_TOOL;
        }
        JsonNode given = call.arguments().toTree();
        JsonNode right = gold.arguments().toTree();
        Set<String> names = names(given);
        boolean unknown = !known.containsAll(names);
        boolean tooMany = names.stream().anyMatch(name -> known.contains(name) && !right.has(name));
        boolean missing = !names.containsAll(names(right));
        return arguments(unknown, tooMany, missing, right.equals(SAME, given));
    }

    private static ToolReward arguments(boolean unknown, boolean tooMany, boolean missing, boolean same) {
        if (unknown && (tooMany || missing)) {
            return tooMany && missing ? ALL_ARGUMENTS : UNKNOWN_AND_WRONG_ARGUMENTS;
        }
        if (tooMany || missing) {
            return tooMany && missing ? WRONG_ARGUMENTS : ARGUMENT_COUNT;
        }
        return unknown ? UNKNOWN_ARGUMENT : same ? RIGHT : VALUE;
    }

    private static Set<String> names(JsonNode arguments) {
        Set<String> names = new HashSet<>();
        arguments.fieldNames().forEachRemaining(names::add);
        return names;
    }
}
