package org.finetune4j.kernel.onednn;

import org.finetune4j.kernel.RotaryAngles;
import org.finetune4j.kernel.RotaryTable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The rotary position embedding. */
final class Rotation {
    private static final int CHUNK = 1 << 15;
    private final Workers workers;

    Rotation(Workers workers) {
        this.workers = workers;
    }

    void run(INDArray x, INDArray positions, RotaryTable table, boolean inverse, INDArray out) {
        String kernel = "rotary";
        Operands.matrix(kernel, x);
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        Operands.sameType(kernel, x, out);
        Operands.sameShape(kernel, x, out);
        Operands.shape(kernel, positions, x, x.size(0));
        int head = table.headDimension();
        if (x.size(1) % head != 0) {
            throw Operands.mismatch(kernel, x, out, "the width must be a multiple of the table's head dimension " + head);
        }
        if (x.length() == 0) {
            return;
        }
        int[] places = Operands.indices(kernel, positions, Integer.MAX_VALUE);
        RotaryAngles angles = table.angles(places);
        float[] cosines = angles.cosines(places);
        float[] sines = angles.sines(places);
        int pairs = table.pairs();
        int width = Math.toIntExact(x.size(1));
        long rowBytes = (long) width * Lanes.width(bfloat16);
        long from = Operands.address(kernel, x);
        long to = Operands.address(kernel, out);
        // In lane order an even head with an even number of pairs falls into two heads of half the size: its even numbers,
        // which turn by the even pairs' angles, and its odd ones.
        boolean split = bfloat16 && pairs % 2 == 0 && head % 2 == 0;
        int perChunk = Math.max(1, CHUNK / width);
        float sign = inverse ? -1 : 1;
        workers.run((places.length + perChunk - 1) / perChunk, (worker, chunk) -> {
            float[] row = worker.floats(0, width);
            float[] cos = worker.floats(1, pairs);
            float[] sin = worker.floats(2, pairs);
            int end = Math.min(places.length, (chunk + 1) * perChunk);
            for (int r = chunk * perChunk; r < end; r++) {
                for (int i = 0; i < pairs; i++) {
                    int lane = Lanes.lane(split, i, pairs);
                    cos[lane] = cosines[places[r] * pairs + i];
                    sin[lane] = sines[places[r] * pairs + i] * sign;
                }
                if (split) {
                    Lanes.load(worker, true, from + r * rowBytes, width, row);
                    turn(row, 0, width / 2, head / 2, pairs / 2, cos, sin, 0);
                    turn(row, width / 2, width, head / 2, pairs / 2, cos, sin, pairs / 2);
                    Lanes.store(worker, true, row, width, to + r * rowBytes);
                } else {
                    Lanes.loadInOrder(worker, bfloat16, from + r * rowBytes, width, row);
                    turn(row, 0, width, head, pairs, cos, sin, 0);
                    Lanes.storeInOrder(worker, bfloat16, row, width, to + r * rowBytes);
                }
            }
        });
    }

    private static void turn(float[] row, int start, int end, int head, int pairs, float[] cos, float[] sin, int angle) {
        for (int first = start; first < end; first += head) {
            for (int i = 0; i < pairs; i++) {
                float a = row[first + i];
                float b = row[first + pairs + i];
                row[first + i] = a * cos[angle + i] - b * sin[angle + i];
                row[first + pairs + i] = b * cos[angle + i] + a * sin[angle + i];
            }
        }
    }
}
