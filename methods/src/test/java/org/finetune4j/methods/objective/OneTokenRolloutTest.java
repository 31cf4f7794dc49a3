package org.finetune4j.methods.objective;

import static org.finetune4j.methods.objective.Toy.HARNESS;
import static org.finetune4j.methods.objective.Toy.LABELS;
import static org.finetune4j.methods.objective.Toy.LOGITS;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenLossProgram;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Card {@code otr}. */
class OneTokenRolloutTest {
    private static final double[][] DRAWN = {{3, 1, 0, 0}, {0, 1, 2, 1}, {0, 0, 4, 0}};
    private static final double[] DFT_ROW_3 = {-0.033270, 0.000571, 0.031149, 0.001551};

    /** The loss for counts that are given in columns in the place of drawn ones. */
    private record Injected(OneTokenRollout objective) implements TokenLoss {
        @Override
        public List<String> columns() {
            return List.of("0", "1", "2", "3");
        }

        @Override
        public Expression build(TokenView view) {
            SDVariable[] columns = columns().stream().map(view::column).toArray(SDVariable[]::new);
            return objective.build(view, view.stopGradient(view.graph().stack(1, columns)));
        }
    }

    private record Result(double[] losses, double[][] gradient, Map<String, double[]> values) {
        double loss() {
            return Arrays.stream(losses).average().orElseThrow();
        }
    }

    private static Result injected(double wrongReward) {
        Map<String, INDArray> columns = new HashMap<>();
        for (int v = 0; v < 4; v++) {
            int token = v;
            columns.put(String.valueOf(v), Nd4j.createFromArray(Arrays.stream(DRAWN).mapToDouble(row -> row[token]).toArray()));
        }
        return run(new Injected(new OneTokenRollout(4, 1.3, wrongReward)), LOGITS, LABELS, columns, null);
    }

    private static Result drawn(OneTokenRollout objective, double[][] logits, int[] labels, int key) {
        int[] keys = IntStream.range(0, labels.length).map(t -> key * 7919 + t).toArray();
        return run(objective, logits, labels, Map.of(), Nd4j.createFromArray(keys));
    }

    private static Result run(TokenLoss loss, double[][] logits, int[] labels, Map<String, INDArray> columns,
                              INDArray keys) {
        double[] weights = new double[labels.length];
        Arrays.fill(weights, 1.0 / labels.length);
        try (TokenLossProgram program = new TokenLossProgram(loss, DataType.DOUBLE, new Nd4jKernels())) {
            TokenLossProgram.Result found = program.run(Nd4j.createFromArray(logits), Nd4j.createFromArray(labels),
                    Nd4j.createFromArray(weights), null, TokenLossProgram.Beside.of(columns, keys), true);
            Map<String, double[]> values = new HashMap<>();
            for (int i = 0; i < program.valueNames().size(); i++) {
                values.put(program.valueNames().get(i), found.values().get(i).toDoubleVector());
            }
            return new Result(values.get("loss"), found.logitsGradient().toDoubleMatrix(), values);
        }
    }

    @Test
    void lossOfGivenDraws() {
        assertArrayEquals(new double[] {0.294138, 0.703966, -0.018518}, injected(-0.1).losses(), 1e-6);
        assertEquals(0.326529, injected(-0.1).loss(), 1e-6);
        assertArrayEquals(new double[] {0.330142, 0.768296, 0}, injected(0).losses(), 1e-6);
        assertEquals(0.366146, injected(0).loss(), 1e-6);
        assertArrayEquals(new double[] {0.75, 0.5, 0}, injected(0).values().get("hitRate"));
        assertArrayEquals(new double[] {0, 0, 1}, injected(0).values().get("missed"));
    }

    @Test
    void gradientOfGivenDraws() {
        assertArrayEquals(new double[] {-0.003749, -0.000507, 0.005635, -0.001379}, injected(-0.1).gradient()[2], 1e-6);
    }

    @Test
    void drawsFollowTheFlattenedDistribution() {
        int draws = 100_000;
        double[] expected = {0.562565, 0.260676, 0.120789, 0.055970};
        for (int label = 0; label < 4; label++) {
            double rate = drawn(new OneTokenRollout(draws, 1.3, 0), LOGITS, new int[] {label, 2, 0}, 1).values()
                    .get("hitRate")[0];
            double sigma = Math.sqrt(expected[label] * (1 - expected[label]) / draws);
            assertEquals(expected[label], rate, 3 * sigma, "token " + label);
        }
    }

    private static double[] expectedRow3(OneTokenRollout objective, int repetitions) {
        double[] mean = new double[4];
        for (int r = 0; r < repetitions; r++) {
            double[] row = drawn(objective, LOGITS, LABELS, r).gradient()[2];
            for (int v = 0; v < 4; v++) {
                mean[v] += row[v] / repetitions;
            }
        }
        return mean;
    }

    @Test
    void atTemperatureOneItIsDynamicFineTuningWithNoise() {
        assertArrayEquals(DFT_ROW_3, expectedRow3(new OneTokenRollout(100_000, 1, 0), 20), 1.5e-4);
        double[] scaled = Arrays.stream(DFT_ROW_3).map(value -> 1.1 * value).toArray();
        assertArrayEquals(scaled, expectedRow3(new OneTokenRollout(100_000, 1, -0.1), 20), 1.5e-4);
    }

    @Test
    void expectedGradientAtTheDefaults() {
        assertArrayEquals(new double[] {-0.049854, 0.001503, 0.044897, 0.003453},
                expectedRow3(new OneTokenRollout(100_000, 1.3, -0.1), 20), 1.5e-4);
    }

    @Test
    void labelsAreMissedAsOftenAsTheyMust() {
        double[][] logits = new double[4000][];
        Arrays.fill(logits, LOGITS[2]);
        for (int samples : new int[] {1, 16}) {
            double missed = Arrays.stream(drawn(new OneTokenRollout(samples, 1.3, -0.1), logits, new int[4000], samples)
                    .values().get("missed")).average().orElseThrow();
            double expected = samples == 1 ? 0.842159 : 0.064019;
            assertEquals(expected, missed, 4 * Math.sqrt(expected * (1 - expected) / 4000));
        }
    }

    @Test
    void aConfidentMistakeIsPushedDownOnlyByANegativeReward() {
        double[][] logits = {{-20, 8, 0, 0}};
        for (double wrongReward : new double[] {-0.1, 0}) {
            double[] gradient = drawn(new OneTokenRollout(64, 1.3, wrongReward), logits, new int[] {0}, 3).gradient()[0];
            double moved = Toy.softmax(new double[] {-20 - gradient[0], 8 - gradient[1], -gradient[2], -gradient[3]})[1]
                    - Toy.softmax(logits[0])[1];
            assertTrue(wrongReward < 0 ? moved < -1e-9 : Math.abs(moved) < 1e-15, wrongReward + " moved it by " + moved);
        }
    }

    @Test
    void theSameKeysDrawTheSameTokens() {
        OneTokenRollout objective = new OneTokenRollout(16, 1.3, -0.1);
        assertArrayEquals(drawn(objective, LOGITS, LABELS, 5).losses(), drawn(objective, LOGITS, LABELS, 5).losses());
        assertTrue(!Arrays.equals(drawn(objective, LOGITS, LABELS, 5).losses(),
                drawn(objective, LOGITS, LABELS, 6).losses()));
    }

    @Test
    void whatIsUnusualIsTold() {
        assertTrue(new OneTokenRollout(256, 0.9, -0.1).notes().get(0).startsWith("oneTokenRollout draws at temperature 0.9"));
        OneTokenRollout noisy = new OneTokenRollout(256, 1, 0);
        assertTrue(noisy.notes().get(0).contains("is dftDynamic() with noise"));
        assertEquals(noisy.notes(), new Sorted(List.of(), noisy, Sorted.Reduce.MEAN).notes());
        for (OneTokenRollout usual : List.of(new OneTokenRollout(256, 1.3, -0.1), new OneTokenRollout(4, 1, 0),
                new OneTokenRollout(256, 1, -0.1), new OneTokenRollout(256, 1.3, 0))) {
            assertEquals(List.of(), usual.notes());
        }
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        assertTrue(assertThrows(FinetuneException.class, () -> new OneTokenRollout(0, 1, 0)).getMessage()
                .contains("'samples' is 0"));
        assertTrue(assertThrows(FinetuneException.class, () -> new OneTokenRollout(1, 0, 0)).getMessage()
                .contains("'temperature' is 0.0"));
        assertTrue(assertThrows(FinetuneException.class, () -> new OneTokenRollout(1, 1, 1)).getMessage()
                .contains("the reward must prefer the label"));
    }
}
