package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryPositions;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Grouped-query attention in two passes: the first brings the batch into scratch memory block by block, the second
 * computes from there, forward a block of queries and a key-value head at a time, and backward a span of keys and a
 * key-value head at a time.
 */
final class Attention implements AutoCloseable {
    private final Workers workers;
    private final AttentionScratch scratch = new AttentionScratch();

    Attention(Workers workers) {
        this.workers = workers;
    }

    synchronized void run(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                          @Nullable RotaryPositions rotary, INDArray out, INDArray logSums) {
        String kernel = "attention";
        boolean bfloat16 = check(kernel, query, key, value, shape);
        like(kernel, query, out);
        checkLogSums(kernel, logSums, query, shape);
        int[] starts = Operands.offsets(kernel, offsets, query.size(0));
        Angles angles = Angles.of(kernel, rotary, query, shape.headDimension());
        if (query.length() == 0) {
            return;
        }
        long queries = Operands.address(kernel, query);
        long keys = Operands.address(kernel, key);
        long values = Operands.address(kernel, value);
        AttentionLayout layout = layout(shape, bfloat16, starts, new int[starts.length - 1]);
        scratch.reserveForward(layout);
        AttentionLoading loading = new AttentionLoading(layout, scratch, angles);
        workers.run(layout.blocks().count(), (worker, block) -> {
            loading.queries(worker, block, queries);
            loading.keysAndValues(worker, block, keys, values);
        });
        forwardPass(new AttentionForward(layout, scratch, Operands.address(kernel, out),
                Operands.address(kernel, logSums)), layout);
    }

    synchronized void gradient(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                               @Nullable RotaryPositions rotary, INDArray out, INDArray logSums, INDArray outGradient,
                               INDArray queryGradient, INDArray keyGradient, INDArray valueGradient) {
        String kernel = "attentionGradient";
        boolean bfloat16 = check(kernel, query, key, value, shape);
        like(kernel, query, out);
        checkLogSums(kernel, logSums, query, shape);
        like(kernel, query, outGradient);
        like(kernel, query, queryGradient);
        like(kernel, key, keyGradient);
        like(kernel, value, valueGradient);
        int[] starts = Operands.offsets(kernel, offsets, query.size(0));
        Angles angles = Angles.of(kernel, rotary, query, shape.headDimension());
        if (query.length() == 0) {
            return;
        }
        long queries = Operands.address(kernel, query);
        long keys = Operands.address(kernel, key);
        long values = Operands.address(kernel, value);
        long outs = Operands.address(kernel, out);
        long outGradients = Operands.address(kernel, outGradient);
        long logs = Operands.address(kernel, logSums);
        AttentionLayout layout = layout(shape, bfloat16, starts, new int[starts.length - 1]);
        scratch.reserveBackward(layout);
        AttentionLoading loading = new AttentionLoading(layout, scratch, angles);
        workers.run(layout.blocks().count(), (worker, block) -> {
            loading.queries(worker, block, queries);
            loading.keysAndValues(worker, block, keys, values);
            loading.outGradients(worker, block, outs, outGradients, logs);
        });
        AttentionBackward backward = new AttentionBackward(layout, scratch, angles,
                Operands.address(kernel, queryGradient), Operands.address(kernel, keyGradient),
                Operands.address(kernel, valueGradient));
        workers.run(backward.chunks(), backward::run);
    }

    synchronized void cached(INDArray query, INDArray key, INDArray value, INDArray keyCache, INDArray valueCache,
                             INDArray cacheLengths, INDArray offsets, AttentionShape shape,
                             @Nullable RotaryPositions rotary, INDArray out) {
        String kernel = "cachedAttention";
        if (!shape.scores().causal()) {
            throw new IllegalArgumentException(kernel + ": " + shape + " is not causal, so cached tokens would have to see "
                    + "the new ones; use attention over whole sequences");
        }
        boolean bfloat16 = check(kernel, query, key, value, shape);
        like(kernel, query, out);
        int[] starts = Operands.offsets(kernel, offsets, query.size(0));
        int[] lengths = Operands.integers(kernel, cacheLengths);
        checkCache(kernel, key, keyCache, valueCache, cacheLengths, shape, starts, lengths);
        Angles angles = Angles.of(kernel, rotary, query, shape.headDimension());
        if (query.length() == 0) {
            return;
        }
        AttentionCache cache = new AttentionCache(Operands.address(kernel, keyCache), Operands.address(kernel, valueCache),
                keyCache.size(1));
        long queries = Operands.address(kernel, query);
        long keys = Operands.address(kernel, key);
        long values = Operands.address(kernel, value);
        long outs = Operands.address(kernel, out);
        if (AttentionDecoding.suits(starts)) {
            AttentionDecoding decoding = new AttentionDecoding(shape, bfloat16, starts, lengths, cache, angles);
            workers.run(decoding.chunks(), (worker, chunk) -> decoding.run(worker, chunk, queries, keys, values, outs));
            return;
        }
        AttentionLayout layout = layout(shape, bfloat16, starts, lengths);
        scratch.reserveForward(layout);
        AttentionLoading loading = new AttentionLoading(layout, scratch, angles);
        workers.run(layout.blocks().count(), (worker, block) -> {
            loading.queries(worker, block, queries);
            loading.append(worker, block, keys, values, cache);
        });
        int[][] spans = layout.keySpans();
        workers.run(spans.length, (worker, i) -> loading.cached(worker, spans[i][0], spans[i][1], cache));
        forwardPass(new AttentionForward(layout, scratch, outs, 0), layout);
    }

    private AttentionLayout layout(AttentionShape shape, boolean bfloat16, int[] starts, int[] past) {
        return AttentionLayout.of(shape, bfloat16, bfloat16 && workers.bfloat16(), starts, past);
    }

    /** The blocks with the most keys first, so that the threads end at about the same time. */
    private void forwardPass(AttentionForward forward, AttentionLayout layout) {
        int heads = layout.shape().keyValueHeads();
        int count = layout.blocks().count();
        int[] order = layout.longestFirst();
        workers.run(count * heads, (worker, chunk) -> forward.run(worker, order[chunk / heads], chunk % heads));
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

    private static void checkLogSums(String kernel, INDArray logSums, INDArray query, AttentionShape shape) {
        if (logSums.dataType() != DataType.FLOAT) {
            throw new IllegalArgumentException(kernel + ": logSumExp of shape " + Arrays.toString(logSums.shape()) + " is "
                    + logSums.dataType() + ", but must be FLOAT");
        }
        Operands.shape(kernel, logSums, query, query.size(0), shape.heads());
    }

    private static void checkCache(String kernel, INDArray key, INDArray keyCache, INDArray valueCache,
                                   INDArray cacheLengths, AttentionShape shape, int[] starts, int[] lengths) {
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
    }

    private static void like(String kernel, INDArray first, INDArray second) {
        Operands.sameType(kernel, first, second);
        Operands.sameShape(kernel, first, second);
    }

    @Override
    public synchronized void close() {
        scratch.close();
    }
}
