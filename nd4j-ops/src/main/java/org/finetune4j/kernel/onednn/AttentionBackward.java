package org.finetune4j.kernel.onednn;

import static org.finetune4j.kernel.onednn.AttentionScratch.Part.KEYS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.LOG_SUMS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.MEANS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.OUT_GRADIENTS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.QUERIES;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.QUERY_SUMS;
import static org.finetune4j.kernel.onednn.AttentionScratch.Part.VALUES;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.global.dnnl;
import org.jspecify.annotations.Nullable;

/**
 * The gradients of attention: for one span of keys of one key-value head after another, with all blocks of queries that
 * see them. With {@code L} the logarithms of the sums and {@code M} the sums of {@code out * outGradient} per query:
 * {@code P' = e^(K Q' - L)}, {@code dV += P' dO}, {@code dS' = (V dO' - M) P'}, {@code dK += dS' Q}, {@code dQ += dS K},
 * where {@code Q} is turned and scaled already. With a softcap c it is {@code T' = c tanh(K Q' / c)} in the place of
 * {@code K Q'}, and {@code dS'} has the factor {@code 1 - (T' / c)^2} too. The spans add to a block's {@code dQ} in the order
 * of their keys.
 */
final class AttentionBackward {
    /** Keys per span: short sequences are cut finer, so that there is work for several threads. */
    private static final int LONG_SPAN = 256;
    private static final int SHORT_SPAN = 128;
    private static final int SHORT_SEQUENCE = 512;
    private static final int PROBABILITIES = 0;
    private static final int SLOPES = 1;
    private static final int KEY_SUMS = 2;
    private static final int VALUE_SUMS = 3;
    private static final int CAPPED = 4;
    private final AttentionLayout layout;
    private final AttentionScratch scratch;
    private final @Nullable Angles angles;
    private final long queryGradients;
    private final long keyGradients;
    private final long valueGradients;
    private final List<Span> spans = new ArrayList<>();
    private final Turns turns;

    /**
     * Keys {@code first .. first + rows} of a sequence, of which {@code rows - filling} exist; the {@code number}th span, of
     * which all but the last have {@code size} keys.
     */
    private record Span(int sequence, int keyValueHead, int number, int size, int first, int rows, int filling) {
    }

    AttentionBackward(AttentionLayout layout, AttentionScratch scratch, @Nullable Angles angles, long queryGradients,
                      long keyGradients, long valueGradients) {
        this.layout = layout;
        this.scratch = scratch;
        this.angles = angles;
        this.queryGradients = queryGradients;
        this.keyGradients = keyGradients;
        this.valueGradients = valueGradients;
        TokenBlocks blocks = layout.blocks();
        int sequences = layout.keys().length;
        int left = sequences;
        for (int number = 0; left > 0; number++) {
            left = 0;
            for (int s = 0; s < sequences; s++) {
                int begin = blocks.firstBlock(s);
                int end = blocks.firstBlock(s + 1);
                if (begin == end) {
                    continue;
                }
                int rows = blocks.start(end - 1) + blocks.filledRows(end - 1) - blocks.start(begin);
                int filling = blocks.filledRows(end - 1) - blocks.rows(end - 1);
                int span = rows <= SHORT_SEQUENCE ? SHORT_SPAN : LONG_SPAN;
                int first = number * span;
                if (first >= rows) {
                    continue;
                }
                left++;
                boolean last = first + span >= rows;
                for (int g = 0; g < layout.shape().keyValueHeads(); g++) {
                    spans.add(new Span(s, g, number, span, first, last ? rows - first : span, last ? filling : 0));
                }
            }
        }
        turns = new Turns(blocks.count() * layout.shape().keyValueHeads());
    }

    /** Number of chunks, to be run in order. */
    int chunks() {
        return spans.size();
    }

    void run(Worker worker, int chunk) {
        turns.run(() -> span(worker, spans.get(chunk)));
    }

    private void span(Worker worker, Span span) {
        TokenBlocks blocks = layout.blocks();
        int depth = layout.depth();
        long row = layout.keyRow(span.sequence, span.keyValueHead, span.first);
        long keys = scratch.at(KEYS) + row * layout.headBytes();
        long values = scratch.at(VALUES) + row * layout.valueStride() * layout.width();
        long sumBytes = 4L * span.rows * depth;
        long keySums = worker.buffer(KEY_SUMS, sumBytes);
        long valueSums = worker.buffer(VALUE_SUMS, sumBytes);
        Memory.zero(keySums, sumBytes);
        Memory.zero(valueSums, sumBytes);
        int firstBlock = blocks.firstBlock(span.sequence)
                + (layout.shape().scores().causal() ? span.first / TokenBlocks.ROWS : 0);
        int end = blocks.firstBlock(span.sequence + 1);
        for (int block = firstBlock; block < end && layout.firstSeen(block) < span.first + span.rows; block++) {
            block(worker, span, block, keys, values, keySums, valueSums);
            if (span.first + span.rows >= layout.seen(block)) {
                writeQueries(worker, block, span.keyValueHead);
            }
        }
        int token = blocks.token(blocks.firstBlock(span.sequence)) + span.first;
        int rows = span.rows - span.filling;
        long at = token * layout.keyBytes() + (long) span.keyValueHead * layout.arrayHeadBytes();
        HeadRows mover = new HeadRows(worker, 1, rows, depth).at(angles, token);
        mover.turn(keySums, layout.sums(span.rows), -1, 1, keyGradients + at, layout.arrayKeys());
        mover.move(valueSums, layout.sums(span.rows), valueGradients + at, layout.arrayKeys());
    }

    private void block(Worker worker, Span span, int block, long keys, long values, long keySums, long valueSums) {
        int depth = layout.depth();
        int type = layout.type();
        int columns = layout.columns(block);
        int skipped = Math.max(0, layout.firstSeen(block) - span.first);
        int seen = Math.min(span.rows, layout.seen(block) - span.first) - skipped;
        long seenKeys = keys + (long) skipped * layout.headBytes();
        long seenValues = values + (long) skipped * layout.valueStride() * layout.width();
        long row = layout.queryRow(block, span.keyValueHead * layout.shape().group());
        long queries = scratch.at(QUERIES) + row * layout.headBytes();
        long outGradients = scratch.at(OUT_GRADIENTS) + row * layout.headBytes();
        long logSums = scratch.at(LOG_SUMS) + 4 * row;
        long querySums = scratch.at(QUERY_SUMS) + 4 * row * depth;
        long probabilities = worker.buffer(PROBABILITIES, (long) span.rows * columns * layout.width());
        long slopes = worker.buffer(SLOPES, (long) span.rows * columns * layout.width());
        float softcap = (float) layout.shape().scores().softcap();
        CappedScores capping = new CappedScores(seen, columns, depth, type, softcap);
        long capped = softcap == 0 ? 0 : worker.buffer(CAPPED, 4L * span.rows * columns);
        if (softcap == 0) {
            new ScoreProduct(seen, columns, depth, depth, type, true)
                    .exponentials(worker, seenKeys, queries, logSums, probabilities);
        } else {
            capping.capped(worker, seenKeys, queries, capped);
            capping.probabilities(worker, capped, logSums, probabilities);
        }
        new ScoreMask(layout, block).zero(worker, probabilities, span.first + skipped, seen);
        Matmul ofKeys = new Matmul(seen, depth, columns, columns, 1, depth, 1, depth, type, dnnl.dnnl_f32, 1, true);
        ofKeys.run(worker, probabilities, outGradients, valueSums + 4L * skipped * depth);
        if (softcap > 0) {
            capping.timesSlopes(worker, capped, probabilities);
        }
        new ScoreProduct(seen, columns, depth, layout.valueStride(), type, false)
                .times(worker, seenValues, outGradients, scratch.at(MEANS) + 4 * row, probabilities, slopes);
        ofKeys.run(worker, slopes, queries, keySums + 4L * skipped * depth);
        int place = block * layout.shape().keyValueHeads() + span.keyValueHead;
        int turn = span.number - layout.firstSeen(block) / span.size;
        turns.await(place, turn);
        new Matmul(columns, depth, seen, 1, columns, depth, 1, depth, type, dnnl.dnnl_f32, 1, turn > 0)
                .run(worker, slopes, seenKeys, querySums);
        turns.end(place, turn);
    }

    private void writeQueries(Worker worker, int block, int keyValueHead) {
        TokenBlocks blocks = layout.blocks();
        int token = blocks.token(block);
        int group = layout.shape().group();
        int head = keyValueHead * group;
        new HeadRows(worker, group, blocks.rows(block), layout.depth()).at(angles, token)
                .turn(scratch.at(QUERY_SUMS) + 4 * layout.queryRow(block, head) * layout.depth(),
                        layout.sums(blocks.filledRows(block)), -1, layout.shape().scale(),
                        queryGradients + token * layout.queryBytes() + (long) head * layout.arrayHeadBytes(),
                        layout.arrayQueries());
    }
}
