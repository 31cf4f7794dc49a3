package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.family.Architecture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Every family in bfloat16, and with weights of bytes, near PyTorch's loss in double precision. */
class FamilyPrecisionTest {
    @ParameterizedTest
    @MethodSource("org.finetune4j.model.FamilyAgreementTest#decoders")
    void theLossStaysNear(String name) {
        FamilyFixture fixture = FamilyFixture.read(name);
        try (Kernels kernels = new OneDnnKernels()) {
            try (LanguageModel model = LanguageModel.load(fixture.folder(), Precision.BF16, kernels)) {
                model.trainAll();
                assertEquals(fixture.loss(), loss(fixture, model, true), 0.03, "bfloat16");
                assertTrue(model.parameters().flatGradient().amaxNumber().doubleValue() > 0);
            }
            if (name.startsWith("gpt2")) {
                assertTrue(assertThrows(FinetuneException.class, () -> LanguageModel.load(fixture.folder(), Precision.F32,
                        FrozenWeights.INT8, kernels)).getMessage().contains("int8 is not built for models of type gpt2"));
            } else {
                try (LanguageModel model = LanguageModel.load(fixture.folder(), Precision.F32, FrozenWeights.INT8, kernels)) {
                    assertEquals(fixture.loss(), loss(fixture, model, false), 0.03, "bytes");
                }
            }
        }
    }

    @Test
    void theEmbeddingsFactorIsOfTheirType() {
        assertArrayEquals(logits(55.5, Precision.BF16), logits(Math.sqrt(3072), Precision.BF16));
        assertFalse(Arrays.equals(logits(55.5, Precision.F32), logits(Math.sqrt(3072), Precision.F32)));
    }

    private static float[] logits(double factor, Precision precision) {
        ModelConfig read = ModelConfig.read(FamilyFixture.ALL.resolve("gemma"));
        Architecture own = read.architecture();
        ModelConfig config = new ModelConfig(read.modelType(), new Architecture(own.embeddings().scaledBy(factor), own.blocks(),
                own.finalNorm(), own.head(), own.maxPositions()), read.bosTokenId(), read.eosTokenIds(), read.torchDtype(),
                read.initializerRange(), read.toJson());
        try (Kernels kernels = new OneDnnKernels();
                LanguageModel model = LanguageModel.random(config, precision, kernels, 3);
                DecodingEngine engine = new DecodingEngine(model, true)) {
            engine.begin(1, 8);
            return engine.feed(List.of(new DecodingEngine.Feed(0, new int[] {3, 1, 4, 1, 5, 9, 2, 6}))).getRow(0)
                    .toFloatVector();
        }
    }

    private static double loss(FamilyFixture fixture, LanguageModel model, boolean gradient) {
        PackedBatch batch = fixture.batch();
        try (TrainingEngine engine = new TrainingEngine(model, FamilyFixture.LOG_LOSS)) {
            return (gradient ? engine.accumulateGradient(batch, -1) : engine.evaluate(batch)).loss() / batch.supervised();
        }
    }
}
