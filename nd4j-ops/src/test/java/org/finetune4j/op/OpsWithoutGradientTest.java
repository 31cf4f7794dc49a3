package org.finetune4j.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Graph;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.ReversePass;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Operations through which no gradient flows, against their formulae. */
class OpsWithoutGradientTest {
    private static final int ROWS = 5;
    private static final int COLUMNS = 7;

    private static double[][] random(long seed) {
        Random random = new Random(seed);
        return IntStream.range(0, ROWS).mapToObj(r -> random.doubles(COLUMNS, -2, 2).toArray()).toArray(double[][]::new);
    }

    private static INDArray run(Function<List<SDVariable>, SDVariable> operation, INDArray... inputs) {
        Graph graph = new Graph();
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        List<SDVariable> variables = IntStream.range(0, inputs.length).mapToObj(i -> {
            arrays.put("in" + i, inputs[i]);
            return graph.input("in" + i, inputs[i].dataType());
        }).toList();
        SDVariable out = operation.apply(variables);
        SDVariable seed = graph.input("seed", out.dataType());
        assertEquals(Map.of("in0", List.of()), ReversePass.build(graph, out, seed, List.of("in0")), "a gradient flows");
        try (Kernels kernels = new Nd4jKernels(); Arena arena = new Arena()) {
            return new GraphSession(graph, kernels, arena, List.of(out.name()), Map.of(), Map.of()).run(arrays, Map.of())
                    .get(out.name()).dup();
        }
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"DOUBLE", "FLOAT", "BFLOAT16"})
    void aBlendLiesBetweenAndKeepsEqualNumbersToTheBit(DataType type) {
        INDArray x = Nd4j.createFromArray(random(1)).castTo(type);
        INDArray y = Nd4j.createFromArray(random(2)).castTo(type);
        double tolerance = type == DataType.DOUBLE ? 1e-15 : type == DataType.FLOAT ? 1e-6 : 3e-2;
        INDArray blend = run(in -> Blend.of(in.get(0), in.get(1), in.get(2)), x, y, share(0.3));
        for (int i = 0; i < ROWS * COLUMNS; i++) {
            assertEquals(0.7 * x.getDouble(i) + 0.3 * y.getDouble(i), blend.getDouble(i), tolerance);
        }
        assertEquals(x, run(in -> Blend.of(in.get(0), in.get(1), in.get(2)), x, x.dup(), share(0.3)));
        assertThrows(IllegalArgumentException.class, () -> run(in -> Blend.of(in.get(0), in.get(1), in.get(2)), x, y,
                share(1.1)));
    }

    private static INDArray share(double share) {
        return Nd4j.createFromArray(new double[] {share});
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"DOUBLE", "FLOAT"})
    void entriesAreThoseAtLabelsAndTheLargest(DataType type) {
        double[][] rows = random(3);
        rows[2][1] = 5;
        rows[2][4] = 5;
        int[] labels = new Random(4).ints(ROWS, 0, COLUMNS).toArray();
        INDArray x = Nd4j.createFromArray(rows).castTo(type);
        INDArray entries = run(in -> RowEntry.atLabel(in.get(0), in.get(1)), x, Nd4j.createFromArray(labels));
        INDArray largest = run(in -> RowEntry.numberOfLargest(in.get(0)), x);
        for (int r = 0; r < ROWS; r++) {
            double[] row = rows[r];
            assertEquals(row[labels[r]], entries.getDouble(r), 1e-6);
            assertEquals(IntStream.range(0, COLUMNS).reduce(0, (a, b) -> row[b] > row[a] ? b : a), largest.getInt(r));
        }
        assertEquals(1, largest.getInt(2), "the first of equal ones");
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"DOUBLE", "FLOAT"})
    void drawsFollowTheProbabilitiesAndTheKeysAlone(DataType type) {
        double[][] rows = random(5);
        rows[1][3] = -1e6;
        INDArray logits = Nd4j.createFromArray(rows).castTo(type);
        INDArray keys = Nd4j.createFromArray(IntStream.range(0, ROWS).map(r -> r == 4 ? 1 : r).toArray());
        int count = 20_000;
        INDArray drawn = run(in -> DrawTokens.of(in.get(0), in.get(1), 1.5, count), logits, keys);
        for (int r = 0; r < ROWS; r++) {
            double sum = Arrays.stream(rows[r]).map(x -> Math.exp(x / 1.5)).sum();
            double total = 0;
            for (int v = 0; v < COLUMNS; v++) {
                double p = Math.exp(rows[r][v] / 1.5) / sum;
                total += drawn.getDouble(r, v);
                assertEquals(p, drawn.getDouble(r, v) / count, 4.5 * Math.sqrt(p * (1 - p) / count) + 1e-12, r + " " + v);
            }
            assertEquals(count, total);
        }
        assertEquals(0, drawn.getDouble(1, 3), "what has no probability is never drawn");
        INDArray ofTwo = run(in -> DrawTokens.of(in.get(0), in.get(1), 1.5, count, 2), logits, keys);
        for (int r = 0; r < ROWS; r++) {
            double[] row = rows[r];
            int[] order = IntStream.range(0, COLUMNS).boxed().sorted((a, b) -> Double.compare(row[b], row[a]))
                    .mapToInt(Integer::intValue).toArray();
            double p = 1 / (1 + Math.exp((row[order[1]] - row[order[0]]) / 1.5));
            assertEquals(p, ofTwo.getDouble(r, order[0]) / count, 4.5 * Math.sqrt(p * (1 - p) / count), "row " + r);
            assertEquals(count, ofTwo.getDouble(r, order[0]) + ofTwo.getDouble(r, order[1]));
        }
        INDArray equal = Nd4j.zeros(type, ROWS, COLUMNS);
        INDArray first = run(in -> DrawTokens.of(in.get(0), in.get(1), 1, 50, 1), equal, keys);
        assertEquals(50 * ROWS, first.getColumn(0).sumNumber().intValue(), "the first of equal ones");
        INDArray alone = run(in -> DrawTokens.of(in.get(0), in.get(1), 1.5, count),
                Nd4j.createFromArray(new double[][] {rows[3]}).castTo(type), Nd4j.createFromArray(new int[] {3}));
        assertArrayEquals(drawn.getRow(3).toDoubleVector(), alone.getRow(0).toDoubleVector(), "a row knows nothing of others");
        assertThrows(IllegalArgumentException.class, () -> run(in -> DrawTokens.of(in.get(0), in.get(1), 0, 1), logits, keys));
    }
}
