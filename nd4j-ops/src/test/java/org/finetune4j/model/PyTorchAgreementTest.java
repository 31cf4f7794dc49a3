package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.Generator;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.junit.jupiter.api.Test;

/** The committed tiny model against numbers that PyTorch computed from the same files (llama_reference.py). */
class PyTorchAgreementTest {
    private static final Path MODEL = Path.of("..", "samples", "models", "tiny");
    private static final TokenLoss LOG_LOSS = new TokenLoss() {
        @Override
        public Expression build(TokenView view) {
            return Expression.of(view.logProbability().neg());
        }
    };

    private final JsonNode reference = read();

    @Test
    void portableKernelsInDouble() {
        check(new Nd4jKernels(), Precision.F64, 1e-9, 1e-8);
    }

    @Test
    void processorKernelsInSinglePrecision() {
        check(new OneDnnKernels(), Precision.F32, 1e-4, 1e-4);
    }

    @Test
    void greedyTextIsTheSameTokenForToken() {
        try (Kernels kernels = new OneDnnKernels();
                LanguageModel model = LanguageModel.load(MODEL, Precision.F32, kernels);
                Generator generator = new Generator(model)) {
            assertArrayEquals(integers("continuation"), generator.generate(List.of(integers("prompt")),
                    GenerationSettings.greedy(20, Set.of())).get(0));
        }
    }

    private void check(Kernels kernels, Precision precision, double logProbabilityError, double relativeGradientError) {
        int[] ids = integers("ids");
        int count = ids.length - 1;
        float[] weights = new float[count];
        Arrays.fill(weights, 1);
        PackedBatch batch = new PackedBatch(ids, IntStream.range(0, ids.length).toArray(), new int[] {0, ids.length},
                IntStream.range(0, count).toArray(), Arrays.copyOfRange(ids, 1, ids.length), weights);
        try (kernels; LanguageModel model = LanguageModel.load(MODEL, precision, kernels)) {
            model.trainAll();
            try (TrainingEngine engine = new TrainingEngine(model, LOG_LOSS)) {
                engine.zeroGradients();
                float[] losses = engine.accumulateGradient(batch, -1).values().get("loss");
                for (int i = 0; i < count; i++) {
                    double expected = -reference.get("logProbabilities").get(i).doubleValue();
                    assertEquals(expected, losses[i], logProbabilityError + Math.ulp((float) expected), "token " + i);
                }
                for (Parameter parameter : model.parameters().trainable()) {
                    JsonNode expected = reference.get("gradients").get(parameter.name());
                    double norm = expected.get("norm").doubleValue();
                    double[] gradient = model.parameters().gradient(parameter).dup().reshape(-1).toDoubleVector();
                    double actual = Math.sqrt(Arrays.stream(gradient).map(g -> g * g).sum()) / count;
                    assertEquals(norm, actual, relativeGradientError * norm, parameter.name());
                    for (int i = 0; i < 4; i++) {
                        assertEquals(expected.get("first").get(i).doubleValue(), gradient[i] / count,
                                relativeGradientError * norm, parameter.name() + " " + i);
                    }
                }
            }
        }
    }

    private int[] integers(String field) {
        return IntStream.range(0, reference.get(field).size()).map(i -> reference.get(field).get(i).intValue()).toArray();
    }

    private static JsonNode read() {
        try {
            return new ObjectMapper().readTree(PyTorchAgreementTest.class.getResource("/oracle/tiny-reference.json"));
        } catch (IOException failure) {
            throw new IllegalStateException(failure);
        }
    }
}
