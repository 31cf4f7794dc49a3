package org.finetune4j.model;

import java.util.List;
import java.util.Random;
import org.nd4j.linalg.api.buffer.DataType;

/** Small random models and batches for tests. */
public final class TestModels {
    private TestModels() {
    }

    /** Two layers, grouped heads, odd sizes where sizes may be odd. */
    public static ModelConfig config(boolean tied) {
        return ModelConfig.llama(37, 24, 20, 2, 4, 2, 6, 1e-5, 10000, 64, tied, 0, List.of(1), DataType.FLOAT, 0.3);
    }

    /** Sequences of these lengths with random ids; about half of the tokens are supervised, each with a random weight. */
    public static PackedBatch batch(int vocabulary, long seed, int... lengths) {
        Random random = new Random(seed);
        int tokens = java.util.Arrays.stream(lengths).sum();
        int[] ids = random.ints(tokens, 0, vocabulary).toArray();
        int[] positions = new int[tokens];
        int[] offsets = new int[lengths.length + 1];
        java.util.List<Integer> rows = new java.util.ArrayList<>();
        for (int s = 0; s < lengths.length; s++) {
            offsets[s + 1] = offsets[s] + lengths[s];
            for (int p = 0; p < lengths[s]; p++) {
                positions[offsets[s] + p] = p;
                if (p + 1 < lengths[s] && p >= lengths[s] / 2 - 1) {
                    rows.add(offsets[s] + p);
                }
            }
        }
        int[] supervised = rows.stream().mapToInt(Integer::intValue).toArray();
        int[] labels = new int[supervised.length];
        float[] weights = new float[supervised.length];
        for (int r = 0; r < labels.length; r++) {
            labels[r] = ids[supervised[r] + 1];
            weights[r] = 0.2f + random.nextFloat();
        }
        return new PackedBatch(ids, positions, offsets, supervised, labels, weights);
    }
}
