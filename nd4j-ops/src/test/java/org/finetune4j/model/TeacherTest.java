package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenValues;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Another model as the reference. */
class TeacherTest {
    /** What a label is worth to the reference, beside a loss that pulls towards it. */
    private static final TokenLoss WITH_LABELS = new TokenLoss() {
        @Override
        public boolean needsReference() {
            return true;
        }

        @Override
        public Expression build(TokenView view) {
            return new Expression(view.klDivergence(view.referenceLogits(), view.logits()),
                    Map.of("reference", view.logProbability(view.referenceLogits()).neg()));
        }
    };

    private static ModelConfig config(int vocabulary, int hidden, int layers) {
        return ModelConfig.llama(vocabulary, hidden, 20, layers, 4, 2, 6, 1e-5, 10000, 64, false, 0, List.of(1),
                DataType.FLOAT, 0.3);
    }

    private static LanguageModel policy(Kernels kernels, Precision precision, boolean adapter) {
        LanguageModel model = LanguageModel.random(TestModels.config(false), precision, kernels, 5);
        if (adapter) {
            model.attach(new ModelGradientTest.TestAdapter(), 7);
        } else {
            model.trainAll();
        }
        return model;
    }

    @ParameterizedTest
    @CsvSource({"F32, true", "F32, false", "BF16, true", "BF16, false"})
    void aCopyOfTheBaseIsTheReferenceThatThePolicyMakesItselfBitForBit(Precision precision, boolean adapter) {
        PackedBatch batch = TestModels.batch(37, 11, 9, 12);
        try (Kernels kernels = new OneDnnKernels()) {
            Assumptions.assumeTrue(kernels.supports(precision.type()));
            float[][] gradients = new float[2][];
            float[][] losses = new float[2][];
            for (int taught = 0; taught < 2; taught++) {
                try (LanguageModel model = policy(kernels, precision, adapter);
                        LanguageModel copy = LanguageModel.random(TestModels.config(false), precision, kernels, 5);
                        TrainingEngine engine = TrainingEngine.taught(model, ModelGradientTest.LOSS,
                                taught == 1 ? copy : null, EngineOptions.DEFAULT)) {
                    if (!adapter) {
                        assertEquals(0, engine.evaluate(batch).sum("kl"), 1e-5);
                        model.parameters().flat().muli(1.1);
                        model.parameters().mastersChanged();
                    }
                    String before = copy.parameters().hashOfFrozen();
                    engine.zeroGradients();
                    TokenValues values = engine.accumulateGradient(batch, 3);
                    assertTrue(values.sum("kl") > 1e-3, "the policy has not moved");
                    gradients[taught] = model.parameters().flatGradient().toFloatVector();
                    losses[taught] = values.values().get("loss");
                    assertEquals(before, copy.parameters().hashOfFrozen());
                }
            }
            assertArrayEquals(losses[0], losses[1]);
            assertArrayEquals(gradients[0], gradients[1]);
        }
    }

    /** Masked where another reads, and nowhere else; gradients under it are those of central differences. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aReferenceReadsTokensOfWhichSomeAreMasked(boolean another) {
        PackedBatch batch = TestModels.batch(37, 11, 9, 12);
        try (Kernels kernels = new Nd4jKernels(); LanguageModel model = policy(kernels, Precision.F64, !another);
                LanguageModel teacher = LanguageModel.random(config(37, 32, 3), Precision.F64, kernels, 9)) {
            LanguageModel asked = another ? teacher : null;
            int[] all = batch.ids().clone();
            for (int i = 0; i < all.length; i++) {
                all[i] = batch.positions()[i] == 0 ? all[i] : 5;
            }
            PackedBatch hidden = new PackedBatch(all, batch.positions(), batch.offsets(), batch.supervisedRows(),
                    batch.labels(), batch.weights());
            try (TrainingEngine none = TrainingEngine.taught(model, masked(0, 5), asked, EngineOptions.DEFAULT);
                    TrainingEngine plain = TrainingEngine.taught(model, WITH_LABELS, asked, EngineOptions.DEFAULT);
                    TrainingEngine whole = TrainingEngine.taught(model, masked(1, 5), asked, EngineOptions.DEFAULT);
                    TrainingEngine half = TrainingEngine.taught(model, masked(.5, 5), asked, EngineOptions.DEFAULT);
                    TrainingEngine unknown = TrainingEngine.taught(model, masked(.5, -1), asked, EngineOptions.DEFAULT)) {
                float[] unmasked = plain.evaluate(batch).values().get("reference");
                assertArrayEquals(unmasked, none.evaluate(batch).values().get("reference"));
                assertArrayEquals(plain.evaluate(hidden).values().get("reference"),
                        whole.evaluate(batch).values().get("reference"));
                float[] once = half.accumulateGradient(batch, 3).values().get("reference");
                assertArrayEquals(once, half.accumulateGradient(batch, 3).values().get("reference"));
                assertFalse(Arrays.equals(once, half.accumulateGradient(batch, 4).values().get("reference")));
                assertFalse(Arrays.equals(once, unmasked));
                assertThrows(IllegalStateException.class, () -> unknown.evaluate(batch));
            }
            ModelGradientTest.check(model, asked, masked(.5, 5));
        }
    }

    private static TokenLoss masked(double share, int token) {
        return new TokenLoss() {
            @Override
            public boolean needsReference() {
                return true;
            }

            @Override
            public MaskedInput maskedInput() {
                return new MaskedInput(share, token);
            }

            @Override
            public Expression build(TokenView view) {
                return WITH_LABELS.build(view);
            }
        };
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theGradientUnderAWiderTeacherAgreesWithCentralDifferences(boolean adapter) {
        try (Kernels kernels = new Nd4jKernels(); LanguageModel model = policy(kernels, Precision.F64, adapter);
                LanguageModel teacher = LanguageModel.random(config(37, 32, 3), Precision.F64, kernels, 9)) {
            ModelGradientTest.check(model, teacher);
        }
    }

    /** Gemma 2 caps its logits, which its pupil does not; GPT-NeoX has another trunk. */
    @ParameterizedTest
    @ValueSource(strings = {"gemma2", "gpt-neox"})
    void aTeacherOfAnotherFamilyShowsItsOwnLogits(String family) {
        ModelConfig other = ModelConfig.read(FamilyFixture.ALL.resolve(family));
        PackedBatch batch = TestModels.batch(other.vocabularySize(), 3, 9, 12);
        try (Kernels kernels = new OneDnnKernels();
                LanguageModel model = LanguageModel.random(config(other.vocabularySize(), 24, 2), Precision.F32, kernels, 5);
                LanguageModel teacher = LanguageModel.random(other, Precision.F32, kernels, 9)) {
            model.trainAll();
            try (TrainingEngine own = new TrainingEngine(teacher, FamilyFixture.LOG_LOSS);
                    TrainingEngine engine = TrainingEngine.taught(model, WITH_LABELS, teacher, EngineOptions.DEFAULT)) {
                TokenValues values = engine.accumulateGradient(batch, -1);
                assertArrayEquals(own.evaluate(batch).values().get("loss"), values.values().get("reference"), 1e-5f);
                assertTrue(values.loss() > 1e-3);
                assertNull(engine.follower());
            }
        }
    }

    @Test
    void memoryIsForetoldWithTheWeightsOfTheTeacher() {
        PackedBatch batch = TestModels.batch(37, 3, 16, 16);
        try (Kernels kernels = new OneDnnKernels()) {
            EngineForecast forecast;
            EngineForecast alone;
            try (LanguageModel outline = LanguageModel.outline(TestModels.config(false), Precision.F32,
                    FrozenWeights.AS_ACTIVATIONS, kernels);
                    LanguageModel large = LanguageModel.outline(config(37, 32, 3), Precision.F32,
                            FrozenWeights.AS_ACTIVATIONS, kernels)) {
                outline.attach(new ModelGradientTest.TestAdapter(), 7);
                try (TrainingEngine engine = TrainingEngine.taught(outline, WITH_LABELS, large, EngineOptions.DEFAULT);
                        TrainingEngine plain = TrainingEngine.taught(outline, WITH_LABELS, null, EngineOptions.DEFAULT)) {
                    forecast = engine.forecast(batch.tokens(), batch.supervised(), 2);
                    alone = plain.forecast(batch.tokens(), batch.supervised(), 2);
                }
            }
            try (LanguageModel model = policy(kernels, Precision.F32, true);
                    LanguageModel teacher = LanguageModel.random(config(37, 32, 3), Precision.F32, kernels, 9);
                    TrainingEngine engine = TrainingEngine.taught(model, WITH_LABELS, teacher, EngineOptions.DEFAULT)) {
                engine.evaluate(batch);
                engine.accumulateGradient(batch, -1);
                assertEquals(engine.arenaBytes() - engine.headBytes(), forecast.arenaBytes());
                assertTrue(engine.headBytes() <= forecast.headBytes());
                assertEquals(teacher.parameters().bytes(), forecast.referenceBytes());
                assertEquals(0, alone.referenceBytes());
                assertTrue(forecast.products() > alone.products());
            }
        }
    }

    @Test
    void anotherVocabularyIsRefused() {
        try (Kernels kernels = new Nd4jKernels(); LanguageModel model = policy(kernels, Precision.F32, true);
                LanguageModel teacher = LanguageModel.random(config(38, 24, 2), Precision.F32, kernels, 9)) {
            String message = assertThrows(FinetuneException.class,
                    () -> TrainingEngine.taught(model, WITH_LABELS, teacher, EngineOptions.DEFAULT)).getMessage();
            assertTrue(message.startsWith("the teacher has 38 tokens in F32, the policy 37 in F32"), message);
        }
    }
}
