package org.finetune4j.graph;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
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

    static {
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
        EXPRESSIONS.put("maximum", (x, y) -> x.getSameDiff().math().max(x, y));
        EXPRESSIONS.put("minimum", (x, y) -> x.getSameDiff().math().min(x, y));
        EXPRESSIONS.put("reshape", (x, y) -> x.getSameDiff().reshape(x, 4, 3));
        EXPRESSIONS.put("matmul", (x, y) -> x.getSameDiff().mmul(x, y, false, true, false));
    }

    @TestFactory
    List<DynamicTest> gradientsAgreeWithCentralDifferences() {
        List<DynamicTest> tests = new ArrayList<>();
        EXPRESSIONS.forEach((name, expression) -> tests.add(DynamicTest.dynamicTest(name, () -> {
            Set<String> used = check(expression);
            System.out.println("stock " + name + " -> " + used);
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

    /** Names of the operations of the forward expression. */
    private static Set<String> check(BiFunction<SDVariable, SDVariable, SDVariable> expression) {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        SDVariable y = graph.input("y", DataType.DOUBLE);
        SDVariable z = expression.apply(x, y);
        Set<String> used = new HashSet<>();
        graph.nodes().forEach(node -> used.add(node.operation().opName()));
        SDVariable seed = graph.input("seed", DataType.DOUBLE);
        Map<String, List<String>> contributions = ReversePass.build(graph, z, seed, List.of("x", "y"));
        Random random = new Random(5);
        Map<String, INDArray> inputs = new HashMap<>();
        inputs.put("x", positive(random, 3, 4));
        inputs.put("y", positive(random, 3, 4));
        try (Arena arena = new Arena(); Nd4jKernels kernels = new Nd4jKernels()) {
            GraphSession forward = new GraphSession(graph, kernels, arena, List.of(z.name()), Map.of(), Map.of());
            INDArray value = forward.run(inputs, Map.of()).get(z.name()).dup();
            INDArray upstream = Nd4j.createFromArray(random.doubles(value.length(), -1, 1).toArray()).reshape(value.shape());
            inputs.put("seed", upstream);
            Map<String, INDArray> gradients = Map.of("x", Nd4j.create(DataType.DOUBLE, 3, 4), "y", Nd4j.create(DataType.DOUBLE, 3, 4));
            new GraphSession(graph, kernels, arena, List.of(), contributions, Map.of()).run(inputs, gradients);
            for (String leaf : List.of("x", "y")) {
                for (int i = 0; i < 12; i++) {
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
        return Nd4j.createFromArray(random.doubles(12, 0.3, 2).toArray()).reshape(shape);
    }
}
