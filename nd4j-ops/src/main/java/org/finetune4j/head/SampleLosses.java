package org.finetune4j.head;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link SequenceLoss} made of the token losses of a batch.
 *
 * @param total     the sum over samples of weight times loss
 * @param gradients the derivative of {@code total} towards each token's loss {@code [supervised]}
 * @param values    numbers of each sample {@code [samples]} by name, {@code loss} and {@code divisor} among them
 */
public record SampleLosses(double total, double[] gradients, Map<String, double[]> values) {
    /** The name of what each sample's loss is a sum over, {@link SequenceLoss.Outcome#divisor()}. */
    public static final String DIVISOR = "divisor";

    /** No sample. */
    public static final SampleLosses NONE = new SampleLosses(0, new double[0], Map.of());

    /**
     * Applies a sequence loss to every sample of a batch.
     *
     * @param sequences the sequence of each supervised token {@code [supervised]}, ascending
     * @param losses    {@code [supervised]}
     * @param weights   {@code [supervised]}; a sample has the weight of its first token
     */
    static SampleLosses of(SequenceLoss sequenceLoss, BatchExtras extras, int[] sequences, double[] losses,
                           double[] weights, boolean training) {
        BatchExtras.Groups groups = extras.groups();
        int[] ends = ends(sequences, groups);
        int samples = groups == null ? ends.length : groups.samples().size();
        double[] gradients = new double[losses.length];
        Map<String, double[]> values = new LinkedHashMap<>();
        double total = 0;
        for (int g = 0; g < samples; g++) {
            int firstSequence = groups == null ? g : groups.starts()[g];
            int lastSequence = groups == null ? g + 1 : groups.starts()[g + 1];
            List<SequenceLoss.Member> members = new ArrayList<>();
            for (int s = firstSequence; s < lastSequence; s++) {
                members.add(member(extras, losses, s == 0 ? 0 : ends[s - 1], ends[s]));
            }
            int first = firstSequence == 0 ? 0 : ends[firstSequence - 1];
            if (members.get(0).losses().length == 0) {
                throw new IllegalArgumentException("sample " + g + " of the batch has no supervised token");
            }
            SequenceLoss.Outcome outcome = sequenceLoss.of(groups == null ? "" : groups.samples().get(g), members, training);
            double weight = weights[first];
            total += weight * outcome.loss();
            int at = first;
            for (double[] own : outcome.gradients()) {
                for (double gradient : own) {
                    gradients[at++] = weight * gradient;
                }
            }
            put(values, "loss", samples, g, outcome.loss());
            put(values, DIVISOR, samples, g, outcome.divisor());
            int sample = g;
            outcome.logged().forEach((name, value) -> put(values, name, samples, sample, value));
        }
        return new SampleLosses(total, gradients, values);
    }

    private static void put(Map<String, double[]> values, String name, int samples, int sample, double value) {
        values.computeIfAbsent(name, key -> new double[samples])[sample] = value;
    }

    /** Where the supervised tokens of each sequence end. */
    private static int[] ends(int[] sequences, BatchExtras.@Nullable Groups groups) {
        int count = groups != null ? groups.starts()[groups.samples().size()]
                : sequences.length == 0 ? 0 : sequences[sequences.length - 1] + 1;
        int[] ends = new int[count];
        for (int sequence : sequences) {
            ends[sequence]++;
        }
        for (int s = 1; s < ends.length; s++) {
            ends[s] += ends[s - 1];
        }
        return ends;
    }

    private static SequenceLoss.Member member(BatchExtras extras, double[] losses, int from, int to) {
        Map<String, float[]> columns = new LinkedHashMap<>();
        extras.columns().forEach((name, all) -> columns.put(name, Arrays.copyOfRange(all, from, to)));
        return new SequenceLoss.Member(Arrays.copyOfRange(losses, from, to), columns);
    }
}
