package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Deals out the columns of a matrix to several, and joins them again: copies of runs of a row. */
final class Parts {
    private static final long CHUNK_BYTES = 1 << 18;
    private final Workers workers;

    Parts(Workers workers) {
        this.workers = workers;
    }

    void split(INDArray x, int[] counts, List<INDArray> outs) {
        move("split", x, counts, outs, true);
    }

    void join(List<@Nullable INDArray> parts, int[] counts, INDArray out) {
        move("join", out, counts, parts, false);
    }

    private void move(String kernel, INDArray whole, int[] counts, List<? extends @Nullable INDArray> parts,
                      boolean outwards) {
        int runs = check(kernel, whole, counts, parts);
        if (whole.length() == 0) {
            return;
        }
        int width = Lanes.width(Operands.isBfloat16(kernel, whole));
        long base = Operands.address(kernel, whole);
        long[] addresses = parts.stream().mapToLong(part -> part == null ? 0 : Operands.address(kernel, part)).toArray();
        long rowBytes = whole.size(1) * width;
        int rows = Math.toIntExact(whole.size(0));
        int perChunk = (int) Math.max(1, CHUNK_BYTES / rowBytes);
        workers.run((rows + perChunk - 1) / perChunk, (worker, chunk) -> {
            int end = Math.min(rows, (chunk + 1) * perChunk);
            for (int r = chunk * perChunk; r < end; r++) {
                long place = base + r * rowBytes;
                for (int run = 0; run < runs; run++) {
                    for (int i = 0; i < counts.length; i++) {
                        long bytes = (long) counts[i] * width;
                        long part = addresses[i] + ((long) r * runs + run) * bytes;
                        if (addresses[i] == 0) {
                            Memory.zero(place, bytes);
                        } else {
                            Memory.copy(outwards ? place : part, outwards ? part : place, bytes);
                        }
                        place += bytes;
                    }
                }
            }
        });
    }

    /** Refuses what does not fit, and says how many runs a row has. */
    private static int check(String kernel, INDArray whole, int[] counts, List<? extends @Nullable INDArray> parts) {
        Operands.matrix(kernel, whole);
        Operands.isBfloat16(kernel, whole);
        int period = Arrays.stream(counts).sum();
        if (counts.length != parts.size() || period == 0 || whole.size(1) % period != 0
                || parts.stream().allMatch(Objects::isNull)) {
            throw new IllegalArgumentException(kernel + ": an array of shape " + Arrays.toString(whole.shape())
                    + " cannot be parted into " + Arrays.toString(counts) + " by " + parts.size()
                    + " arrays; the counts must come to a divisor of the width, and each have its array");
        }
        int runs = Math.toIntExact(whole.size(1) / period);
        for (int i = 0; i < counts.length; i++) {
            INDArray part = parts.get(i);
            if (part != null) {
                Operands.sameType(kernel, whole, part);
                Operands.shape(kernel, part, whole, whole.size(0), (long) runs * counts[i]);
            }
        }
        return runs;
    }
}
