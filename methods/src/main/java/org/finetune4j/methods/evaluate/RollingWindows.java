package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Lays a text that is longer than a model's window into several, so that every token is predicted exactly once.
 *
 * <p>The first window is the prefix token and the tokens behind it. Each further full window repeats the last
 * {@code contextLength} tokens; the last one, which has fewer to predict, is filled up with as many older ones.
 */
public final class RollingWindows {
    private RollingWindows() {
    }

    /**
     * One pass of the model.
     *
     * @param inputs    what the model sees, at most the window {@code [inputs]}
     * @param predicted the tokens that are predicted, each after the input at its place counted from the end
     */
    public record Window(int[] inputs, int[] predicted) {
    }

    /**
     * The windows of a text.
     *
     * @param tokens        the text, at least one token
     * @param prefix        stands before the first token
     * @param window        most inputs, at least 1
     * @param contextLength tokens repeated by a full window, in [1, window]
     */
    public static List<Window> of(int[] tokens, int prefix, int window, int contextLength) {
        // Behind the prefix, token i is the input that predicts token i + 1.
        int[] inputs = IntStream.concat(IntStream.of(prefix), Arrays.stream(tokens)).toArray();
        List<Window> windows = new ArrayList<>();
        int from = 0;
        while (from < tokens.length) {
            int count = Math.min(tokens.length - from, from == 0 ? window : window - contextLength + 1);
            int to = from + count;
            int first = from == 0 ? 0 : Math.max(0, to - window);
            windows.add(new Window(Arrays.copyOfRange(inputs, first, to), Arrays.copyOfRange(tokens, from, to)));
            from = to;
        }
        return windows;
    }
}
