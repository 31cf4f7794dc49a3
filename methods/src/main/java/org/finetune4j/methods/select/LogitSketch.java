package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;
import org.finetune4j.data.Example;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.PackedBatch;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * What {@link Uds} keeps of a sample's logits {@code L [positions, vocabulary]}.
 *
 * @param nuclearNorm the sum of L's singular values
 * @param sketch      {@code G2 L G1^T} row by row, where G1 projects the vocabulary and G2 the positions
 */
record LogitSketch(double nuclearNorm, float[] sketch) {
    private static final int BLOCK = 4096;

    /** The sketches of samples, of all their tokens, which are scored together without changing each other. */
    static List<LogitSketch> of(List<Example> batch, HiddenStates states, int vocabulary, INDArray ofVocabulary,
                                INDArray ofPositions) {
        PackedBatch packed = packed(batch);
        List<LogitSketch> sketches = new ArrayList<>();
        try (INDArray last = states.of(packed, IntStream.range(0, packed.tokens()).toArray(), -1).get(0)) {
            for (int s = 0; s < batch.size(); s++) {
                try (INDArray own = last.get(NDArrayIndex.interval(packed.offsets()[s], packed.offsets()[s + 1]),
                        NDArrayIndex.all()).dup('c')) {
                    sketches.add(of((from, to) -> states.logits(own, from, to), (int) own.size(0), vocabulary,
                            ofVocabulary, ofPositions));
                }
            }
        }
        return sketches;
    }

    /** All tokens of the samples, none of which is to be predicted. */
    private static PackedBatch packed(List<Example> batch) {
        int[] offsets = new int[batch.size() + 1];
        for (int s = 0; s < batch.size(); s++) {
            offsets[s + 1] = offsets[s] + batch.get(s).ids().length;
        }
        int[] ids = batch.stream().flatMapToInt(example -> Arrays.stream(example.ids())).toArray();
        int[] positions = batch.stream().flatMapToInt(example -> IntStream.range(0, example.ids().length)).toArray();
        return new PackedBatch(ids, positions, offsets, new int[0], new int[0], new float[0]);
    }

    /**
     * The sketch of logits that come in blocks of the vocabulary, so that they never exist all at once.
     *
     * @param logits       of the tokens from the first number up to the second, {@code [positions, tokens]}; the arrays
     *                     are this method's
     * @param ofVocabulary {@code [d1, vocabulary]}
     * @param ofPositions  {@code [d2, most positions]}; positions that a sample does not have count as zeros
     */
    static LogitSketch of(BiFunction<Integer, Integer, INDArray> logits, int positions, int vocabulary,
                          INDArray ofVocabulary, INDArray ofPositions) {
        INDArray gram = Nd4j.zeros(DataType.DOUBLE, positions, positions);
        INDArray projected = Nd4j.zeros(DataType.DOUBLE, positions, ofVocabulary.size(0));
        for (int from = 0; from < vocabulary; from += BLOCK) {
            int to = Math.min(vocabulary, from + BLOCK);
            INDArray part = logits.apply(from, to);
            INDArray block = part.castTo(DataType.DOUBLE);
            add(block, block, gram);
            INDArray projection = ofVocabulary.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to))
                    .castTo(DataType.DOUBLE);
            add(block, projection, projected);
            // There are many blocks, and the collector does not see how large they are.
            release(projection);
            release(block);
            if (part != block) {
                release(part);
            }
        }
        INDArray both = ofPositions.get(NDArrayIndex.all(), NDArrayIndex.interval(0, positions)).castTo(DataType.DOUBLE)
                .mmul(projected);
        float[] sketch = both.dup('c').data().asFloat();
        return new LogitSketch(NuclearNorm.ofGram(gram), sketch);
    }

    /** What {@link #of} holds at most for a sample of so many positions, beside the matrices of the projections. */
    static long bytes(int positions, int dimensions, long hidden) {
        long pairs = 2L * positions * positions + 2L * positions * dimensions;
        return (pairs + (long) (positions + dimensions) * BLOCK) * Double.BYTES
                + positions * (BLOCK + hidden) * (long) Float.BYTES;
    }

    /** Adds {@code a b^T}. */
    private static void add(INDArray a, INDArray b, INDArray sum) {
        try (INDArray product = a.mmul(b.transpose())) {
            sum.addi(product);
        }
    }

    /** Frees an array that owns its memory. */
    private static void release(INDArray array) {
        if (array.closeable()) {
            array.close();
        }
    }
}
