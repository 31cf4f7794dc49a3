package org.finetune4j.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** The variable {@code loop}. */
final class Loop implements Callable {
    private final List<@Nullable Object> items;
    private final int depth;
    private final @Nullable Callable recursion;
    private @Nullable Object lastChanged = Arguments.MISSING;
    int index;

    Loop(List<@Nullable Object> items, int depth, @Nullable Callable recursion) {
        this.items = items;
        this.depth = depth;
        this.recursion = recursion;
    }

    int length() {
        return items.size();
    }

    int depth() {
        return depth;
    }

    @Nullable Object attribute(String name) {
        return switch (name) {
            case "index" -> index + 1L;
            case "index0" -> (long) index;
            case "revindex" -> (long) items.size() - index;
            case "revindex0" -> items.size() - index - 1L;
            case "first" -> index == 0;
            case "last" -> index == items.size() - 1;
            case "length" -> (long) items.size();
            case "depth" -> depth + 1L;
            case "depth0" -> (long) depth;
            case "previtem" -> index == 0 ? new Undefined("there is no previous item") : items.get(index - 1);
            case "nextitem" -> index == items.size() - 1 ? new Undefined("there is no next item") : items.get(index + 1);
            case "cycle" -> (Callable) (scope, arguments) -> {
                if (arguments.positional().isEmpty()) {
                    throw new EvaluationException("loop.cycle needs at least one value");
                }
                return arguments.positional().get(index % arguments.positional().size());
            };
            case "changed" -> (Callable) (scope, arguments) -> {
                Object value = new Tuple(arguments.positional());
                boolean changed = lastChanged == Arguments.MISSING || !Operators.equal(scope.run, lastChanged, value);
                lastChanged = value;
                return changed;
            };
            default -> Arguments.MISSING;
        };
    }

    @Override
    public @Nullable Object call(Scope scope, Arguments arguments) {
        if (recursion == null) {
            throw new EvaluationException("loop(...) needs a loop that is marked 'recursive'");
        }
        return recursion.call(scope, arguments);
    }
}
