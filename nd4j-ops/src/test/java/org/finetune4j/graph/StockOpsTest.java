package org.finetune4j.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.BiFunction;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Every stock operation whose gradient is trusted, against central differences with a random upstream gradient. */
class StockOpsTest {
    private static final Map<String, BiFunction<SDVariable, SDVariable, SDVariable>> EXPRESSIONS = new LinkedHashMap<>();

    /** Expressions over arrays of other shapes: broadcasts, other axes, kept dimensions, ranks and transpositions. */
    private static final Map<String, Form> FORMS = new LinkedHashMap<>();

    private record Form(long[] x, long[] y, BiFunction<SDVariable, SDVariable, SDVariable> expression) {
    }

    private static void form(String name, long[] x, long[] y,
                             BiFunction<SDVariable, SDVariable, SDVariable> expression) {
        FORMS.put(name, new Form(x, y, expression));
    }

    private static long[] shape(long... shape) {
        return shape;
    }

    static {
        Map<String, BiFunction<SDVariable, SDVariable, SDVariable>> pairs = new LinkedHashMap<>();
        pairs.put("add", SDVariable::add);
        pairs.put("subtract", SDVariable::sub);
        pairs.put("multiply", SDVariable::mul);
        pairs.put("divide", SDVariable::div);
        pairs.put("maximum by relu", (x, y) -> x.getSameDiff().nn().relu(x.sub(y), 0).add(y));
        pairs.put("minimum by relu", (x, y) -> x.sub(x.getSameDiff().nn().relu(x.sub(y), 0)));
        pairs.forEach((name, pair) -> {
            form(name + " a column", shape(3, 4), shape(3, 1), pair);
            form(name + " to a column", shape(3, 1), shape(3, 4), pair);
            form(name + " a row", shape(3, 4), shape(4), pair);
            form(name + " a row of rank 2", shape(3, 4), shape(1, 4), pair);
            form(name + " one element", shape(3, 4), shape(1), pair);
            form(name + " a scalar array", shape(3, 4), shape(), pair);
            form(name + " a column of one row", shape(1, 4), shape(1, 1), pair);
            form(name + " both ways", shape(3, 1), shape(1, 4), pair);
            form(name + " rank 1", shape(5), shape(5), pair);
            form(name + " rank 3", shape(2, 3, 2), shape(3, 1), pair);
        });
        Map<String, int[]> axes = new LinkedHashMap<>();
        axes.put("axis 0", new int[] {0});
        axes.put("axis 1", new int[] {1});
        axes.put("axis 2", new int[] {2});
        axes.put("axis -1", new int[] {-1});
        axes.put("axis -2", new int[] {-2});
        axes.put("two axes", new int[] {0, 2});
        axes.put("all", new int[0]);
        axes.forEach((axis, dimensions) -> {
            for (boolean keep : new boolean[] {false, true}) {
                form("reduce_sum " + axis + (keep ? " kept" : ""), shape(2, 3, 4), shape(2, 3, 4),
                        (x, y) -> x.getSameDiff().sum(x, keep, dimensions));
                form("reduce_mean " + axis + (keep ? " kept" : ""), shape(2, 3, 4), shape(2, 3, 4),
                        (x, y) -> x.getSameDiff().mean(x, keep, dimensions));
                if (dimensions.length < 2 && !axis.equals("axis 2")) {
                    form("reduce_sum of a matrix " + axis + (keep ? " kept" : ""), shape(3, 4), shape(3, 4),
                            (x, y) -> x.getSameDiff().sum(x, keep, dimensions));
                    form("reduce_mean of a matrix " + axis + (keep ? " kept" : ""), shape(3, 4), shape(3, 4),
                            (x, y) -> x.getSameDiff().mean(x, keep, dimensions));
                }
            }
        });
        for (int axis : new int[] {0, 1, 2, -1}) {
            form("softmax axis " + axis, shape(2, 3, 4), shape(1), (x, y) -> x.getSameDiff().nn().softmax(x, axis));
        }
        for (int which = 0; which < 8; which++) {
            boolean left = (which & 1) > 0;
            boolean right = (which & 2) > 0;
            boolean result = (which & 4) > 0;
            form("matmul" + (left ? " left" : "") + (right ? " right" : "") + (result ? " result" : "") + " transposed",
                    left ? shape(5, 3) : shape(3, 5), right ? shape(2, 5) : shape(5, 2),
                    (x, y) -> x.getSameDiff().mmul(x, y, left, right, result));
        }
        for (int which = 0; which < 4; which++) {
            boolean left = (which & 1) > 0;
            boolean right = (which & 2) > 0;
            form("matmul of batches" + (left ? " left" : "") + (right ? " right" : "") + " transposed",
                    left ? shape(2, 4, 3) : shape(2, 3, 4), right ? shape(2, 2, 4) : shape(2, 4, 2),
                    (x, y) -> x.getSameDiff().mmul(x, y, left, right, false));
        }
        form("relu above a cutoff", shape(3, 4), shape(1), (x, y) -> x.getSameDiff().nn().relu(x, 1.1));
        form("a scalar of rank 3", shape(2, 3, 2), shape(1), (x, y) -> x.mul(1.7).rsub(5).div(2.1).rdiv(1.3).pow(1.3));
        EXPRESSIONS.put("add", SDVariable::add);
        EXPRESSIONS.put("subtract", SDVariable::sub);
        EXPRESSIONS.put("multiply", SDVariable::mul);
        EXPRESSIONS.put("divide", SDVariable::div);
        EXPRESSIONS.put("add_scalar", (x, y) -> x.add(1.7));
        EXPRESSIONS.put("sub_scalar", (x, y) -> x.sub(1.7));
        EXPRESSIONS.put("rsub_scalar", (x, y) -> x.rsub(1.7));
        EXPRESSIONS.put("mul_scalar", (x, y) -> x.mul(1.7));
        EXPRESSIONS.put("div_scalar", (x, y) -> x.div(1.7));
        EXPRESSIONS.put("rdiv_scalar", (x, y) -> x.rdiv(1.7));
        EXPRESSIONS.put("pow", (x, y) -> x.pow(1.7));
        EXPRESSIONS.put("neg", (x, y) -> x.neg());
        EXPRESSIONS.put("exp", (x, y) -> x.getSameDiff().math().exp(x));
        EXPRESSIONS.put("log", (x, y) -> x.getSameDiff().math().log(x));
        EXPRESSIONS.put("sqrt", (x, y) -> x.getSameDiff().math().sqrt(x));
        EXPRESSIONS.put("square", (x, y) -> x.getSameDiff().math().square(x));
        EXPRESSIONS.put("abs", (x, y) -> x.getSameDiff().math().abs(x));
        EXPRESSIONS.put("Reciprocal", (x, y) -> x.getSameDiff().math().reciprocal(x));
        EXPRESSIONS.put("tanh", (x, y) -> x.getSameDiff().math().tanh(x));
        EXPRESSIONS.put("sigmoid", (x, y) -> x.getSameDiff().nn().sigmoid(x));
        EXPRESSIONS.put("softplus", (x, y) -> x.getSameDiff().nn().softplus(x));
        EXPRESSIONS.put("relu", (x, y) -> x.getSameDiff().nn().relu(x.sub(1.0), 0));
        EXPRESSIONS.put("softmax", (x, y) -> x.getSameDiff().nn().softmax(x, 1));
        EXPRESSIONS.put("reduce_sum", (x, y) -> x.getSameDiff().sum(x, 1));
        EXPRESSIONS.put("reduce_mean", (x, y) -> x.getSameDiff().mean(x, 1));
        EXPRESSIONS.put("matmul", (x, y) -> x.getSameDiff().mmul(x, y, false, true, false));
    }

    @TestFactory
    List<DynamicTest> gradientsAgreeWithCentralDifferences() {
        List<DynamicTest> tests = new ArrayList<>();
        EXPRESSIONS.forEach((name, expression) -> tests.add(DynamicTest.dynamicTest(name, () -> {
            Set<String> used = check(new Form(shape(3, 4), shape(3, 4), expression));
            assertTrue(StockOps.TESTED_GRADIENTS.containsAll(used), () -> "untested: " + used);
        })));
        FORMS.forEach((name, form) -> tests.add(DynamicTest.dynamicTest(name, () -> {
            Set<String> used = check(form);
            assertTrue(StockOps.TESTED_GRADIENTS.containsAll(used), () -> "untested: " + used);
        })));
        return tests;
    }

    @Test
    void everyTrustedOperationIsTestedHere() {
        Set<String> covered = new HashSet<>();
        EXPRESSIONS.values().forEach(expression -> {
            Graph graph = new Graph();
            SDVariable x = graph.input("x", DataType.DOUBLE);
            SDVariable y = graph.input("y", DataType.DOUBLE);
            expression.apply(x, y);
            graph.nodes().forEach(node -> covered.add(node.operation().opName()));
        });
        assertEquals(new java.util.TreeSet<>(StockOps.TESTED_GRADIENTS), new java.util.TreeSet<>(covered));
    }

    @Test
    void anUntestedGradientIsRefusedByName() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        SDVariable sum = graph.sameDiff().cumsum(x, false, false, 1);
        String message = assertThrows(FinetuneException.class, () -> ReversePass.build(graph, sum,
                graph.input("seed", DataType.DOUBLE), List.of("x"))).getMessage();
        assertTrue(message.contains("'cumsum'") && message.contains("stopGradient"), message);
    }

    @Test
    void whatHasAWrongGradientIsRefusedWithWhatToWriteInstead() {
        assertRefused((x, y) -> x.getSameDiff().math().max(x, y),
                "'maximum'", "relu(x - y) + y");
        assertRefused((x, y) -> x.getSameDiff().math().min(x, y),
                "'minimum'", "x - relu(x - y)");
    }

    private static void assertRefused(BiFunction<SDVariable, SDVariable, SDVariable> expression, String found,
                                      String instead) {
        String message = assertThrows(FinetuneException.class,
                () -> check(new Form(shape(3, 4), shape(3, 4), expression))).getMessage();
        assertTrue(message.contains(found) && message.contains(instead), message);
    }

    @Test
    void reducedAxesAreThoseAskedFor() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        List<SDVariable> sums = List.of(graph.sameDiff().sum(x, true, -1), graph.sameDiff().sum(x, true, -2),
                graph.sameDiff().sum(x, false, -3), graph.sameDiff().mean(x, true, -1));
        INDArray array = positive(new Random(6), 2, 3, 4);
        List<INDArray> expected = List.of(array.sum(true, 2), array.sum(true, 1), array.sum(0), array.mean(true, 2));
        try (Arena arena = new Arena(); Nd4jKernels kernels = new Nd4jKernels()) {
            Map<String, INDArray> actual = new GraphSession(graph, kernels, arena,
                    sums.stream().map(SDVariable::name).toList(), Map.of(), Map.of()).run(Map.of("x", array), Map.of());
            for (int i = 0; i < sums.size(); i++) {
                assertEquals(expected.get(i), actual.get(sums.get(i).name()));
            }
        }
    }

    /** Names of the operations of the forward expression. */
    private static Set<String> check(Form form) {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        SDVariable y = graph.input("y", DataType.DOUBLE);
        SDVariable z = form.expression().apply(x, y);
        Set<String> used = new HashSet<>();
        graph.nodes().forEach(node -> used.add(node.operation().opName()));
        SDVariable seed = graph.input("seed", DataType.DOUBLE);
        Map<String, List<String>> contributions = ReversePass.build(graph, z, seed, List.of("x", "y"));
        Random random = new Random(5);
        Map<String, INDArray> inputs = new HashMap<>();
        inputs.put("x", positive(random, form.x()));
        inputs.put("y", positive(random, form.y()));
        try (Arena arena = new Arena(); Nd4jKernels kernels = new Nd4jKernels()) {
            GraphSession forward = new GraphSession(graph, kernels, arena, List.of(z.name()), Map.of(), Map.of());
            INDArray value = forward.run(inputs, Map.of()).get(z.name()).dup();
            INDArray upstream = Nd4j.createFromArray(random.doubles(value.length(), -1, 1).toArray()).reshape(value.shape());
            inputs.put("seed", upstream);
            Map<String, INDArray> gradients = Map.of("x", Nd4j.create(DataType.DOUBLE, form.x()),
                    "y", Nd4j.create(DataType.DOUBLE, form.y()));
            new GraphSession(graph, kernels, arena, List.of(), contributions, Map.of()).run(inputs, gradients);
            for (String leaf : List.of("x", "y")) {
                for (int i = 0; i < inputs.get(leaf).length(); i++) {
                    double numeric = slope(forward, inputs, z.name(), upstream, inputs.get(leaf), i);
                    assertEquals(numeric, gradients.get(leaf).getDouble(i), 1e-6, leaf + " " + i);
                }
            }
        }
        return used;
    }

    private static double slope(GraphSession forward, Map<String, INDArray> inputs, String output, INDArray upstream,
                                INDArray leaf, int index) {
        double value = leaf.getDouble(index);
        double step = 1e-5;
        leaf.putScalar(index, value + step);
        double right = forward.run(inputs, Map.of()).get(output).mul(upstream).sumNumber().doubleValue();
        leaf.putScalar(index, value - step);
        double left = forward.run(inputs, Map.of()).get(output).mul(upstream).sumNumber().doubleValue();
        leaf.putScalar(index, value);
        return (right - left) / (2 * step);
    }

    private static INDArray positive(Random random, long... shape) {
        long length = Arrays.stream(shape).reduce(1, Math::multiplyExact);
        return Nd4j.createFromArray(random.doubles(length, 0.3, 2).toArray()).reshape(shape);
    }
}
