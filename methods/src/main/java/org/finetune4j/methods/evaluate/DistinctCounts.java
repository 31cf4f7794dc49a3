package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** How many sequences of n tokens texts have, and how many of them are different. */
final class DistinctCounts {
    private final List<int[]> different = new ArrayList<>();
    private final int[] totals;

    <T> DistinctCounts(List<List<T>> texts, int n) {
        Map<List<T>, Integer> numbers = new HashMap<>();
        for (List<T> text : texts) {
            different.add(NGrams.counts(text, n).keySet().stream()
                    .mapToInt(gram -> numbers.computeIfAbsent(gram, unseen -> numbers.size())).toArray());
        }
        totals = texts.stream().mapToInt(text -> NGrams.total(text.size(), n)).toArray();
    }

    /** Different sequences of the texts at these places. */
    int different(int... places) {
        BitSet seen = new BitSet();
        for (int place : places) {
            IntStream.of(different.get(place)).forEach(seen::set);
        }
        return seen.cardinality();
    }

    /** All sequences of the texts at these places. */
    long total(int... places) {
        return IntStream.of(places).mapToLong(place -> totals[place]).sum();
    }
}
