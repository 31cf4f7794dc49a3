package org.finetune4j.head;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Graph;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Training and scoring, which form logits chunk by chunk, and generation, which forms them at once, scale and cap alike. */
class LogitScalingTest {
    private static final int TOKENS = 37;
    private static final int HIDDEN = 6;
    private static final int VOCABULARY = 11;

    @Test
    void chunksAndGenerationHaveTheSameLogits() {
        for (LogitScaling scaling : List.of(LogitScaling.NONE, new LogitScaling(0.25, null),
                new LogitScaling(1, 1.5), new LogitScaling(-3, 2.0))) {
            check(scaling);
        }
    }

    private static void check(LogitScaling scaling) {
        INDArray hidden = normal(1, TOKENS, HIDDEN);
        INDArray weight = normal(2, VOCABULARY, HIDDEN);
        int[] labels = new Random(3).ints(TOKENS, 0, VOCABULARY).toArray();
        Graph graph = new Graph();
        SDVariable h = graph.input("hidden", DataType.DOUBLE);
        SDVariable w = graph.input("weight", DataType.DOUBLE);
        try (Kernels kernels = new Nd4jKernels(); Arena arena = new Arena();
                ChunkedHead chunks = new ChunkedHead(referenceLoss(), DataType.DOUBLE, DataType.DOUBLE, 16, scaling,
                        kernels)) {
            SDVariable logits = scaling.logits(h, w, DataType.DOUBLE);
            HeadLoss head = HeadLoss.of(h, w, graph.input("labels", DataType.INT),
                    graph.input("weights", DataType.DOUBLE), h, w, chunks);
            Map<String, INDArray> results = new GraphSession(graph, kernels, arena,
                    List.of(logits.name(), head.values().name()), Map.of(), Map.of())
                    .run(Map.of("hidden", hidden, "weight", weight, "labels", Nd4j.createFromArray(labels), "weights",
                            Nd4j.ones(DataType.DOUBLE, TOKENS)), Map.of());
            INDArray values = results.get(head.values().name());
            for (int t = 0; t < TOKENS; t++) {
                double sum = 0;
                for (int v = 0; v < VOCABULARY; v++) {
                    double z = 0;
                    for (int i = 0; i < HIDDEN; i++) {
                        z += scaling.factor() * hidden.getDouble(t, i) * weight.getDouble(v, i);
                    }
                    double expected = scaling.cap() == null ? z : scaling.cap() * Math.tanh(z / scaling.cap());
                    assertEquals(expected, results.get(logits.name()).getDouble(t, v), 1e-12);
                    sum += Math.exp(expected);
                }
                double label = results.get(logits.name()).getDouble(t, labels[t]);
                assertEquals(Math.log(sum) - label, values.getDouble(0, t), 1e-12);
                assertEquals(0, values.getDouble(1, t), 1e-12, "the reference is the same model");
            }
        }
    }

    @Test
    void whatWouldLoseLogitsIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> new LogitScaling(0, null));
        assertThrows(IllegalArgumentException.class, () -> new LogitScaling(1, 0.0));
        assertThrows(IllegalArgumentException.class, () -> new LogitScaling(Double.NaN, 30.0));
    }

    /** The loss of the label, with the divergence from a reference beside it. */
    private static TokenLoss referenceLoss() {
        return new TokenLoss() {
            @Override
            public boolean needsReference() {
                return true;
            }

            @Override
            public Expression build(TokenView view) {
                return new Expression(view.logProbability().neg(),
                        Map.of("kl", view.klDivergence(view.logits(), view.referenceLogits())));
            }
        };
    }

    private static INDArray normal(long seed, long... shape) {
        Random random = new Random(seed);
        INDArray array = Nd4j.create(DataType.DOUBLE, shape);
        for (int i = 0; i < array.length(); i++) {
            array.putScalar(i, random.nextGaussian());
        }
        return array;
    }
}
