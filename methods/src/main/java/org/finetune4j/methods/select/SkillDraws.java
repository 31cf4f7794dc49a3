package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.kernel.CounterRandom;

/**
 * Draws questions for the skills that are missing.
 *
 * @param skills   which places of the pool exercise each skill
 * @param profiles the skills that each badly answered question lacks
 * @param each     how many are drawn for each question and skill
 */
record SkillDraws(Map<String, List<Integer>> skills, List<List<String>> profiles, int each) {
    /**
     * One draw.
     *
     * @param question which profile it is for
     * @param skill    which of its skills
     * @param places   in the pool, none twice; all there are when they are fewer
     */
    record Draw(int question, String skill, List<Integer> places) {
    }

    /**
     * A draw for each question and skill, uniform and without repetition within it; different ones know nothing of each
     * other, so that the same place may come again and then counts more.
     */
    List<Draw> draw(long seed) {
        List<Draw> draws = new ArrayList<>();
        for (int question = 0; question < profiles.size(); question++) {
            for (String skill : profiles.get(question)) {
                List<Integer> pool = skills.getOrDefault(skill, List.of());
                long own = CounterRandom.seed(seed, "stat", draws.size());
                List<Integer> order = IntStream.range(0, pool.size()).boxed()
                        .sorted(Comparator.comparingLong(i -> CounterRandom.bits(own, i))).limit(each).toList();
                draws.add(new Draw(question, skill, order.stream().map(pool::get).toList()));
            }
        }
        return draws;
    }

    /** How often each place is expected to be drawn, without those that are never. */
    Map<Integer, Double> weights() {
        Map<Integer, Double> weights = new LinkedHashMap<>();
        profiles.forEach(missing -> missing.forEach(skill -> {
            List<Integer> pool = skills.getOrDefault(skill, List.of());
            pool.forEach(place -> weights.merge(place, Math.min(1, (double) each / pool.size()), Double::sum));
        }));
        return weights;
    }

    /** How many questions lack each skill, the most often lacking first. */
    Map<String, Integer> counts() {
        Map<String, Integer> counts = new LinkedHashMap<>();
        profiles.forEach(missing -> missing.forEach(skill -> counts.merge(skill, 1, Integer::sum)));
        Map<String, Integer> sorted = new LinkedHashMap<>();
        counts.entrySet().stream().sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
                .forEach(entry -> sorted.put(entry.getKey(), entry.getValue()));
        return sorted;
    }
}
