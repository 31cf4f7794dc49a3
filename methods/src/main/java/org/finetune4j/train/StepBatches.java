package org.finetune4j.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.head.BatchExtras;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.model.PackedBatch;
import org.jspecify.annotations.Nullable;

/**
 * Lays the micro-batches of one optimiser step out for the engine. The weights hold the normaliser of the whole step,
 * so that however a step is split, its gradient is the same.
 */
public final class StepBatches {
    private StepBatches() {
    }

    /**
     * The packed micro-batches of one step, without keys.
     *
     * @throws FinetuneException when a sample has no supervised token
     */
    public static List<PackedBatch> of(List<List<Example>> step, Reduction reduction) {
        return of(step, reduction, null);
    }

    /**
     * The packed micro-batches of one step. Companions are laid behind their sample and counted in no normaliser.
     *
     * @param seed what the keys of tokens are made of, other for every step, or null for none
     * @throws FinetuneException when a sample has no supervised token
     */
    public static List<PackedBatch> of(List<List<Example>> step, Reduction reduction, @Nullable Long seed) {
        long tokens = 0;
        long sequences = 0;
        for (List<Example> batch : step) {
            for (Example example : batch) {
                for (Example sequence : example.sequences()) {
                    if (sequence.supervisedTokens() == 0) {
                        throw new FinetuneException(sequence.id() + " has no token to learn, so that its loss is not "
                                + "defined. Give it a response or remove it.");
                    }
                }
                tokens += example.supervisedTokens();
                sequences++;
            }
        }
        long supervisedTokens = tokens;
        long allSequences = sequences;
        return step.stream().map(batch -> pack(batch, reduction, supervisedTokens, allSequences, seed)).toList();
    }

    private static PackedBatch pack(List<Example> batch, Reduction reduction, long stepTokens, long stepSequences,
                                    @Nullable Long seed) {
        Layout layout = new Layout(batch, seed);
        for (Example example : batch) {
            float weight = (float) switch (reduction) {
                case TOKENS -> 1.0 / stepTokens;
                case SEQUENCES -> 1.0 / ((double) stepSequences * example.supervisedTokens());
                case SUM_PER_SEQUENCE -> 1.0 / stepSequences;
            };
            layout.add(example, weight);
        }
        return layout.batch();
    }

    /** The arrays of one micro-batch as they fill. */
    private static final class Layout {
        private final int[] ids;
        private final int[] positions;
        private final int[] offsets;
        private final int[] rows;
        private final int[] labels;
        private final float[] weights;
        private final int @Nullable [] keys;
        private final @Nullable Long seed;
        private final Map<String, float[]> columns = new LinkedHashMap<>();
        private final List<String> samples = new ArrayList<>();
        private final int[] starts;
        private int sequence;
        private int row;

        Layout(List<Example> batch, @Nullable Long seed) {
            List<Example> all = batch.stream().flatMap(example -> example.sequences().stream()).toList();
            int tokens = all.stream().mapToInt(Example::inputTokens).sum();
            int supervised = all.stream().mapToInt(Example::supervisedTokens).sum();
            ids = new int[tokens];
            positions = new int[tokens];
            offsets = new int[all.size() + 1];
            rows = new int[supervised];
            labels = new int[supervised];
            weights = new float[supervised];
            keys = seed == null ? null : new int[supervised];
            this.seed = seed;
            starts = new int[batch.size() + 1];
            Set<String> names = batch.get(0).columns().keySet();
            names.forEach(name -> columns.put(name, new float[supervised]));
        }

        void add(Example example, float weight) {
            for (Example part : example.sequences()) {
                addSequence(part, weight);
            }
            samples.add(example.id());
            starts[samples.size()] = sequence;
        }

        private void addSequence(Example example, float weight) {
            if (!example.columns().keySet().equals(columns.keySet())) {
                throw new FinetuneException(example.id() + " has the columns " + example.columns().keySet()
                        + " where others of its batch have " + columns.keySet() + ".");
            }
            int start = offsets[sequence];
            int length = example.inputTokens();
            long own = seed == null ? 0 : CounterRandom.seed(seed, example.id(), 0);
            for (int i = 0; i < length; i++) {
                ids[start + i] = example.ids()[i];
                positions[start + i] = i;
                if (example.supervised()[i + 1]) {
                    rows[row] = start + i;
                    labels[row] = example.ids()[i + 1];
                    weights[row] = weight;
                    if (keys != null) {
                        keys[row] = (int) CounterRandom.bits(own, i);
                    }
                    for (Map.Entry<String, float[]> column : columns.entrySet()) {
                        column.getValue()[row] = example.columns().get(column.getKey())[i + 1];
                    }
                    row++;
                }
            }
            offsets[++sequence] = start + length;
        }

        PackedBatch batch() {
            return new PackedBatch(ids, positions, offsets, rows, labels, weights,
                    new BatchExtras(columns, keys, new BatchExtras.Groups(starts, samples)));
        }
    }
}
