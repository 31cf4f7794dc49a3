package org.finetune4j.op;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.graph.Graph;
import org.finetune4j.kernel.AttentionScores;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryTable;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Cached attention says what it does, whatever room its caches have. */
class CachedAttentionTest {
    private static final AttentionShape SHAPE = new AttentionShape(4, 2, 6);
    private static final int[] LENGTHS = {5, 0, 9, 1};
    /** The third sequence has no new token. */
    private static final int[] OFFSETS = {0, 1, 4, 4, 6};
    private static final int TOKENS = 6;

    @Test
    void aWindowLeavesOutWhatLiesBehindIt() {
        AttentionShape shape = SHAPE.withScores(new AttentionScores(0.4, 0, 3, true));
        // Past 5: one query of 3 keys. Past 0: three queries of 1, 2 and 3. Past 1: two queries of 2 and 3.
        int pairs = 3 + 1 + 2 + 3 + 2 + 3;
        // Past 5: two cached places; past 1: one.
        int read = 2 + 1;
        List<INDArray> inputs = inputs(12);
        assertEquals(2.0 * 2 * SHAPE.queryWidth() * pairs, operation(inputs, shape).operations(inputs, outputs()));
        double unread = 2.0 * (5 + 1 - read) * SHAPE.keyValueWidth() * 2;
        assertEquals(operation(inputs, SHAPE).bytes(inputs, outputs()) - unread,
                operation(inputs, shape).bytes(inputs, outputs()));
    }

    @Test
    void operationsAreThoseOfEveryPairOfAQueryAndAnEarlierKey() {
        int pairs = 0;
        for (int s = 0; s < LENGTHS.length; s++) {
            for (int t = OFFSETS[s]; t < OFFSETS[s + 1]; t++) {
                for (int key = 0; key <= LENGTHS[s] + t - OFFSETS[s]; key++) {
                    pairs++;
                }
            }
        }
        for (int capacity : new int[] {12, 40}) {
            List<INDArray> inputs = inputs(capacity);
            assertEquals(2.0 * 2 * SHAPE.queryWidth() * pairs, operation(inputs, SHAPE).operations(inputs, outputs()));
        }
    }

    @Test
    void bytesAreThoseOfPlacesThatAreReadOrWritten() {
        double queries = 2.0 * TOKENS * SHAPE.queryWidth() * 2;
        double added = 2.0 * TOKENS * SHAPE.keyValueWidth() * 2;
        double read = 2.0 * (5 + 1) * SHAPE.keyValueWidth() * 2;
        double integers = Integer.BYTES * (LENGTHS.length + OFFSETS.length + TOKENS);
        for (int capacity : new int[] {12, 40}) {
            List<INDArray> inputs = inputs(capacity);
            assertEquals(queries + 2 * added + read + integers, operation(inputs, SHAPE).bytes(inputs, outputs()));
        }
    }

    private static List<INDArray> inputs(int capacity) {
        DataType type = DataType.BFLOAT16;
        INDArray keys = Nd4j.createUninitialized(type, TOKENS, SHAPE.keyValueWidth());
        INDArray cache = Nd4j.createUninitialized(type, LENGTHS.length, capacity, SHAPE.keyValueWidth());
        return List.of(Nd4j.createUninitialized(type, TOKENS, SHAPE.queryWidth()), keys, keys, cache, cache,
                Nd4j.createFromArray(LENGTHS), Nd4j.createFromArray(OFFSETS), Nd4j.createFromArray(5, 0, 1, 2, 1, 2));
    }

    private static List<INDArray> outputs() {
        return List.of(Nd4j.createUninitialized(DataType.BFLOAT16, TOKENS, SHAPE.queryWidth()));
    }

    private static CachedAttention operation(List<INDArray> inputs, AttentionShape shape) {
        Graph graph = new Graph();
        List<SDVariable> in = new ArrayList<>();
        inputs.forEach(array -> in.add(graph.input("in" + in.size(), array.dataType())));
        CachedAttention.of(in.get(0), in.get(1), in.get(2), in.get(3), in.get(4), in.get(5), in.get(6), in.get(7),
                new RotaryTable(SHAPE.headDimension(), 10_000), shape);
        return (CachedAttention) graph.sameDiff().ops()[0];
    }
}
