package org.finetune4j.methods.data.table;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;

/**
 * How often needles were found, by length and depth.
 *
 * @param cells the share found in every cell, the lengths first, in the order of the samples
 */
public record NeedleGrid(Map<String, Map<String, Double>> cells) {
    /**
     * The grid of answers to needle samples: a needle is found when the answer holds its number.
     *
     * @throws FinetuneException when there is no sample, the lists differ in length, or a sample is of no needle
     */
    public static NeedleGrid of(List<Sample> samples, List<String> answers) {
        if (samples.isEmpty() || samples.size() != answers.size()) {
            throw new FinetuneException("a grid of needles needs one answer for each sample, but there are "
                    + answers.size() + " for " + samples.size() + ".");
        }
        Map<String, Map<String, List<Boolean>>> found = new LinkedHashMap<>();
        for (int i = 0; i < samples.size(); i++) {
            String length = samples.get(i).fields().get("length");
            String depth = samples.get(i).fields().get("depth");
            String number = samples.get(i).answer();
            if (length == null || depth == null || number == null) {
                throw new FinetuneException(samples.get(i).id()
                        + " is no sample of needle(...), for it names no length, "
                        + "depth or answer.");
            }
            found.computeIfAbsent(length, any -> new LinkedHashMap<>()).computeIfAbsent(depth, any -> new ArrayList<>())
                    .add(answers.get(i).matches("(?s).*\\b" + number + "\\b.*"));
        }
        Map<String, Map<String, Double>> cells = new LinkedHashMap<>();
        found.forEach((length, row) -> row.forEach((depth, hits) -> cells.computeIfAbsent(length,
                any -> new LinkedHashMap<>()).put(depth, hits.stream().mapToInt(hit -> hit ? 1 : 0).average()
                .orElse(0))));
        return new NeedleGrid(cells);
    }

    /** The mean over the cells. */
    public double overall() {
        return cells.values().stream().flatMap(row -> row.values().stream()).mapToDouble(Double::doubleValue).average()
                .orElse(0);
    }

    /** Whether every needle was found. */
    public boolean isPerfect() {
        return cells.values().stream().allMatch(row -> row.values().stream().allMatch(share -> share == 1));
    }
}
