package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import org.bytedeco.dnnl.global.dnnl;
import org.finetune4j.kernel.AttentionShape;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Causal grouped-query attention. Each sequence and key-value head is computed by one thread: its keys, values and
 * queries are gathered into contiguous memory with the query heads of the group below one another, and the queries are
 * taken a block of tokens at a time against the keys up to the block's end.
 *
 * <p>Gathered matrices are filled with zero rows to a few fixed sizes, because oneDNN compiles code for every new one.
 */
final class Attention {
    private static final int BLOCK = 64;
    private static final long SCORE_BYTES = 8 << 20;
    private static final int KEYS = 0;
    private static final int VALUES = 1;
    private static final int QUERIES = 2;
    private static final int SCORES = 3;
    private static final int PROBABILITIES = 4;
    private static final int RESULT = 5;
    private static final int OUT_GRADIENTS = 6;
    private static final int PROBABILITY_GRADIENTS = 7;
    private static final int KEY_GRADIENTS = 8;
    private static final int VALUE_GRADIENTS = 9;
    private static final int SCORE_GRADIENTS = 10;
    private final Workers workers;

    Attention(Workers workers) {
        this.workers = workers;
    }

    void run(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape, INDArray out) {
        String kernel = "attention";
        boolean bfloat16 = check(kernel, query, key, value, shape);
        like(kernel, query, out);
        int[] starts = Operands.offsets(kernel, offsets, query.size(0));
        if (query.length() == 0) {
            return;
        }
        long queries = Operands.address(kernel, query);
        long keys = Operands.address(kernel, key);
        long values = Operands.address(kernel, value);
        long outs = Operands.address(kernel, out);
        long rowBytes = (long) shape.keyValueWidth() * Lanes.width(bfloat16);
        workers.run((starts.length - 1) * shape.keyValueHeads(), (worker, chunk) -> {
            int sequence = chunk / shape.keyValueHeads();
            int first = starts[sequence];
            int count = starts[sequence + 1] - first;
            new Unit(worker, shape, bfloat16, chunk % shape.keyValueHeads())
                    .forward(queries, first, count, keys + first * rowBytes, values + first * rowBytes, 0, outs);
        });
    }

    void gradient(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape, INDArray out,
                  INDArray outGradient, INDArray queryGradient, INDArray keyGradient, INDArray valueGradient) {
        String kernel = "attentionGradient";
        boolean bfloat16 = check(kernel, query, key, value, shape);
        like(kernel, query, out);
        like(kernel, query, outGradient);
        like(kernel, query, queryGradient);
        like(kernel, key, keyGradient);
        like(kernel, value, valueGradient);
        int[] starts = Operands.offsets(kernel, offsets, query.size(0));
        if (query.length() == 0) {
            return;
        }
        long queries = Operands.address(kernel, query);
        long keys = Operands.address(kernel, key);
        long values = Operands.address(kernel, value);
        long outGradients = Operands.address(kernel, outGradient);
        long queryGradients = Operands.address(kernel, queryGradient);
        long keyGradients = Operands.address(kernel, keyGradient);
        long valueGradients = Operands.address(kernel, valueGradient);
        workers.run((starts.length - 1) * shape.keyValueHeads(), (worker, chunk) -> {
            int sequence = chunk / shape.keyValueHeads();
            new Unit(worker, shape, bfloat16, chunk % shape.keyValueHeads()).backward(queries, keys, values, outGradients,
                    starts[sequence], starts[sequence + 1] - starts[sequence], queryGradients, keyGradients, valueGradients);
        });
    }

    void cached(INDArray query, INDArray key, INDArray value, INDArray keyCache, INDArray valueCache, INDArray cacheLengths,
                INDArray offsets, AttentionShape shape, INDArray out) {
        String kernel = "cachedAttention";
        boolean bfloat16 = check(kernel, query, key, value, shape);
        like(kernel, query, out);
        int[] starts = Operands.offsets(kernel, offsets, query.size(0));
        int[] lengths = Operands.integers(kernel, cacheLengths);
        if (keyCache.rank() != 3 || keyCache.size(0) != starts.length - 1 || keyCache.size(2) != shape.keyValueWidth()
                || lengths.length != starts.length - 1) {
            throw Operands.mismatch(kernel, cacheLengths, keyCache, "with " + (starts.length - 1) + " sequences the cache must be ["
                    + (starts.length - 1) + ", capacity, " + shape.keyValueWidth() + "] and its lengths as many");
        }
        like(kernel, keyCache, valueCache);
        Operands.sameType(kernel, key, keyCache);
        long capacity = keyCache.size(1);
        for (int i = 0; i < lengths.length; i++) {
            int added = starts[i + 1] - starts[i];
            if (lengths[i] < 0 || lengths[i] + (long) added > capacity) {
                throw new IllegalArgumentException(kernel + ": sequence " + i + " holds " + lengths[i] + " places and brings "
                        + added + " new ones, but the cache of shape " + Arrays.toString(keyCache.shape())
                        + " has capacity " + capacity);
            }
        }
        if (query.length() == 0) {
            return;
        }
        long queries = Operands.address(kernel, query);
        long keys = Operands.address(kernel, key);
        long values = Operands.address(kernel, value);
        long cachedKeys = Operands.address(kernel, keyCache);
        long cachedValues = Operands.address(kernel, valueCache);
        long outs = Operands.address(kernel, out);
        long rowBytes = (long) shape.keyValueWidth() * Lanes.width(bfloat16);
        workers.run(lengths.length * shape.keyValueHeads(), (worker, chunk) -> {
            int sequence = chunk / shape.keyValueHeads();
            int first = starts[sequence];
            int count = starts[sequence + 1] - first;
            long base = sequence * capacity * rowBytes;
            Unit unit = new Unit(worker, shape, bfloat16, chunk % shape.keyValueHeads());
            unit.append(keys, first, count, cachedKeys + base, lengths[sequence]);
            unit.append(values, first, count, cachedValues + base, lengths[sequence]);
            unit.forward(queries, first, count, cachedKeys + base, cachedValues + base, lengths[sequence], outs);
        });
    }

    private static boolean check(String kernel, INDArray query, INDArray key, INDArray value, AttentionShape shape) {
        Operands.matrix(kernel, query);
        boolean bfloat16 = Operands.isBfloat16(kernel, query);
        Operands.sameType(kernel, query, key);
        Operands.shape(kernel, query, key, query.size(0), shape.queryWidth());
        Operands.shape(kernel, key, query, query.size(0), shape.keyValueWidth());
        like(kernel, key, value);
        return bfloat16;
    }

    private static void like(String kernel, INDArray first, INDArray second) {
        Operands.sameType(kernel, first, second);
        Operands.sameShape(kernel, first, second);
    }

    /** The size to which {@code count} rows are filled up. */
    private static int filled(int count) {
        if (count <= 8) {
            return count <= 2 ? count : count <= 4 ? 4 : 8;
        }
        return count <= 128 ? (count + 15) / 16 * 16 : (count + 63) / 64 * 64;
    }

    /** One sequence's work for one key-value head. */
    private static final class Unit {
        private final Worker worker;
        private final AttentionShape shape;
        private final boolean bfloat16;
        private final int head;
        private final int width;
        private final int depth;
        private final int group;
        private final long headBytes;
        private final long queryBytes;
        private final long keyBytes;
        private final int type;

        Unit(Worker worker, AttentionShape shape, boolean bfloat16, int head) {
            this.worker = worker;
            this.shape = shape;
            this.bfloat16 = bfloat16;
            this.head = head;
            width = Lanes.width(bfloat16);
            depth = shape.headDimension();
            group = shape.group();
            headBytes = (long) depth * width;
            queryBytes = (long) shape.queryWidth() * width;
            keyBytes = (long) shape.keyValueWidth() * width;
            type = bfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32;
        }

        /** Copies this head's part of new rows into a cache. */
        void append(long rows, int first, int count, long cache, int filled) {
            for (int i = 0; i < count; i++) {
                Memory.copy(rows + (first + i) * keyBytes + head * headBytes,
                        cache + ((long) filled + i) * keyBytes + head * headBytes, headBytes);
            }
        }

        /**
         * Attends with the queries of rows {@code first..first + count} to {@code prefix} keys and as many more as there
         * are queries before and with each.
         */
        void forward(long queries, int first, int count, long keys, long values, int prefix, long outs) {
            if (count == 0) {
                return;
            }
            int total = prefix + count;
            long k = gather(KEYS, keys, total);
            long v = gather(VALUES, values, total);
            int block = blockRows(total);
            for (int start = 0; start < count; start += block) {
                int rows = Math.min(block, count - start);
                int rowsFilled = filled(rows);
                int seen = prefix + start + rows;
                int columns = filled(seen);
                int m = group * rowsFilled;
                long q = gatherHeads(QUERIES, queries, first + start, rows, rowsFilled);
                long scores = scores(q, k, m, columns);
                for (int row = 0; row < m; row++) {
                    int local = row % rowsFilled;
                    probabilities(scores, row, local < rows ? prefix + start + local + 1 : 0, columns);
                }
                long p = converted(PROBABILITIES, scores, m * columns);
                long result = worker.buffer(RESULT, m * headBytes);
                new Matmul(m, depth, columns, columns, 1, depth, 1, depth, type, type, 1, false).run(worker, p, v, result);
                scatterHeads(result, outs, first + start, rows, rowsFilled);
            }
        }

        void backward(long queries, long keys, long values, long outGradients, int first, int count, long queryGradients,
                      long keyGradients, long valueGradients) {
            if (count == 0) {
                return;
            }
            long k = gather(KEYS, keys + first * keyBytes, count);
            long v = gather(VALUES, values + first * keyBytes, count);
            int allColumns = filled(count);
            long keySums = zeroed(KEY_GRADIENTS, 4L * allColumns * depth);
            long valueSums = zeroed(VALUE_GRADIENTS, 4L * allColumns * depth);
            int block = blockRows(count);
            for (int start = 0; start < count; start += block) {
                int rows = Math.min(block, count - start);
                int rowsFilled = filled(rows);
                int columns = filled(start + rows);
                int m = group * rowsFilled;
                long q = gatherHeads(QUERIES, queries, first + start, rows, rowsFilled);
                long g = gatherHeads(OUT_GRADIENTS, outGradients, first + start, rows, rowsFilled);
                long scores = scores(q, k, m, columns);
                long slopes = worker.buffer(PROBABILITY_GRADIENTS, 4L * m * columns);
                new Matmul(m, columns, depth, depth, 1, 1, depth, columns, type, dnnl.dnnl_f32, 1, false)
                        .run(worker, g, v, slopes);
                for (int row = 0; row < m; row++) {
                    int local = row % rowsFilled;
                    int valid = local < rows ? start + local + 1 : 0;
                    float[] tile = probabilities(scores, row, valid, columns);
                    scoreGradients(slopes + 4L * row * columns, tile, valid, columns);
                }
                long p = converted(PROBABILITIES, scores, m * columns);
                long s = converted(SCORE_GRADIENTS, slopes, m * columns);
                new Matmul(columns, depth, m, 1, columns, depth, 1, depth, type, dnnl.dnnl_f32, 1, true)
                        .run(worker, p, g, valueSums);
                new Matmul(columns, depth, m, 1, columns, depth, 1, depth, type, dnnl.dnnl_f32, 1, true)
                        .run(worker, s, q, keySums);
                long result = worker.buffer(RESULT, m * headBytes);
                new Matmul(m, depth, columns, columns, 1, depth, 1, depth, type, type, 1, false).run(worker, s, k, result);
                scatterHeads(result, queryGradients, first + start, rows, rowsFilled);
            }
            writeRows(keySums, keyGradients, first, count);
            writeRows(valueSums, valueGradients, first, count);
        }

        /** Tokens per block such that the scores of all heads of the group stay within their bound. */
        private int blockRows(int keys) {
            long bound = SCORE_BYTES / (4L * group * filled(keys));
            return (int) Math.max(16, Math.min(BLOCK, bound / 16 * 16));
        }

        private long scores(long q, long k, int m, int columns) {
            long scores = worker.buffer(SCORES, 4L * m * columns);
            new Matmul(m, columns, depth, depth, 1, 1, depth, columns, type, dnnl.dnnl_f32, 1, false).run(worker, q, k, scores);
            return scores;
        }

        /** Where numbers are in the type of the products: in place, or converted to BFLOAT16. */
        private long converted(int slot, long numbers, int count) {
            if (!bfloat16) {
                return numbers;
            }
            long target = worker.buffer(slot, 2L * count);
            new Conversion(count, true).run(worker, numbers, target);
            return target;
        }

        /** Replaces a row of scores by the softmax over the first {@code valid}, and zero beyond. */
        private float[] probabilities(long scores, int row, int valid, int columns) {
            float[] tile = worker.floats(0, columns);
            Memory.read(scores + 4L * row * columns, tile, 0, valid);
            float scale = shape.scale();
            for (int i = 0; i < valid; i++) {
                tile[i] *= scale;
            }
            if (valid > 0) {
                VectorMath.exp(worker, tile, -VectorMath.max(worker, tile, valid), tile, valid);
                float inverse = 1 / VectorMath.sum(tile, valid);
                for (int i = 0; i < valid; i++) {
                    tile[i] *= inverse;
                }
            }
            for (int i = valid; i < columns; i++) {
                tile[i] = 0;
            }
            Memory.write(tile, 0, scores + 4L * row * columns, columns);
            return tile;
        }

        /** Replaces a row of slopes by {@code p * (slope - sum(p * slope)) * scale}. */
        private void scoreGradients(long slopes, float[] probabilities, int valid, int columns) {
            float[] tile = worker.floats(1, columns);
            Memory.read(slopes, tile, 0, columns);
            float along = VectorMath.dot(tile, probabilities, valid);
            float scale = shape.scale();
            for (int i = 0; i < columns; i++) {
                tile[i] = probabilities[i] * (tile[i] - along) * scale;
            }
            Memory.write(tile, 0, slopes, columns);
        }

        /** This head's part of {@code count} rows, and zero rows up to the filled size. */
        private long gather(int slot, long rows, int count) {
            int size = filled(count);
            long target = worker.buffer(slot, size * headBytes);
            if (shape.keyValueHeads() == 1) {
                Memory.copy(rows, target, count * headBytes);
            } else {
                for (int i = 0; i < count; i++) {
                    Memory.copy(rows + i * keyBytes + head * headBytes, target + i * headBytes, headBytes);
                }
            }
            Memory.zero(target + count * headBytes, (size - count) * headBytes);
            return target;
        }

        /** The rows of each query head of the group, head below head, each filled up with zero rows. */
        private long gatherHeads(int slot, long rows, int first, int count, int size) {
            long target = worker.buffer(slot, group * size * headBytes);
            for (int h = 0; h < group; h++) {
                long from = rows + first * queryBytes + (head * group + h) * headBytes;
                long to = target + h * size * headBytes;
                for (int i = 0; i < count; i++) {
                    Memory.copy(from + i * queryBytes, to + i * headBytes, headBytes);
                }
                Memory.zero(to + count * headBytes, (size - count) * headBytes);
            }
            return target;
        }

        private void scatterHeads(long source, long rows, int first, int count, int size) {
            for (int h = 0; h < group; h++) {
                long to = rows + first * queryBytes + (head * group + h) * headBytes;
                long from = source + h * size * headBytes;
                for (int i = 0; i < count; i++) {
                    Memory.copy(from + i * headBytes, to + i * queryBytes, headBytes);
                }
            }
        }

        /** Writes sums, which are floats, to this head's part of the rows of a sequence. */
        private void writeRows(long sums, long rows, int first, int count) {
            float[] tile = worker.floats(0, depth);
            for (int i = 0; i < count; i++) {
                Memory.read(sums + 4L * i * depth, tile, 0, depth);
                Lanes.storeInOrder(worker, bfloat16, tile, depth, rows + (first + i) * keyBytes + head * headBytes);
            }
        }

        private long zeroed(int slot, long bytes) {
            long address = worker.buffer(slot, bytes);
            Memory.zero(address, bytes);
            return address;
        }
    }
}
