package org.finetune4j.train;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.model.PackedBatch;

/**
 * Lays the micro-batches of one optimiser step out for the engine. The weights hold the normaliser of the whole step,
 * so that however a step is split, its gradient is the same.
 */
public final class StepBatches {
    private StepBatches() {
    }

    /**
     * The packed micro-batches of one step.
     *
     * @throws FinetuneException when a sample has no supervised token
     */
    public static List<PackedBatch> of(List<List<Example>> step, Reduction reduction) {
        long tokens = 0;
        long sequences = 0;
        for (List<Example> batch : step) {
            for (Example example : batch) {
                int supervised = example.supervisedTokens();
                if (supervised == 0) {
                    throw new FinetuneException(example.id() + " has no token to learn, so that its loss is not defined. "
                            + "Give it a response or remove it.");
                }
                tokens += supervised;
                sequences++;
            }
        }
        long supervisedTokens = tokens;
        long allSequences = sequences;
        return step.stream().map(batch -> pack(batch, reduction, supervisedTokens, allSequences)).toList();
    }

    private static PackedBatch pack(List<Example> batch, Reduction reduction, long stepTokens, long stepSequences) {
        int tokens = batch.stream().mapToInt(Example::inputTokens).sum();
        int supervised = batch.stream().mapToInt(Example::supervisedTokens).sum();
        int[] ids = new int[tokens];
        int[] positions = new int[tokens];
        int[] offsets = new int[batch.size() + 1];
        int[] rows = new int[supervised];
        int[] labels = new int[supervised];
        float[] weights = new float[supervised];
        int row = 0;
        for (int s = 0; s < batch.size(); s++) {
            Example example = batch.get(s);
            int start = offsets[s];
            int length = example.inputTokens();
            float weight = (float) switch (reduction) {
                case TOKENS -> 1.0 / stepTokens;
                case SEQUENCES -> 1.0 / ((double) stepSequences * example.supervisedTokens());
                case SUM_PER_SEQUENCE -> 1.0 / stepSequences;
            };
            for (int i = 0; i < length; i++) {
                ids[start + i] = example.ids()[i];
                positions[start + i] = i;
                if (example.supervised()[i + 1]) {
                    rows[row] = start + i;
                    labels[row] = example.ids()[i + 1];
                    weights[row] = weight;
                    row++;
                }
            }
            offsets[s + 1] = start + length;
        }
        return new PackedBatch(ids, positions, offsets, rows, labels, weights);
    }
}
