package org.finetune4j.kernel.onednn;

import org.jspecify.annotations.Nullable;

/**
 * Turns heads of single tokens by the tokens' angles, for so few numbers that oneDNN's calls would take longer.
 *
 * <p>Number {@code i} of a head is paired with number {@code i + pairs}; with the angle of the pair,
 * {@code (a, b) -> (a cos - b sin, b cos + a sin)}, and numbers beyond the pairs stay. In f32; where arrays are BFLOAT16,
 * rounded once at the end.
 */
final class TurnedRow {
    private static final int COSINES = 0;
    private static final int SINES = 1;
    private static final int NUMBERS = 2;
    private static final int TURNED = 3;

    private TurnedRow() {
    }

    /** Writes {@code heads} heads of a token, which lie beside one another, turned; null turns nothing. */
    static void copy(Worker worker, boolean bfloat16, @Nullable Angles angles, int token, long from, int heads,
                     int depth, long to) {
        int count = heads * depth;
        if (angles == null) {
            Memory.copy(from, to, (long) count * Lanes.width(bfloat16));
            return;
        }
        int pairs = angles.pairs();
        float[] cosines = worker.floats(COSINES, pairs);
        float[] sines = worker.floats(SINES, pairs);
        angles.cosines(token, 1, cosines);
        angles.sines(token, 1, sines);
        float[] x = worker.floats(NUMBERS, count);
        float[] turned = worker.floats(TURNED, count);
        Lanes.loadInOrder(worker, bfloat16, from, count, x);
        for (int head = 0; head < heads; head++) {
            turn(x, head * depth, pairs, cosines, sines, turned);
            System.arraycopy(x, head * depth + 2 * pairs, turned, head * depth + 2 * pairs, depth - 2 * pairs);
        }
        Lanes.storeInOrder(worker, bfloat16, turned, count, to);
    }

    private static void turn(float[] x, int start, int pairs, float[] cosines, float[] sines, float[] turned) {
        int second = start + pairs;
        for (int i = 0; i < pairs; i++) {
            turned[start + i] = x[start + i] * cosines[i] - x[second + i] * sines[i];
        }
        for (int i = 0; i < pairs; i++) {
            turned[second + i] = x[second + i] * cosines[i] + x[start + i] * sines[i];
        }
    }
}
