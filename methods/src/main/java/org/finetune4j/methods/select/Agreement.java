package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Which of several solutions agree on the final answer. */
final class Agreement {
    private Agreement() {
    }

    /**
     * The places of the largest group of equal answers, the first of equally large ones; empty when it is smaller than
     * {@code least}. Solutions without an answer agree with nothing.
     */
    static List<Integer> of(List<Optional<String>> answers, int least) {
        Map<String, List<Integer>> groups = new LinkedHashMap<>();
        for (int i = 0; i < answers.size(); i++) {
            int place = i;
            answers.get(i).ifPresent(answer -> groups.computeIfAbsent(answer.strip(), missing -> new ArrayList<>())
                    .add(place));
        }
        List<Integer> largest = List.of();
        for (List<Integer> group : groups.values()) {
            largest = group.size() > largest.size() ? group : largest;
        }
        return largest.size() >= least ? largest : List.of();
    }
}
