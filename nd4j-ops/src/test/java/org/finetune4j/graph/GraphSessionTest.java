package org.finetune4j.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.ProductSum;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.op.Activation;
import org.finetune4j.op.Add;
import org.finetune4j.op.GatedActivation;
import org.finetune4j.op.MatMul;
import org.finetune4j.op.ProductFusion;
import org.finetune4j.op.Scale;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Random graphs in one arena, under changing shapes, against the same graphs with fresh arrays for every operation. */
class GraphSessionTest {
    private static final int GRAPHS = 20;
    private static final int[] ROWS = {3, 7, 3, 1, 9};

    private final Kernels kernels = new Nd4jKernels();

    @AfterEach
    void close() {
        kernels.close();
    }

    @Test
    void anArenaGivesWhatFreshArraysGive() {
        for (int seed = 0; seed < GRAPHS; seed++) {
            compare(seed, ScheduleRewrite.NONE, MemoryPlan::new);
        }
    }

    @Test
    void fusedProductsGiveWhatSingleOnesGive() {
        for (int seed = 0; seed < 2 * GRAPHS; seed++) {
            compare(seed, new ProductFusion(true, true), MemoryPlan::new);
            compare(seed, new ProductFusion(true, false), MemoryPlan::new);
            compare(seed, new ProductFusion(false, true), MemoryPlan::new);
        }
    }

    @Test
    void productsAreFusedAsFarAsTheyMayBe() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        List<SDVariable> weights = new ArrayList<>();
        for (int i = 0; i < 5; i++) {
            weights.add(graph.input("w" + i, DataType.DOUBLE));
        }
        SDVariable query = MatMul.linear(x, weights.get(0));
        SDVariable low = MatMul.linear(x, weights.get(1));
        SDVariable adapted = MatMul.linearAdd(query, 0.5, low, weights.get(2));
        SDVariable key = MatMul.linear(x, weights.get(3));
        SDVariable residual = Add.of(MatMul.linear(adapted, weights.get(4)), x);
        List<String> outputs = List.of(residual.name(), key.name());
        assertEquals(List.of("finetune4j_products[x, w1, w3]", "finetune4j_products[x, w0, " + low.name() + ", w2]",
                "finetune4j_products[" + adapted.name() + ", w4, x]"), fused(graph, outputs, true, true));
        assertEquals(List.of("finetune4j_products[x, w1, w3]", "finetune4j_products[x, w0, " + low.name() + ", w2]",
                "finetune4j_products[" + adapted.name() + ", w4]", "finetune4j_add"),
                fused(graph, outputs, true, false).stream().map(name -> name.replaceAll("add.*", "add")).toList());
        assertEquals(5, fused(graph, outputs, false, true).size());
        assertEquals(List.of("finetune4j_products[x, w0, w1, w3]",
                "finetune4j_products[" + low.name() + ", w2, " + query.name() + "]",
                "finetune4j_products[" + adapted.name() + ", w4, x]"),
                fused(graph, List.of(residual.name(), key.name(), query.name()), true, true));
    }

    @Test
    void productsThatShareAWeightAddUpItsGradientOneByOne() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.FLOAT);
        SDVariable y = graph.input("y", DataType.FLOAT);
        SDVariable weight = graph.input("weight", DataType.FLOAT);
        SDVariable sum = Add.of(MatMul.linear(x, weight), MatMul.linear(y, weight));
        SDVariable seed = graph.input("seed", DataType.FLOAT);
        Map<String, List<String>> contributions = ReversePass.build(graph, sum, seed, List.of("weight"));
        Map<String, INDArray> inputs = new LinkedHashMap<>();
        Random random = new Random(3);
        inputs.put("x", normal(random, 4096, 40));
        inputs.put("y", normal(random, 4096, 40));
        inputs.put("weight", normal(random, 48, 40));
        inputs.put("seed", normal(random, 4096, 48));
        INDArray expected = inputs.get("seed").transpose().mmul(inputs.get("x").add(inputs.get("y")));
        Kernels watched = (Kernels) Proxy.newProxyInstance(Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("products")) {
                        List<?> sums = (List<?>) arguments[0];
                        assertEquals(sums.size(), sums.stream().map(each -> Memory.address(((ProductSum) each).out()))
                                .distinct().count(), "outputs that are written at the same time share memory");
                    }
                    return method.invoke(kernels, arguments);
                });
        try (Arena arena = new Arena()) {
            GraphSession session = new GraphSession(graph, watched, arena, List.of(), contributions, Map.of(),
                    new ProductFusion(true, true));
            assertEquals(1, session.describe().size(), "the two products stand side by side");
            INDArray gradient = Nd4j.zeros(DataType.FLOAT, 48, 40);
            session.run(inputs, Map.of("weight", gradient));
            assertEquals(0, expected.sub(gradient).amaxNumber().doubleValue(), 1e-2);
        }
    }

    private static INDArray normal(Random random, int rows, int columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return Nd4j.createFromArray(values).reshape(rows, columns);
    }

    private List<String> fused(Graph graph, List<String> outputs, boolean together, boolean intoAdds) {
        try (Arena arena = new Arena()) {
            return new GraphSession(graph, kernels, arena, outputs, Map.of(), Map.of(),
                    new ProductFusion(together, intoAdds)).describe();
        }
    }

    @Test
    void recomputedPartsGiveWhatKeptOnesGive() {
        int again = 0;
        for (int seed = 0; seed < GRAPHS; seed++) {
            for (int parts = 1; parts <= RandomGraph.PARTS; parts++) {
                Recomputation recomputation = new Recomputation(new RandomGraph(seed).boundaries, parts % 2 == 1, parts);
                again += compare(seed, recomputation, MemoryPlan::new);
                compare(seed, new ProductFusion(true, true).then(recomputation), MemoryPlan::new);
            }
        }
        assertTrue(again > GRAPHS, "only " + again + " operations were done again");
    }

    @Test
    void arraysFreedOneStepTooEarlyAreNoticed() {
        assertNoticed(() -> new MemoryPlan() {
            @Override
            long place(long bytes, int made, int lastUse) {
                return super.place(bytes, made, lastUse == Integer.MAX_VALUE ? lastUse : lastUse - 1);
            }
        });
    }

    @Test
    void takingOverAnArrayThatIsReadLaterIsNoticed() {
        assertNoticed(() -> new MemoryPlan() {
            @Override
            boolean isLastUse(long offset, int step) {
                return true;
            }
        });
    }

    @Test
    void forgettingToProlongATakenOverArrayIsNoticed() {
        assertNoticed(() -> new MemoryPlan() {
            @Override
            void extend(long offset, int lastUse) {
            }
        });
    }

    @Test
    void gradientsAgreeWithACentralDifferenceUnlessAContributionIsLost() {
        int lost = 0;
        int noticed = 0;
        for (int seed = 0; seed < GRAPHS; seed++) {
            RandomGraph random = new RandomGraph(seed);
            assertSlope(random, random.contributions);
            for (String leaf : random.wanted) {
                if (random.contributions.get(leaf).size() > 1) {
                    Map<String, List<String>> broken = new LinkedHashMap<>(random.contributions);
                    broken.put(leaf, broken.get(leaf).subList(1, broken.get(leaf).size()));
                    lost++;
                    noticed += agrees(random, broken) ? 0 : 1;
                }
            }
        }
        // A contribution may be zero by rights, as that of a product with x - x.
        assertTrue(lost > 10 && noticed > lost / 2, "noticed " + noticed + " of " + lost + " lost contributions");
    }

    private boolean agrees(RandomGraph random, Map<String, List<String>> contributions) {
        try {
            assertSlope(random, contributions);
            return true;
        } catch (AssertionError wrong) {
            return false;
        }
    }

    @Test
    void outputsSurviveOperationsThatWouldTakeOverTheirMemory() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        SDVariable copy = Scale.cast(x, DataType.DOUBLE);
        SDVariable sum = Add.of(copy, x);
        SDVariable product = MatMul.linearAdd(sum, 1, sum, x);
        INDArray array = Nd4j.createFromArray(new double[][] {{1, 2}, {3, 4}});
        try (Arena arena = new Arena()) {
            Map<String, INDArray> results = new GraphSession(graph, kernels, arena,
                    List.of(copy.name(), product.name()), Map.of(), Map.of()).run(Map.of("x", array), Map.of());
            assertEquals(array, results.get(copy.name()));
            assertEquals(array.mul(2).add(array.mul(2).mmul(array.transpose())), results.get(product.name()));
        }
    }

    @Test
    void anArrayThatAnOperationReadsTwiceIsNotTakenOver() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        SDVariable copy = Scale.cast(x, DataType.DOUBLE);
        SDVariable sum = new DoubledSum(copy, copy).outputVariable();
        SDVariable sumOfTwo = new DoubledSum(sum, x).outputVariable();
        INDArray array = Nd4j.createFromArray(new double[][] {{1, 2}, {3, 4}});
        try (Arena arena = new Arena()) {
            assertEquals(array.mul(7), new GraphSession(graph, kernels, arena, List.of(sumOfTwo.name()), Map.of(),
                    Map.of()).run(Map.of("x", array), Map.of()).get(sumOfTwo.name()));
        }
    }

    @Test
    void severalOutputsTakeOverTheMemoryOfAsManyInputs() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        SDVariable seed = graph.input("seed", DataType.DOUBLE);
        SDVariable product = GatedActivation.of(Scale.cast(x, DataType.DOUBLE), Scale.cast(x, DataType.DOUBLE),
                Activation.Kind.SILU);
        Map<String, List<String>> contributions = ReversePass.build(graph, product, seed, List.of("x"));
        INDArray array = Nd4j.linspace(-3, 3, 64, DataType.DOUBLE).reshape(8, 8);
        INDArray gradient = Nd4j.zeros(DataType.DOUBLE, 8, 8);
        try (Arena arena = new Arena()) {
            new GraphSession(graph, kernels, arena, List.of(), contributions, Map.of())
                    .run(Map.of("x", array, "seed", Nd4j.onesLike(array)), Map.of("x", gradient));
            for (int i = 0; i < 64; i++) {
                double value = array.getDouble(i);
                double sigmoid = 1 / (1 + Math.exp(-value));
                assertEquals(value * sigmoid * (2 + value * (1 - sigmoid)), gradient.getDouble(i), 1e-12);
            }
            // Gate and up, in whose places their gradients come, and what the first of these becomes.
            assertEquals(3 * 64 * Double.BYTES, arena.bytes());
        }
    }

    @Test
    void substitutesSpareWhatMakesTheOriginal() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        SDVariable copy = Scale.cast(x, DataType.DOUBLE);
        SDVariable sum = Add.of(copy, x);
        INDArray array = Nd4j.createFromArray(new double[][] {{1, 2}, {3, 4}});
        try (Arena arena = new Arena()) {
            GraphSession session = new GraphSession(graph, kernels, arena, List.of(sum.name()), Map.of(),
                    Map.of(copy.name(), "x"));
            assertEquals(List.of("finetune4j_add[x, x]"), session.describe());
            assertEquals(array.mul(2), session.run(Map.of("x", array), Map.of()).get(sum.name()));
        }
    }

    @Test
    void aLeafWithoutAnArrayIsNamed() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        SDVariable sum = Add.of(x, x);
        try (Arena arena = new Arena()) {
            GraphSession session = new GraphSession(graph, kernels, arena, List.of(sum.name()), Map.of(), Map.of());
            assertEquals("no array given for 'x'", assertThrows(IllegalArgumentException.class,
                    () -> session.run(Map.of(), Map.of())).getMessage());
            Map<String, List<String>> contributions = ReversePass.build(graph, sum, x, List.of("x"));
            GraphSession backward = new GraphSession(graph, kernels, arena, List.of(), contributions, Map.of());
            assertEquals("no array given for the gradient of 'x'", assertThrows(IllegalArgumentException.class,
                    () -> backward.run(Map.of("x", Nd4j.ones(DataType.DOUBLE, 2)), Map.of())).getMessage());
        }
    }

    @Test
    void gradientsMayTakeThePlaceOfWhatSinksHold() {
        for (int seed = 0; seed < GRAPHS; seed++) {
            RandomGraph random = new RandomGraph(seed);
            try (Arena arena = new Arena()) {
                GraphSession session = new GraphSession(random.graph, kernels, arena, random.outputs, random.contributions,
                        Map.of());
                Map<String, INDArray> inputs = random.draw(100L * seed, ROWS[0]);
                Map<String, INDArray> expected = random.sinks(0, inputs);
                expected.values().forEach(sink -> sink.assign(0));
                random.executePlainly(kernels, inputs, expected);
                Map<String, INDArray> sinks = random.sinks(0, inputs);
                sinks.values().forEach(sink -> sink.assign(Double.NaN));
                session.run(inputs, sinks, true);
                for (String name : random.wanted) {
                    assertClose(expected.get(name), sinks.get(name), "graph " + seed + " " + name);
                }
            }
        }
    }

    private void assertNoticed(Supplier<MemoryPlan> broken) {
        assertThrows(AssertionError.class, () -> {
            for (int seed = 0; seed < GRAPHS; seed++) {
                compare(seed, ScheduleRewrite.NONE, broken);
            }
        });
    }

    /** Returns how many operations more there are than without the rewrite. */
    private int compare(int seed, ScheduleRewrite rewrite, Supplier<MemoryPlan> memoryPlans) {
        RandomGraph random = new RandomGraph(seed);
        try (Arena arena = new Arena()) {
            GraphSession session = new GraphSession(random.graph, kernels, arena, random.outputs,
                    random.contributions, Map.of(), rewrite, memoryPlans);
            int plain = new GraphSession(random.graph, kernels, arena, random.outputs, random.contributions, Map.of())
                    .describe().size();
            for (int run = 0; run < ROWS.length; run++) {
                Map<String, INDArray> inputs = random.draw(100L * seed + run, ROWS[run]);
                Map<String, INDArray> expectedSinks = random.sinks(run, inputs);
                Map<String, INDArray> sinks = random.sinks(run, inputs);
                Map<String, INDArray> expected = random.executePlainly(kernels, inputs, expectedSinks);
                Map<String, INDArray> actual = session.run(inputs, sinks);
                String where = "graph " + seed + " run " + run + " ";
                random.outputs.forEach(name -> assertClose(expected.get(name), actual.get(name), where + name));
                random.wanted.forEach(name -> assertClose(expectedSinks.get(name), sinks.get(name), where + name));
            }
            return session.describe().size() - plain;
        }
    }

    private void assertSlope(RandomGraph random, Map<String, List<String>> contributions) {
        String out = random.outputs.get(0);
        Map<String, INDArray> inputs = random.draw(5, 4);
        Map<String, INDArray> gradients = random.sinks(6, inputs);
        Map<String, INDArray> directions = random.sinks(7, inputs);
        gradients.values().forEach(gradient -> gradient.assign(0));
        List<Double> sides = new ArrayList<>();
        double expected = 0;
        try (Arena arena = new Arena()) {
            new GraphSession(random.graph, kernels, arena, List.of(), contributions, Map.of()).run(inputs, gradients);
            GraphSession forward =
                    new GraphSession(random.graph, kernels, arena, List.of(out), Map.of(), Map.of());
            for (double step : new double[] {1e-5, -1e-5}) {
                Map<String, INDArray> moved = new LinkedHashMap<>(inputs);
                directions.forEach((leaf, direction) -> moved.put(leaf, inputs.get(leaf).add(direction.mul(step))));
                sides.add(forward.run(moved, Map.of()).get(out).mul(inputs.get("upstream")).sumNumber().doubleValue());
            }
        }
        for (String leaf : random.wanted) {
            expected += gradients.get(leaf).mul(directions.get(leaf)).sumNumber().doubleValue();
        }
        double slope = (sides.get(0) - sides.get(1)) / 2e-5;
        assertEquals(slope, expected, 1e-5 * Math.max(1, Math.abs(slope)));
    }

    private static void assertClose(INDArray expected, INDArray actual, String where) {
        double scale = Math.max(1, expected.amaxNumber().doubleValue());
        double difference = expected.sub(actual).amaxNumber().doubleValue();
        assertTrue(difference <= 1e-11 * scale, where + " differs by " + difference);
    }

    /** {@code 2 a + b} in two passes, of which the second still reads {@code b}; may be written over {@code a}. */
    private static final class DoubledSum extends OwnOp {
        DoubledSum(SDVariable a, SDVariable b) {
            super(a, b);
        }

        @Override
        public String opName() {
            return "doubled_sum";
        }

        @Override
        protected int reusableInput(int output) {
            return 0;
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().scale(execution.input(0), 2, execution.output(0));
            execution.kernels().add(execution.output(0), execution.input(1), execution.output(0));
        }
    }
}
