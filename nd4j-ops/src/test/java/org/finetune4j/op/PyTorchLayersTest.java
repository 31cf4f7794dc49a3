package org.finetune4j.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Graph;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.ReversePass;
import org.finetune4j.head.ChunkedHead;
import org.finetune4j.head.HeadLoss;
import org.finetune4j.head.LogitScaling;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Single layers and their gradients against numbers that PyTorch computed (layers_reference.py). */
class PyTorchLayersTest {
    private static final int[] OFFSETS = {0, 1, 5, 7};
    private static final TokenLoss LOG_LOSS = new TokenLoss() {
        @Override
        public Expression build(TokenView view) {
            return Expression.of(view.logProbability().neg());
        }
    };

    /** Kernels, the type of activations, and the error allowed relative to the largest magnitude, or to 1. */
    private record Way(Kernels kernels, DataType type, double tolerance) {
        DataType wide() {
            return type == DataType.DOUBLE ? DataType.DOUBLE : DataType.FLOAT;
        }
    }

    private final JsonNode cases = read();

    @TestFactory
    Stream<DynamicTest> portableKernelsInDouble() {
        return tests(new Way(new Nd4jKernels(), DataType.DOUBLE, 1e-11));
    }

    @TestFactory
    Stream<DynamicTest> processorKernelsInSinglePrecision() {
        return tests(new Way(new OneDnnKernels(2), DataType.FLOAT, 1e-5));
    }

    @TestFactory
    Stream<DynamicTest> processorKernelsInHalfPrecision() {
        return tests(new Way(new OneDnnKernels(2), DataType.BFLOAT16, 3e-2));
    }

    @Test
    void aWrongLayerIsNoticed() {
        Way way = new Way(new Nd4jKernels(), DataType.DOUBLE, 1e-11);
        JsonNode exact = named("activation GELU");
        assertThrows(AssertionError.class,
                () -> check(way, exact, in -> Activation.of(in.get(0), Activation.Kind.GELU_TANH)));
        JsonNode mixture = named("experts 2 True SILU");
        assertThrows(AssertionError.class, () -> check(way, mixture, in -> experts(in, 2, false, Activation.Kind.SILU)));
    }

    private Stream<DynamicTest> tests(Way way) {
        return StreamSupport.stream(cases.spliterator(), false).map(given -> DynamicTest.dynamicTest(
                given.get("name").asText(), () -> {
                    assumeTrue(way.kernels().supports(way.type()));
                    if (given.get("name").asText().equals("capped loss")) {
                        checkHead(way, given);
                    } else {
                        check(way, given, layer(given.get("name").asText()));
                    }
                })).onClose(way.kernels()::close);
    }

    private static Function<List<SDVariable>, SDVariable> layer(String name) {
        String[] words = name.split(" ");
        String last = words[words.length - 1];
        if (name.startsWith("activation ")) {
            return in -> Activation.of(in.get(0), Activation.Kind.valueOf(last));
        }
        if (name.startsWith("gated activation ")) {
            return in -> GatedActivation.of(in.get(0), in.get(1), Activation.Kind.valueOf(last));
        }
        if (name.startsWith("experts ")) {
            return in -> experts(in, Integer.parseInt(words[1]), words[2].equals("True"), Activation.Kind.valueOf(last));
        }
        return switch (name) {
            case "layer norm" -> in -> LayerNorm.of(in.get(0), in.get(1), in.get(2), 1e-5);
            case "layer norm without bias" -> in -> LayerNorm.of(in.get(0), in.get(1), null, 1e-3);
            case "rms norm" -> in -> RmsNorm.of(in.get(0), in.get(1), 1e-6);
            case "zero-centred rms norm" -> in -> RmsNorm.of(in.get(0), in.get(1), 1e-6, true);
            case "rms norm of heads" -> in -> RmsNorm.perHead(in.get(0), in.get(1), 2, 1e-6, false);
            case "row added" -> in -> AddRow.of(in.get(0), in.get(1));
            case "soft cap" -> in -> SoftCap.of(in.get(0), 30);
            case "inputs first" -> in -> MatMul.of(in.get(0), false, in.get(1), false, 1, in.get(0).dataType(),
                    null);
            case "mean pool" -> in -> MeanPool.of(in.get(0), offsets(in.get(0)));
            case "first rows" -> in -> FirstRows.of(in.get(0), offsets(in.get(0)));
            case "normalize" -> in -> L2Normalize.of(in.get(0));
            case "second part of GPT-NeoX's fused layer" -> in -> Split.of(in.get(0), 6, 2, 2, 2)[1];
            case "last part of Phi-3's fused layer" -> in -> Split.of(in.get(0), 8, 4, 2, 2)[2];
            default -> throw new IllegalArgumentException("no layer is known for '" + name + "'");
        };
    }

    private static SDVariable offsets(SDVariable sibling) {
        return sibling.getSameDiff().constant(Nd4j.createFromArray(OFFSETS));
    }

    private static SDVariable experts(List<SDVariable> in, int perToken, boolean normalize, Activation.Kind kind) {
        int count = (in.size() - 2) / 3;
        return Experts.of(in.get(0), in.get(1), in.subList(2, 2 + count), in.subList(2 + count, 2 + 2 * count),
                in.subList(2 + 2 * count, in.size()), perToken, normalize, kind);
    }

    private static void check(Way way, JsonNode given, Function<List<SDVariable>, SDVariable> layer) {
        Graph graph = new Graph();
        List<SDVariable> leaves = new ArrayList<>();
        Map<String, INDArray> inputs = new HashMap<>();
        Map<String, double[]> expected = new HashMap<>();
        for (int i = 0; i < given.get("inputs").size(); i++) {
            List<INDArray> matrices = matrices(given.get("inputs").get(i));
            List<INDArray> gradients = matrices(given.get("gradients").get(i));
            for (int part = 0; part < matrices.size(); part++) {
                String name = "in" + leaves.size();
                leaves.add(graph.input(name, way.type()));
                inputs.put(name, matrices.get(part).castTo(way.type()));
                expected.put(name, gradients.get(part).dup('c').reshape(-1).toDoubleVector());
            }
        }
        SDVariable out = layer.apply(leaves);
        Map<String, List<String>> contributions =
                ReversePass.build(graph, out, graph.input("seed", way.type()), expected.keySet());
        inputs.put("seed", array(given.get("upstream")).castTo(way.type()));
        Map<String, INDArray> sinks = new HashMap<>();
        expected.keySet().forEach(name -> sinks.put(name, Nd4j.create(way.wide(), inputs.get(name).shape())));
        try (Arena arena = new Arena()) {
            INDArray found = new GraphSession(graph, way.kernels(), arena, List.of(out.name()), contributions, Map.of())
                    .run(inputs, sinks).get(out.name());
            assertClose(values(given.get("out")), found, way.tolerance(), "the output");
        }
        sinks.forEach((name, gradient) -> assertClose(expected.get(name), gradient, way.tolerance(), name));
    }

    /** The chunked head with a factor and a cap; tokens are weighed by the gradient from above. */
    private static void checkHead(Way way, JsonNode given) {
        Graph graph = new Graph();
        List<SDVariable> leaves = List.of(graph.input("hidden", way.type()), graph.input("weight", way.type()),
                graph.input("labels", DataType.INT), graph.input("weights", way.wide()));
        Map<String, INDArray> inputs = new HashMap<>();
        inputs.put("hidden", array(given.get("inputs").get(0)).castTo(way.type()));
        inputs.put("weight", array(given.get("inputs").get(1)).castTo(way.type()));
        inputs.put("labels", array(given.get("inputs").get(2)).castTo(DataType.INT));
        inputs.put("weights", array(given.get("upstream")).castTo(way.wide()));
        inputs.put("seed", Nd4j.ones(way.wide(), 1));
        Map<String, INDArray> sinks = Map.of("hidden", Nd4j.create(way.wide(), inputs.get("hidden").shape()),
                "weight", Nd4j.create(way.wide(), inputs.get("weight").shape()));
        try (Arena arena = new Arena(); ChunkedHead chunks = new ChunkedHead(LOG_LOSS, way.wide(), way.type(), 16,
                new LogitScaling(0.7, 5.0), way.kernels())) {
            HeadLoss head = HeadLoss.of(leaves.get(0), leaves.get(1), leaves.get(2), leaves.get(3), null, null, chunks);
            Map<String, List<String>> contributions = ReversePass.build(graph, head.loss(),
                    graph.input("seed", way.wide()), List.of("hidden", "weight"));
            INDArray losses = new GraphSession(graph, way.kernels(), arena, List.of(head.values().name()), contributions,
                    Map.of()).run(inputs, sinks).get(head.values().name());
            assertClose(values(given.get("out")), losses, way.tolerance(), "the losses");
        }
        assertClose(values(given.get("gradients").get(0)), sinks.get("hidden"), way.tolerance(), "hidden");
        assertClose(values(given.get("gradients").get(1)), sinks.get("weight"), way.tolerance(), "weight");
    }

    /** An array itself, or the matrices that one of three dimensions holds. */
    private static List<INDArray> matrices(JsonNode node) {
        INDArray array = array(node);
        return array.rank() < 3 ? List.of(array)
                : IntStream.range(0, (int) array.size(0)).mapToObj(i -> array.slice(i).dup('c')).toList();
    }

    private static INDArray array(JsonNode node) {
        long[] shape = new long[node.get("shape").size()];
        for (int i = 0; i < shape.length; i++) {
            shape[i] = node.get("shape").get(i).longValue();
        }
        return Nd4j.createFromArray(values(node)).reshape(shape);
    }

    private static double[] values(JsonNode node) {
        double[] values = new double[node.get("values").size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = node.get("values").get(i).doubleValue();
        }
        return values;
    }

    private static void assertClose(double[] expected, INDArray actual, double tolerance, String what) {
        double[] found = actual.castTo(DataType.DOUBLE).dup('c').reshape(-1).toDoubleVector();
        double largest = 1;
        for (double value : expected) {
            largest = Math.max(largest, Math.abs(value));
        }
        assertEquals(expected.length, found.length, what);
        for (int i = 0; i < found.length; i++) {
            assertEquals(expected[i], found[i], tolerance * largest, what + " " + i);
        }
    }

    private JsonNode named(String name) {
        return StreamSupport.stream(cases.spliterator(), false).filter(given -> given.get("name").asText().equals(name))
                .findFirst().orElseThrow();
    }

    private static JsonNode read() {
        try {
            return new ObjectMapper().readTree(PyTorchLayersTest.class.getResource("/oracle/layers-reference.json"));
        } catch (IOException failure) {
            throw new IllegalStateException(failure);
        }
    }
}
