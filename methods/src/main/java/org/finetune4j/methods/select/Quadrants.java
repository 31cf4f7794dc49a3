package org.finetune4j.methods.select;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Sorts the samples of a batch by error (perplexity) and uncertainty (entropy), for {@link QTuning}. */
final class Quadrants {
    private static final double WIDEST = 0.49;
    private static final double ROUNDING = 1e-9;

    private final double[] perplexities;
    private final double[] entropies;
    private final double[] signed;

    /** Where a sample lies. */
    enum Place {
        /** Both high: noise. */
        NOISE,
        /** High perplexity, low entropy: a misconception. */
        MISCONCEPTION,
        /** Both low: mastered. */
        MASTERED,
        /** Low perplexity, high entropy: right but hesitant. */
        CALIBRATION,
        /** None of them. */
        MIDDLE;

        boolean kept() {
            return this == MISCONCEPTION || this == CALIBRATION;
        }
    }

    /**
     * Thresholds of one partition.
     *
     * @param low             share of the samples below the low thresholds
     * @param perplexityLow   at most this is a low perplexity
     * @param perplexityHigh  at least this is a high one
     * @param entropyLow      at most this is a low entropy
     * @param entropyHigh     at least this is a high one
     */
    record Thresholds(double low, double perplexityLow, double perplexityHigh, double entropyLow, double entropyHigh) {
        Place place(double perplexity, double entropy) {
            if (perplexity >= perplexityHigh && entropy <= entropyLow) {
                return Place.MISCONCEPTION;
            }
            if (perplexity <= perplexityLow && entropy >= entropyHigh) {
                return Place.CALIBRATION;
            }
            if (perplexity >= perplexityHigh && entropy >= entropyHigh) {
                return Place.NOISE;
            }
            return perplexity <= perplexityLow && entropy <= entropyLow ? Place.MASTERED : Place.MIDDLE;
        }
    }

    /**
     * What becomes of a batch.
     *
     * @param kept   samples that stay, ascending
     * @param places of every sample: for one that stays, which of the two kinds it is treated as
     */
    record Choice(List<Integer> kept, List<Place> places) {
    }

    Quadrants(double[] perplexities, double[] entropies) {
        this.perplexities = perplexities;
        this.entropies = entropies;
        double[] errors = scaled(perplexities);
        double[] doubts = scaled(entropies);
        signed = IntStream.range(0, errors.length).mapToDouble(i -> errors[i] - doubts[i]).toArray();
    }

    /**
     * Scaled perplexity minus scaled entropy of each sample, both within the batch to 0 for the least and 1 for the
     * most.
     */
    double[] signed() {
        return signed.clone();
    }

    /** How many samples a batch keeps of so many. */
    static int budget(double share, int count) {
        return Math.max(1, (int) Math.floor(share * count + ROUNDING));
    }

    /** The samples of the batch to keep: {@code budget(share, count)} of them. */
    Choice choose(double share, int rounds, QTuning.Partition partition) {
        int target = budget(share, signed.length);
        List<Place> places = target == signed.length ? all(Place.MIDDLE) : places(share, rounds, partition, target);
        // The largest differences first, and of equal ones the earlier.
        Comparator<Integer> clearest = Comparator.comparingDouble(i -> -Math.abs(signed[i]));
        List<Integer> inside = IntStream.range(0, signed.length).filter(i -> places.get(i).kept()).boxed()
                .sorted(clearest).toList();
        List<Integer> outside = IntStream.range(0, signed.length).filter(i -> !places.get(i).kept()).boxed()
                .sorted(clearest).toList();
        Place[] found = places.toArray(new Place[0]);
        for (int i : inside.subList(Math.min(target, inside.size()), inside.size())) {
            found[i] = Place.MIDDLE;
        }
        for (int i : outside.subList(0, Math.max(0, target - inside.size()))) {
            found[i] = signed[i] >= 0 ? Place.MISCONCEPTION : Place.CALIBRATION;
        }
        return new Choice(IntStream.range(0, found.length).filter(i -> found[i].kept()).boxed().toList(),
                List.of(found));
    }

    private List<Place> places(double share, int rounds, QTuning.Partition partition, int target) {
        List<Thresholds> visited = visited(share, rounds);
        List<Place> last = places(visited.get(visited.size() - 1));
        if (partition == QTuning.Partition.LAST) {
            return last;
        }
        List<Place> best = null;
        for (Thresholds thresholds : visited) {
            List<Place> places = places(thresholds);
            if (count(places) <= target && (best == null || count(places) > count(best))) {
                best = places;
            }
        }
        return best == null ? last : best;
    }

    /** The partitions that the bisection comes to. */
    List<Thresholds> visited(double share, int rounds) {
        Thresholds[] visited = new Thresholds[rounds];
        double from = 0;
        double to = WIDEST;
        for (int k = 0; k < rounds; k++) {
            double middle = (from + to) / 2;
            visited[k] = new Thresholds(middle, quantile(perplexities, middle), quantile(perplexities, 1 - middle),
                    quantile(entropies, middle), quantile(entropies, 1 - middle));
            if (count(places(visited[k])) < share * signed.length) {
                from = middle;
            } else {
                to = middle;
            }
        }
        return List.of(visited);
    }

    private List<Place> places(Thresholds thresholds) {
        return IntStream.range(0, signed.length)
                .mapToObj(i -> thresholds.place(perplexities[i], entropies[i])).toList();
    }

    private List<Place> all(Place place) {
        return IntStream.range(0, signed.length).mapToObj(i -> place).toList();
    }

    private static int count(List<Place> places) {
        return (int) places.stream().filter(Place::kept).count();
    }

    /** The least value that at least this share of all do not exceed. */
    static double quantile(double[] values, double share) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[Math.max(1, (int) Math.ceil(share * sorted.length - ROUNDING)) - 1];
    }

    private static double[] scaled(double[] values) {
        double least = Arrays.stream(values).min().orElse(0);
        double range = Arrays.stream(values).max().orElse(0) - least;
        return Arrays.stream(values).map(value -> range == 0 ? 0 : (value - least) / range).toArray();
    }
}
