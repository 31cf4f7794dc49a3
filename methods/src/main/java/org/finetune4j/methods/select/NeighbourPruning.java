package org.finetune4j.methods.select;

import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.data.Example;

/** Chooses the tokens of a sample that stay, by their surprise and that of their neighbours, for {@link QTuning}. */
final class NeighbourPruning {
    private NeighbourPruning() {
    }

    /** The perplexity of each token: one divided by its probability. */
    static double[] perplexities(float[] logProbabilities) {
        return IntStream.range(0, logProbabilities.length).mapToDouble(i -> Math.exp(-logProbabilities[i])).toArray();
    }

    /**
     * The sum of a token's neighbours; at the ends the one that there is counts twice, and a single token is its own.
     */
    private static double neighbours(double[] perplexities, int i) {
        int last = perplexities.length - 1;
        return last == 0 ? 2 * perplexities[0]
                : perplexities[i == 0 ? 1 : i - 1] + perplexities[i == last ? last - 1 : i + 1];
    }

    /** {@code (1 - lambda) PPL_i + lambda (PPL_(i-1) + PPL_(i+1))}. */
    static double[] scores(double[] perplexities, double lambda) {
        return IntStream.range(0, perplexities.length).mapToDouble(i -> (1 - lambda) * perplexities[i]
                + (lambda == 0 ? 0 : lambda * neighbours(perplexities, i))).toArray();
    }

    /**
     * Which learned tokens stay.
     *
     * @param keepsLast whether the last one stays in any case, in the place of the worst of the others
     */
    static boolean[] kept(float[] logProbabilities, double share, double lambda, QTuning.Rule rule, boolean keepsLast) {
        double[] perplexities = perplexities(logProbabilities);
        double[] scores = scores(perplexities, lambda);
        int count = scores.length;
        int budget = Quadrants.budget(share, count);
        double median = median(perplexities);
        List<Integer> worstFirst = IntStream.range(0, count).boxed()
                .sorted(Comparator.<Integer>comparingDouble(i -> -scores[i]).thenComparing(i -> -i))
                .filter(i -> rule == QTuning.Rule.SCORE
                        || perplexities[i] > median && neighbours(perplexities, i) / 2 > median)
                .filter(i -> !keepsLast || i != count - 1).toList();
        boolean[] kept = new boolean[count];
        Arrays.fill(kept, true);
        worstFirst.subList(0, Math.min(count - budget, worstFirst.size())).forEach(i -> kept[i] = false);
        return kept;
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
    }

    /** The sample without these learned tokens: taken out of the sequence, or kept as context that is not learned. */
    static Example pruned(Example example, boolean[] kept, QTuning.Removal removal) {
        int[] places = IntStream.range(1, example.ids().length).filter(i -> example.supervised()[i]).toArray();
        boolean[] removed = new boolean[example.ids().length];
        for (int t = 0; t < places.length; t++) {
            removed[places[t]] = !kept[t];
        }
        if (removal == QTuning.Removal.MASK_LOSS) {
            boolean[] supervised = example.supervised().clone();
            IntStream.range(0, removed.length).filter(i -> removed[i]).forEach(i -> supervised[i] = false);
            return new Example(example.id(), example.ids(), supervised, example.columns(), List.of());
        }
        int[] left = IntStream.range(0, removed.length).filter(i -> !removed[i]).toArray();
        boolean[] supervised = new boolean[left.length];
        Map<String, float[]> columns = new HashMap<>();
        example.columns().keySet().forEach(name -> columns.put(name, new float[left.length]));
        for (int i = 0; i < left.length; i++) {
            supervised[i] = example.supervised()[left[i]];
            for (String name : columns.keySet()) {
                columns.get(name)[i] = example.columns().get(name)[left[i]];
            }
        }
        return new Example(example.id(), Arrays.stream(left).map(i -> example.ids()[i]).toArray(), supervised, columns,
                List.of());
    }
}
