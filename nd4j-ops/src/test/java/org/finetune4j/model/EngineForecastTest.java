package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;

/** What an outline says of memory against what an engine with weights then holds. */
class EngineForecastTest {
    private static final ModelConfig CONFIG = ModelConfig.llama(1000, 64, 96, 4, 4, 2, 16, 1e-5, 10000, 512, false, 0,
            List.of(1), DataType.FLOAT, 0.1);
    private static final TokenLoss WITH_REFERENCE = new TokenLoss() {
        @Override
        public boolean needsReference() {
            return true;
        }

        @Override
        public Expression build(TokenView view) {
            return new Expression(view.logProbability().neg().add(
                    view.klDivergence(view.referenceLogits(), view.logits()).mul(0.1)), Map.of());
        }
    };

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void anOutlineForetellsWhatAnEngineHolds(boolean adapter) {
        PackedBatch batch = TestModels.batch(1000, 3, 60, 40, 100);
        try (Kernels kernels = new OneDnnKernels()) {
            for (Precision precision : List.of(Precision.F32, Precision.BF16)) {
                double productsBefore = 0;
                FrozenWeights frozen = adapter && precision == Precision.BF16 ? FrozenWeights.INT8
                        : FrozenWeights.AS_ACTIVATIONS;
                for (int blocks : new int[] {0, 2, 3}) {
                    EngineOptions options = EngineOptions.DEFAULT.withRecomputedBlocks(blocks);
                    EngineForecast forecast;
                    long parameterBytes;
                    try (LanguageModel outline = prepared(LanguageModel.outline(CONFIG, precision, frozen, kernels), adapter);
                            TrainingEngine engine = new TrainingEngine(outline, WITH_REFERENCE, true, options)) {
                        forecast = engine.forecast(batch.tokens(), batch.supervised(), 3);
                        parameterBytes = outline.parameters().bytes();
                        assertThrows(IllegalStateException.class, () -> engine.accumulateGradient(batch, -1));
                        assertThrows(IllegalStateException.class, () -> engine.evaluate(batch));
                    }
                    try (LanguageModel model = prepared(LanguageModel.random(CONFIG, precision, frozen, kernels, 1), adapter);
                            TrainingEngine engine = new TrainingEngine(model, WITH_REFERENCE, true, options)) {
                        engine.evaluate(batch);
                        engine.accumulateGradient(batch, -1);
                        assertEquals(engine.arenaBytes() - engine.headBytes(), forecast.arenaBytes());
                        assertTrue(engine.headBytes() <= forecast.headBytes()
                                && engine.headBytes() > 0.5 * forecast.headBytes(),
                                engine.headBytes() + " bytes of the head, foretold " + forecast.headBytes());
                        assertEquals(model.parameters().bytes(), parameterBytes);
                    }
                    assertEquals(adapter ? 0 : ModelShapes.parameterCount(CONFIG) * precision.type().width(),
                            forecast.referenceBytes());
                    assertTrue(forecast.products() > productsBefore && forecast.movedBytes() > 0);
                    productsBefore = forecast.products();
                }
            }
        }
    }

    private static LanguageModel prepared(LanguageModel model, boolean adapter) {
        if (adapter) {
            model.attach(new ModelGradientTest.TestAdapter(), 3);
        } else {
            model.trainAll();
        }
        return model;
    }
}
