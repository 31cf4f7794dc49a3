package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.finetune4j.data.transform.MinHash;
import org.finetune4j.methods.generate.AnswerText;

/**
 * The data card of what was made.
 *
 * @param items  what was kept
 * @param tried  personas that were asked for
 * @param filter what was left out
 */
record PikaReport(List<PikaItem> items, int tried, InstructionFilter filter) {
    private static final int COMPARED = 200;

    Map<String, String> lines() {
        Map<String, String> lines = new LinkedHashMap<>();
        lines.put("personas", String.valueOf(tried));
        lines.put("domains", String.valueOf(items.stream().map(item -> item.persona().fields().getOrDefault("domain",
                ""))
                .distinct().count()));
        lines.put("kept", String.valueOf(items.size()));
        filter.left().forEach((reason, count) -> lines.put("left out: " + reason, String.valueOf(count)));
        if (items.isEmpty()) {
            return lines;
        }
        lines.put("pairs, best above worst", String.valueOf(items.stream().filter(item -> item.choice().gap() > 0)
                .count()));
        lengths(lines, "tokens of an instruction", items.stream().map(item -> item.instruction().newTokens()).sorted()
                .toList());
        lengths(lines, "tokens of a chosen answer", items.stream().map(item -> item.answers().get(item.choice().best())
                .newTokens()).sorted().toList());
        lines.put("mean rating, all answers", mean(items.stream().flatMap(item -> item.ratings().stream())
                .filter(rating -> !Double.isNaN(rating)).mapToDouble(Double::doubleValue).average().orElse(0)));
        lines.put("mean rating, chosen", mean(items.stream().mapToDouble(item -> item.ratings().get(item.choice()
                .best()))
                .average().orElse(0)));
        List<Double> hard = items.stream().map(PikaItem::difficulty).filter(number -> !number.isNaN()).toList();
        if (!hard.isEmpty()) {
            lines.put("mean difficulty, 1 to 10", mean(hard.stream().mapToDouble(Double::doubleValue).average().orElse(0))
                    + (hard.size() < items.size() ? ", of " + hard.size() + " that were rated" : ""));
        }
        lines.put("mean similarity of instructions", mean(similarity()));
        return lines;
    }

    private static void lengths(Map<String, String> lines, String name, List<Integer> sorted) {
        lines.put(name, String.format(Locale.ROOT, "mean %.0f, half at most %d, 90 %% at most %d", sorted.stream()
                .mapToInt(Integer::intValue).average().orElse(0), at(sorted, 0.5), at(sorted, 0.9)));
    }

    private static int at(List<Integer> sorted, double share) {
        return sorted.get((int) Math.min(sorted.size() - 1, Math.max(0, Math.ceil(share * sorted.size()) - 1)));
    }

    /** Of all pairs of the first items, estimated. */
    private double similarity() {
        List<int[]> signatures = items.stream().limit(COMPARED).map(item ->
                MinHash.signature(AnswerText.of(item.instruction())))
                .toList();
        List<Double> all = new ArrayList<>();
        for (int i = 0; i < signatures.size(); i++) {
            for (int j = 0; j < i; j++) {
                all.add(MinHash.similarity(signatures.get(i), signatures.get(j)));
            }
        }
        return all.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    }

    private static String mean(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }
}
