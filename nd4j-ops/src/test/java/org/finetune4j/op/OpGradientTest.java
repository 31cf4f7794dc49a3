package org.finetune4j.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Stream;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Backward;
import org.finetune4j.graph.Graph;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.graph.ReversePass;
import org.finetune4j.kernel.AttentionScores;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.RotaryTable;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Every operation's gradient in DOUBLE against central differences with a random upstream gradient: towards leaves and
 * towards variables with several users, and for every choice of the inputs that want one.
 */
class OpGradientTest {
    private static final double STEP = 1e-5;
    private static final double TOLERANCE = 1e-7;
    private static final Map<String, Case> CASES = new LinkedHashMap<>();

    private final Kernels kernels = new Nd4jKernels();

    /** An operation; inputs with a gradient are DOUBLE, others are INT32. */
    private record Case(List<INDArray> inputs, Function<SDVariable[], SDVariable> operation) {
        /** Positions of the inputs that have a gradient. */
        List<Integer> differentiable() {
            return Stream.iterate(0, i -> i + 1).limit(inputs.size())
                    .filter(i -> inputs.get(i).dataType() == DataType.DOUBLE).toList();
        }
    }

    static {
        for (int which = 0; which < 8; which++) {
            boolean transposeA = (which & 1) > 0;
            boolean transposeB = (which & 2) > 0;
            boolean adds = (which & 4) > 0;
            List<INDArray> inputs = new ArrayList<>(List.of(transposeA ? normal(1, 4, 3) : normal(1, 3, 4),
                    transposeB ? normal(2, 2, 4) : normal(2, 4, 2)));
            if (adds) {
                inputs.add(normal(3, 3, 2));
            }
            CASES.put("matmul" + (transposeA ? " of a^T" : " of a") + (transposeB ? " and b^T" : " and b")
                    + (adds ? " with an addend" : ""), new Case(inputs, in -> MatMul.of(in[0], transposeA, in[1],
                            transposeB, 0.7, DataType.DOUBLE, adds ? in[2] : null)));
        }
        CASES.put("linear", new Case(List.of(normal(1, 3, 4), normal(2, 2, 4)), in -> MatMul.linear(in[0], in[1])));
        CASES.put("linear added", new Case(List.of(normal(1, 3, 2), normal(2, 3, 4), normal(3, 2, 4)),
                in -> MatMul.linearAdd(in[0], -1.3, in[1], in[2])));
        CASES.put("add", new Case(List.of(normal(1, 3, 2), normal(2, 3, 2)), in -> Add.of(in[0], in[1])));
        CASES.put("add to itself", new Case(List.of(normal(1, 3, 2)), in -> Add.of(in[0], in[0])));
        CASES.put("scale", new Case(List.of(normal(1, 3, 2)), in -> Scale.cast(in[0], DataType.DOUBLE)));
        CASES.put("embedding of repeated ids", new Case(List.of(integers(2, 0, 2, 3, 2), normal(1, 5, 3)),
                in -> Embedding.of(in[0], in[1])));
        CASES.put("gathered rows", new Case(List.of(normal(1, 5, 2), integers(4, 0, 3)),
                in -> GatherRows.of(in[0], in[1])));
        CASES.put("rms norm", new Case(List.of(normal(1, 3, 4), normal(2, 4)), in -> RmsNorm.of(in[0], in[1], 1e-2)));
        CASES.put("rotary", new Case(List.of(normal(1, 3, 8), integers(0, 1, 5)),
                in -> Rotary.of(in[0], in[1], new RotaryTable(4, 100))));
        AttentionShape grouped = new AttentionShape(4, 2, 2);
        CASES.put("grouped attention", new Case(List.of(normal(1, 3, 8), normal(2, 3, 4), normal(3, 3, 4),
                integers(0, 1, 3)), in -> Attention.of(in[0], in[1], in[2], in[3], grouped)));
        CASES.put("grouped attention with rotary embedding", new Case(List.of(normal(1, 3, 8), normal(2, 3, 4),
                normal(3, 3, 4), integers(0, 1, 3), integers(0, 0, 1)),
                in -> Attention.of(in[0], in[1], in[2], in[3], in[4], new RotaryTable(2, 100), grouped)));
        CASES.put("rotary of a part, magnified", new Case(List.of(normal(1, 3, 5), integers(0, 1, 5)),
                in -> Rotary.of(in[0], in[1], new RotaryTable(5, new double[] {1, 0.2}, 1.3))));
        AttentionShape small = new AttentionShape(2, 1, 2);
        CASES.put("attention with a softcap and a window", new Case(List.of(normal(1, 4, 4), normal(2, 4, 2),
                normal(3, 4, 2), integers(0, 1, 4)), in -> Attention.of(in[0], in[1], in[2], in[3],
                        small.withScores(new AttentionScores(0.8, 1.5, 2, true)))));
        CASES.put("attention without a mask, turned by length", new Case(List.of(normal(1, 3, 4), normal(2, 3, 2),
                normal(3, 3, 2), integers(0, 1, 3), integers(0, 0, 1)), in -> Attention.of(in[0], in[1], in[2], in[3],
                        in[4], RotaryTable.byLength(2, length -> new double[] {2.0 / length}, 1.2),
                        small.withScores(new AttentionScores(0.8, 0, 0, false)))));
        layers();
        CASES.put("log-probability", new Case(List.of(normal(1, 3, 5), integers(4, 0, 4)),
                in -> LogProbability.of(in[0], in[1], LogSumExp.of(in[0]))));
        CASES.put("log-sum-exp", new Case(List.of(normal(1, 3, 5)), in -> LogSumExp.of(in[0])));
        CASES.put("kl divergence", new Case(List.of(normal(1, 3, 5), normal(2, 3, 5)),
                in -> KlDivergence.of(in[0], in[1], LogSumExp.of(in[0]), LogSumExp.of(in[1]))));
        CASES.put("dropout", new Case(List.of(normal(1, 4, 5), integers(Dropout.seed(9))),
                in -> Dropout.of(in[0], in[1], 0.4, 3)));
        CASES.put("dropout switched off", new Case(List.of(normal(1, 4, 5), integers(Dropout.seed(-1))),
                in -> Dropout.of(in[0], in[1], 0.4, 3)));
    }

    private static void layers() {
        CASES.put("zero-centred rms norm", new Case(List.of(normal(1, 3, 4), normal(2, 4)),
                in -> RmsNorm.of(in[0], in[1], 1e-2, true)));
        CASES.put("rms norm of heads", new Case(List.of(normal(1, 3, 6), normal(2, 2)),
                in -> RmsNorm.perHead(in[0], in[1], 2, 1e-2, false)));
        CASES.put("zero-centred rms norm of heads", new Case(List.of(normal(1, 2, 8), normal(2, 4)),
                in -> RmsNorm.perHead(in[0], in[1], 4, 1e-2, true)));
        CASES.put("layer norm", new Case(List.of(normal(1, 3, 4), normal(2, 4), normal(3, 4)),
                in -> LayerNorm.of(in[0], in[1], in[2], 1e-2)));
        CASES.put("layer norm without bias", new Case(List.of(normal(1, 3, 4), normal(2, 4)),
                in -> LayerNorm.of(in[0], in[1], null, 1e-2)));
        CASES.put("row added", new Case(List.of(normal(1, 3, 4), normal(2, 4)), in -> AddRow.of(in[0], in[1])));
        for (Activation.Kind kind : Activation.Kind.values()) {
            CASES.put(kind.toString(), new Case(List.of(normal(1, 3, 4)), in -> Activation.of(in[0], kind)));
            CASES.put("gated " + kind, new Case(List.of(normal(1, 3, 4), normal(2, 3, 4)),
                    in -> GatedActivation.of(in[0], in[1], kind)));
        }
        CASES.put("soft cap", new Case(List.of(normal(1, 3, 4)), in -> SoftCap.of(in[0], 1.3)));
        for (int part = 0; part < 3; part++) {
            int chosen = part;
            CASES.put("part " + part + " of a split", new Case(List.of(normal(1, 2, 12)),
                    in -> Split.of(in[0], 6, 3, 1, 2)[chosen]));
        }
        CASES.put("parts of a split, joined by a sum", new Case(List.of(normal(1, 3, 12)), in -> {
            SDVariable[] parts = Split.of(in[0], 6, 2, 2, 2);
            return Add.of(GatedActivation.of(parts[0], parts[2], Activation.Kind.TANH), parts[1]);
        }));
        CASES.put("mean of sequences", new Case(List.of(normal(1, 6, 3), integers(0, 1, 4, 6)),
                in -> MeanPool.of(in[0], in[1])));
        CASES.put("first rows of sequences", new Case(List.of(normal(1, 6, 3), integers(0, 1, 4, 6)),
                in -> FirstRows.of(in[0], in[1])));
        CASES.put("squared distance", new Case(List.of(normal(1, 3, 4)), in -> SquaredDistance.of(in[0],
                in[0].getSameDiff().constant(normal(2, 3, 4)))));
        CASES.put("rows of length one", new Case(List.of(normal(1, 3, 4)), in -> L2Normalize.of(in[0])));
        CASES.put("steered rows", new Case(List.of(normal(1, 3, 4), normal(2, 1, 4)), in -> Steer.of(in[0], in[1], 0.6)));
        CASES.put("linear, inputs first", new Case(List.of(normal(1, 3, 4), normal(2, 4, 2)),
                in -> MatMul.of(in[0], false, in[1], false, 1, in[0].dataType(), null)));
        for (boolean normalized : new boolean[] {false, true}) {
            for (int perToken = 1; perToken <= 3; perToken++) {
                int chosen = perToken;
                CASES.put(perToken + " of three experts" + (normalized ? ", normalised" : ""), new Case(List.of(
                        normal(1, 5, 3), normal(2, 5, 3), normal(3, 2, 3), normal(4, 2, 3), normal(5, 3, 2)),
                        in -> Experts.of(in[0], in[1], List.of(in[2], in[3], in[2]), List.of(in[3], in[3], in[2]),
                                List.of(in[4], in[4], in[4]), chosen, normalized, Activation.Kind.SILU)));
            }
        }
        CASES.put("embeddings of tokens, places and two kinds of text", new Case(List.of(integers(4, 0, 3, 4),
                normal(1, 5, 3), integers(0, 1, 2, 0), normal(2, 3, 3), integers(0, 0, 1, 1), normal(3, 2, 3)),
                in -> Add.of(Add.of(Embedding.of(in[0], in[1]), Embedding.of(in[2], in[3])),
                        Embedding.of(in[4], in[5]))));
    }

    @AfterEach
    void close() {
        kernels.close();
    }

    @TestFactory
    List<DynamicTest> gradientsAgreeWithCentralDifferences() {
        List<DynamicTest> tests = new ArrayList<>();
        CASES.forEach((name, given) -> {
            tests.add(DynamicTest.dynamicTest(name, () -> check(given, in -> given.operation().apply(in))));
            tests.add(DynamicTest.dynamicTest(name + " used twice", () -> check(given, in -> {
                SDVariable[] between = Arrays.stream(in).map(variable -> variable.dataType() == DataType.DOUBLE
                        ? Scale.cast(variable, DataType.DOUBLE) : variable).toArray(SDVariable[]::new);
                return Add.of(given.operation().apply(between), given.operation().apply(between));
            })));
        });
        return tests;
    }

    @Test
    void everyOperationIsTestedHere() throws Exception {
        Set<Class<?>> covered = new HashSet<>();
        CASES.values().forEach(given -> {
            Graph graph = new Graph();
            given.operation().apply(leaves(graph, given));
            // Some are made of ND4J's own operations.
            Arrays.stream(graph.sameDiff().ops()).filter(OwnOp.class::isInstance)
                    .forEach(operation -> covered.add(operation.getClass()));
        });
        covered.add(StopGradient.class);
        covered.add(CachedAttention.class);
        covered.add(Products.class);
        covered.add(NormGradient.class);
        // They have no gradient: OpsWithoutGradientTest.
        covered.addAll(List.of(Blend.class, DrawTokens.class, RowEntry.class));
        assertEquals(operations(), covered);
    }

    @Test
    void nothingFlowsThroughAStoppedGradient() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.DOUBLE);
        SDVariable seed = graph.input("seed", DataType.DOUBLE);
        assertEquals(Map.of("x", List.of()), ReversePass.build(graph, StopGradient.of(x), seed, List.of("x")));
    }

    @Test
    void generationHasNoGradient() {
        Graph graph = new Graph();
        SDVariable[] in = new SDVariable[7];
        for (int i = 0; i < in.length; i++) {
            in[i] = graph.input("in" + i, i < 5 ? DataType.DOUBLE : DataType.INT);
        }
        SDVariable attended = CachedAttention.of(in[0], in[1], in[2], in[3], in[4], in[5], in[6],
                new AttentionShape(1, 1, 2));
        SDVariable seed = graph.input("seed", DataType.DOUBLE);
        assertTrue(assertThrows(UnsupportedOperationException.class,
                () -> ReversePass.build(graph, attended, seed, List.of("in0"))).getMessage()
                .contains("finetune4j_cached_attention has no gradient"));
    }

    @Test
    void aCastConvertsTheGradientBack() {
        Graph graph = new Graph();
        SDVariable x = graph.input("x", DataType.FLOAT);
        SDVariable seed = graph.input("seed", DataType.DOUBLE);
        Map<String, List<String>> contributions =
                ReversePass.build(graph, Scale.cast(x, DataType.DOUBLE), seed, List.of("x"));
        assertEquals(DataType.FLOAT, graph.sameDiff().getVariable(contributions.get("x").get(0)).dataType());
        INDArray upstream = normal(4, 3, 2);
        INDArray gradient = Nd4j.create(DataType.FLOAT, 3, 2);
        try (Arena arena = new Arena()) {
            new GraphSession(graph, kernels, arena, List.of(), contributions, Map.of())
                    .run(Map.of("x", Nd4j.ones(DataType.FLOAT, 3, 2), "seed", upstream), Map.of("x", gradient));
        }
        assertEquals(upstream.castTo(DataType.FLOAT), gradient);
    }

    @Test
    void aWrongGradientIsNoticed() {
        Case wrong = new Case(List.of(normal(1, 3, 2)), in -> new ForgetsItsFactor(in[0]).outputVariable());
        assertThrows(AssertionError.class, () -> check(wrong, wrong.operation()));
    }

    private void check(Case given, Function<SDVariable[], SDVariable> expression) {
        List<Integer> differentiable = given.differentiable();
        Map<String, INDArray> inputs = new HashMap<>();
        for (int i = 0; i < given.inputs().size(); i++) {
            inputs.put("in" + i, given.inputs().get(i).dup());
        }
        try (Arena arena = new Arena()) {
            Graph plain = new Graph();
            SDVariable out = expression.apply(leaves(plain, given));
            GraphSession forward = new GraphSession(plain, kernels, arena, List.of(out.name()), Map.of(), Map.of());
            INDArray upstream = normal(77, forward.run(inputs, Map.of()).get(out.name()).shape());
            Map<String, double[]> expected = new HashMap<>();
            for (int i : differentiable) {
                expected.put("in" + i, slopes(forward, inputs, out.name(), upstream, inputs.get("in" + i)));
            }
            inputs.put("seed", upstream);
            for (int chosen = 1; chosen < 1 << differentiable.size(); chosen++) {
                int subset = chosen;
                List<String> wanted = Stream.iterate(0, i -> i + 1).limit(differentiable.size())
                        .filter(i -> (subset >> i & 1) > 0).map(i -> "in" + differentiable.get(i)).toList();
                compare(given, expression, inputs, wanted, expected);
            }
        }
    }

    private void compare(Case given, Function<SDVariable[], SDVariable> expression, Map<String, INDArray> inputs,
                         List<String> wanted, Map<String, double[]> expected) {
        Graph graph = new Graph();
        SDVariable out = expression.apply(leaves(graph, given));
        Map<String, List<String>> contributions =
                ReversePass.build(graph, out, graph.input("seed", DataType.DOUBLE), wanted);
        Map<String, INDArray> before = new HashMap<>();
        Map<String, INDArray> sinks = new HashMap<>();
        wanted.forEach(name -> before.put(name, normal(name.hashCode(), inputs.get(name).shape())));
        before.forEach((name, array) -> sinks.put(name, array.dup()));
        try (Arena arena = new Arena()) {
            new GraphSession(graph, kernels, arena, List.of(), contributions, Map.of()).run(inputs, sinks);
        }
        for (String name : wanted) {
            double[] slopes = expected.get(name);
            double scale = Math.max(1, Arrays.stream(slopes).map(Math::abs).max().orElseThrow());
            for (int i = 0; i < slopes.length; i++) {
                assertEquals(slopes[i], sinks.get(name).getDouble(i) - before.get(name).getDouble(i),
                        TOLERANCE * scale, name + " " + i + " of " + wanted);
            }
        }
    }

    /** The derivative of {@code sum(upstream * out)} towards every element of a leaf. */
    private static double[] slopes(GraphSession forward, Map<String, INDArray> inputs, String out, INDArray upstream,
                                   INDArray leaf) {
        double[] slopes = new double[(int) leaf.length()];
        for (int i = 0; i < slopes.length; i++) {
            double value = leaf.getDouble(i);
            leaf.putScalar(i, value + STEP);
            double above = forward.run(inputs, Map.of()).get(out).mul(upstream).sumNumber().doubleValue();
            leaf.putScalar(i, value - STEP);
            double below = forward.run(inputs, Map.of()).get(out).mul(upstream).sumNumber().doubleValue();
            leaf.putScalar(i, value);
            slopes[i] = (above - below) / (2 * STEP);
        }
        return slopes;
    }

    private static SDVariable[] leaves(Graph graph, Case given) {
        SDVariable[] leaves = new SDVariable[given.inputs().size()];
        for (int i = 0; i < leaves.length; i++) {
            leaves[i] = graph.input("in" + i, given.inputs().get(i).dataType());
        }
        return leaves;
    }

    /** The operations of the package, as its class files say. */
    private static Set<Class<?>> operations() throws Exception {
        Path folder = Path.of(Add.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                .resolve("org/finetune4j/op");
        Set<Class<?>> operations = new HashSet<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (String file : files.map(path -> path.getFileName().toString()).toList()) {
                if (!file.contains("$") && file.endsWith(".class")) {
                    Class<?> type = Class.forName("org.finetune4j.op." + file.replace(".class", ""));
                    if (OwnOp.class.isAssignableFrom(type) && !Modifier.isAbstract(type.getModifiers())) {
                        operations.add(type);
                    }
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException("the operations' classes lie in no folder", e);
        }
        return operations;
    }

    private static INDArray normal(long seed, long... shape) {
        Random random = new Random(seed);
        INDArray array = Nd4j.create(DataType.DOUBLE, shape);
        for (int i = 0; i < array.length(); i++) {
            array.putScalar(i, random.nextGaussian());
        }
        return array;
    }

    private static INDArray integers(int... values) {
        return Nd4j.createFromArray(values);
    }

    /** Doubles its input, but passes the upstream gradient on as it is. */
    private static final class ForgetsItsFactor extends OwnOp {
        ForgetsItsFactor(SDVariable x) {
            super(x);
        }

        @Override
        public String opName() {
            return "forgets_its_factor";
        }

        @Override
        protected void execute(Execution execution) {
            execution.kernels().scale(execution.input(0), 2, execution.output(0));
        }

        @Override
        protected void backward(Backward backward) {
            backward.add(0, backward.upstream());
        }
    }
}
