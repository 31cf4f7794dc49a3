package org.finetune4j.generation;

import java.util.List;

/**
 * Cuts a text that comes in pieces before the first stop string that it holds, and holds back what may still become one.
 *
 * <p>The stop string that is whole first counts, and of two that end together the one that begins first; so the cut does
 * not depend on where the pieces end.
 */
final class StopStrings {
    private final List<String> stops;
    private final StringBuilder held = new StringBuilder();
    private boolean stopped;

    StopStrings(List<String> stops) {
        this.stops = stops;
    }

    /** Whether a stop string has come; nothing may be appended after it. */
    boolean stopped() {
        return stopped;
    }

    /**
     * Takes more of the text.
     *
     * @return what surely belongs to the text, beyond what was returned before
     */
    String append(String piece) {
        int begun = held.length();
        held.append(piece);
        for (int end = begun + 1; end <= held.length() && !stopped; end++) {
            int start = startOfStop(end);
            if (start >= 0) {
                stopped = true;
                held.setLength(start);
                return finish();
            }
        }
        String certain = held.substring(0, certain());
        held.delete(0, certain.length());
        return certain;
    }

    /** Where the longest stop string begins that ends here, or -1. */
    private int startOfStop(int end) {
        return stops.stream().filter(stop -> stop.length() <= end && held.substring(end - stop.length(), end).equals(stop))
                .mapToInt(stop -> end - stop.length()).min().orElse(-1);
    }

    /** How much of the held text no stop string can begin in. */
    private int certain() {
        int from = held.length();
        for (String stop : stops) {
            for (int length = Math.min(stop.length() - 1, held.length()); length > held.length() - from; length--) {
                if (held.substring(held.length() - length).equals(stop.substring(0, length))) {
                    from = held.length() - length;
                }
            }
        }
        return from;
    }

    /** The text ends here: what was held back. */
    String finish() {
        String rest = held.toString();
        held.setLength(0);
        return rest;
    }
}
