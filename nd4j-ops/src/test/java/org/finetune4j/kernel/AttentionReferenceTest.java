package org.finetune4j.kernel;

import static org.finetune4j.kernel.TestArrays.integers;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Scales, softcaps, windows, no mask and partial rotary embeddings against PyTorch (attention_reference.py). */
class AttentionReferenceTest {

    @ParameterizedTest(name = "case {index}")
    @MethodSource("cases")
    void portableKernelsInDouble(JsonNode given) {
        check(new Nd4jKernels(), DataType.DOUBLE, given, 1e-12);
    }

    @ParameterizedTest(name = "case {index}")
    @MethodSource("cases")
    void processorKernelsInSinglePrecision(JsonNode given) {
        check(new OneDnnKernels(2), DataType.FLOAT, given, 1e-5);
    }

    static Stream<JsonNode> cases() throws IOException {
        JsonNode all = new ObjectMapper().readTree(AttentionReferenceTest.class.getResource("/oracle/attention-reference.json"));
        return StreamSupport.stream(all.spliterator(), false);
    }

    private static void check(Kernels kernels, DataType type, JsonNode given, double tolerance) {
        AttentionShape shape = new AttentionShape(given.get("heads").intValue(), given.get("keyValueHeads").intValue(),
                given.get("headDimension").intValue()).withScores(new AttentionScores(given.get("scale").doubleValue(),
                        given.get("softcap").doubleValue(), given.get("window").intValue(),
                        given.get("causal").booleanValue()));
        int[] bounds = integersOf(given, "offsets");
        int tokens = bounds[bounds.length - 1];
        INDArray offsets = integers(bounds);
        RotaryPositions rotary = rotary(given, shape.headDimension());
        INDArray query = matrix(given, "query", type, tokens);
        INDArray key = matrix(given, "key", type, tokens);
        INDArray value = matrix(given, "value", type, tokens);
        INDArray out = Nd4j.create(type, query.shape());
        INDArray logSumExp = Nd4j.create(type, tokens, shape.heads());
        INDArray queryGradient = Nd4j.create(type, query.shape());
        INDArray keyGradient = Nd4j.create(type, key.shape());
        INDArray valueGradient = Nd4j.create(type, value.shape());
        try (kernels) {
            kernels.attention(query, key, value, offsets, shape, rotary, out, logSumExp);
            kernels.attentionGradient(query, key, value, offsets, shape, rotary, out, logSumExp,
                    matrix(given, "upstream", type, tokens), queryGradient, keyGradient, valueGradient);
        }
        assertClose(given, "out", out, tolerance);
        assertClose(given, "queryGradient", queryGradient, tolerance);
        assertClose(given, "keyGradient", keyGradient, tolerance);
        assertClose(given, "valueGradient", valueGradient, tolerance);
    }

    private static @Nullable RotaryPositions rotary(JsonNode given, int headDimension) {
        double[] frequencies = doubles(given, "frequencies");
        return frequencies.length == 0 ? null : new RotaryPositions(integers(integersOf(given, "positions")),
                new RotaryTable(headDimension, frequencies, given.get("magnitude").doubleValue()));
    }

    private static INDArray matrix(JsonNode given, String name, DataType type, int rows) {
        return Nd4j.createFromArray(doubles(given, name)).castTo(type).reshape(rows, -1);
    }

    private static void assertClose(JsonNode given, String name, INDArray found, double tolerance) {
        double[] expected = doubles(given, name);
        double[] actual = found.castTo(DataType.DOUBLE).reshape(-1).toDoubleVector();
        assertEquals(expected.length, actual.length, name);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], tolerance, name + " " + i);
        }
    }

    private static int[] integersOf(JsonNode given, String name) {
        return IntStream.range(0, given.get(name).size()).map(i -> given.get(name).get(i).intValue()).toArray();
    }

    private static double[] doubles(JsonNode given, String name) {
        return IntStream.range(0, given.get(name).size()).mapToDouble(i -> given.get(name).get(i).doubleValue()).toArray();
    }
}
