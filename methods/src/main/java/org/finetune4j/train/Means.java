package org.finetune4j.train;

import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.head.BatchExtras;
import org.finetune4j.head.SampleLosses;
import org.finetune4j.head.TokenValues;
import org.finetune4j.model.PackedBatch;
import org.jspecify.annotations.Nullable;

/** Means of what passes over batches found: over supervised tokens, and over samples of what is told for samples. */
final class Means {
    private static final String LOSS = "loss";

    private final @Nullable String divisor;
    private final Map<String, Double> sums = new LinkedHashMap<>();
    private final Map<String, Double> sampleSums = new LinkedHashMap<>();
    private long tokens;
    private long samples;

    /** Means of losses whose sum is divided by that of the logged value {@code divisor}, or by the number of tokens. */
    Means(@Nullable String divisor) {
        this.divisor = divisor;
    }

    /** Adds what a pass found; companions of samples are not counted. */
    void add(TokenValues values, PackedBatch batch) {
        boolean[] counted = counted(batch);
        for (boolean own : counted) {
            tokens += own ? 1 : 0;
        }
        values.values().forEach((name, numbers) -> {
            double sum = 0;
            for (int r = 0; r < numbers.length; r++) {
                sum += counted[r] ? numbers[r] : 0;
            }
            sums.merge(name, sum, Double::sum);
        });
        values.samples().forEach((name, numbers) -> {
            for (double number : numbers) {
                sampleSums.merge(name, number, Double::sum);
            }
        });
        samples += values.samples().getOrDefault(LOSS, new double[0]).length;
    }

    /** Which supervised rows belong to the first sequence of their sample. */
    private static boolean[] counted(PackedBatch batch) {
        boolean[] counted = new boolean[batch.supervised()];
        BatchExtras.Groups groups = batch.extras().groups();
        int[] sequences = batch.sequencesOfRows();
        int[] samples = batch.extras().samples(sequences);
        for (int r = 0; r < counted.length; r++) {
            counted[r] = groups == null || sequences[r] == groups.starts()[samples[r]];
        }
        return counted;
    }

    long tokens() {
        return tokens;
    }

    double loss() {
        if (samples > 0) {
            return sampleSums.get(LOSS) / sampleSums.get(SampleLosses.DIVISOR);
        }
        double sum = sums.getOrDefault(LOSS, Double.NaN);
        // A plain loss is told of held-out samples where only the training has a divisor.
        return divisor == null || !sums.containsKey(divisor) ? sum / tokens : divided() == 0 ? 0 : sum / divided();
    }

    /** What a gradient must be multiplied by that was taken of the mean over tokens; 0 where the divisor's sum is. */
    double gradientFactor() {
        return divisor == null ? 1 : divided() == 0 ? 0 : tokens / divided();
    }

    private double divided() {
        return sampleSums.getOrDefault(divisor, sums.getOrDefault(divisor, Double.NaN));
    }

    /** Everything but the loss. */
    Map<String, Double> values() {
        Map<String, Double> means = new LinkedHashMap<>();
        sums.forEach((name, sum) -> {
            if (!name.equals(LOSS)) {
                means.put(name, sum / tokens);
            }
        });
        sampleSums.forEach((name, sum) -> {
            if (!name.equals(LOSS) && !name.equals(SampleLosses.DIVISOR)) {
                means.put(name, sum / samples);
            }
        });
        return means;
    }
}
