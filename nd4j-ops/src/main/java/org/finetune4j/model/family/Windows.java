package org.finetune4j.model.family;

import java.util.List;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/** Which layers see a window only. */
final class Windows {
    private static final String TYPES = "layer_types";
    private static final String SLIDING = "sliding_attention";
    private static final String WINDOW = "sliding_window";

    private Windows() {
    }

    /** {@code sliding_window}: 4096 where nothing says it, 0 where it is null. */
    static int size(ConfigFields config) {
        return config.whole(WINDOW, config.mentions(WINDOW) ? 0 : 4096);
    }

    /** {@link #size} where {@code use_sliding_window} is true, else 0. */
    static int switched(ConfigFields config) {
        return config.flag("use_sliding_window", false) ? size(config) : 0;
    }

    /**
     * For every layer how many tokens it sees, 0 meaning all.
     *
     * @param window  {@code sliding_window}, or 0 where it is off
     * @param sliding which layers have it where {@code layer_types} does not say it
     */
    static List<Integer> read(ConfigFields config, int layers, int window, IntPredicate sliding) {
        List<String> types = config.texts(TYPES);
        if (types == null) {
            return IntStream.range(0, layers).mapToObj(layer -> sliding.test(layer) ? window : 0).toList();
        }
        if (types.size() != layers) {
            throw config.wrong(TYPES, "a list of " + layers + " types, one for each layer");
        }
        for (String type : types) {
            if (!type.equals(SLIDING) && !type.equals("full_attention")) {
                throw config.notBuilt(TYPES);
            }
            if (type.equals(SLIDING) && window == 0) {
                throw new ConfigProblem(TYPES + " has " + SLIDING + ", but " + WINDOW + " is missing or off");
            }
        }
        return types.stream().map(type -> type.equals(SLIDING) ? window : 0).toList();
    }
}
