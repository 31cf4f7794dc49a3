package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;

/**
 * The order in which personas are taken: shuffled, and where they have a field {@code domain}, one of each domain after
 * another, so that any beginning of it holds all domains alike.
 *
 * @param seed of the shuffle
 */
record PersonaOrder(long seed) {
    List<Sample> of(List<Sample> personas) {
        long own = CounterRandom.seed(seed, "pika.order", 0);
        List<Integer> shuffled = IntStream.range(0, personas.size()).boxed()
                .sorted(Comparator.comparingLong(i -> CounterRandom.bits(own, i))).toList();
        Map<String, List<Sample>> domains = new TreeMap<>();
        shuffled.forEach(i -> domains.computeIfAbsent(personas.get(i).fields().getOrDefault("domain", ""),
                missing -> new ArrayList<>()).add(personas.get(i)));
        List<Sample> order = new ArrayList<>();
        for (int round = 0; order.size() < personas.size(); round++) {
            for (List<Sample> domain : domains.values()) {
                if (round < domain.size()) {
                    order.add(domain.get(round));
                }
            }
        }
        return order;
    }
}
