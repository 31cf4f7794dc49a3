package org.finetune4j.methods.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.finetune4j.data.Example;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.select.BatchMethod;
import org.finetune4j.methods.select.QTuning;
import org.finetune4j.methods.select.Uds;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.GradientEngine;
import org.finetune4j.train.ModelGradientEngine;
import org.finetune4j.train.TinyTraining;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What plans say of passes beside the training against what their engines then hold. */
class PassForecastTest {
    /** Three samples of one length, so that the forecast's batch is this one. */
    private static final List<Example> SAMPLES = java.util.stream.IntStream.range(0, 3).mapToObj(s -> {
        int[] ids = java.util.stream.IntStream.range(0, 17).map(i -> (int) Math.floorMod(CounterRandom.bits(s, i), 40)).toArray();
        boolean[] supervised = new boolean[17];
        java.util.Arrays.fill(supervised, 5, 17, true);
        return new Example("s" + s, ids, supervised);
    }).toList();
    private static final PackedBatch BATCH = TinyTraining.batch(SAMPLES);

    private static LanguageModel prepared(LanguageModel model, boolean adapter) {
        if (adapter) {
            model.attach(new Lora(4).linearAdapter(), 1);
        } else {
            model.trainAll();
        }
        return model;
    }

    private static PassForecast forecast(Objective objective, boolean adapter) {
        try (LanguageModel outline = prepared(LanguageModel.outline(TinyTraining.CONFIG, Precision.F32,
                FrozenWeights.AS_ACTIVATIONS, TinyTraining.KERNELS), adapter)) {
            return objective.passes(outline(outline, objective));
        }
    }

    private static PassOutline outline(LanguageModel outline, Objective objective) {
        try (TrainingEngine engine = new TrainingEngine(outline, objective.tokenLoss())) {
            return new PassOutline(outline, EngineOptions.DEFAULT, engine.forecast(BATCH.tokens(), BATCH.supervised(), 3),
                    BATCH.tokens(), BATCH.supervised(), 3);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theMovementOfStatesIsForetold(boolean adapter) {
        Undesirable objective = new Undesirable(new Sft(), .1, 5);
        PassForecast forecast = forecast(objective, adapter);
        try (LanguageModel model = prepared(LanguageModel.random(TinyTraining.CONFIG, Precision.F32, TinyTraining.KERNELS, 3),
                adapter);
                ModelGradientEngine engine = new ModelGradientEngine(model, objective.tokenLoss());
                UndesirableEngine passes = (UndesirableEngine) objective.engine(engine, TinyTraining.passes(model, SAMPLES))) {
            passes.beginStep(0);
            passes.accumulateGradient(BATCH, -1);
            // Beside what the engine holds there are the targets: a state a layer for every learned token.
            long targets = 3L * BATCH.supervised() * TinyTraining.CONFIG.hiddenSize() * Float.BYTES;
            assertEquals(passes.bytes() + targets, forecast.bytes());
            assertEquals(PassForecast.NONE, forecast(new Undesirable(new Sft(), 0, 5), adapter));
        }
        try (LanguageModel outline = prepared(LanguageModel.outline(TinyTraining.CONFIG, Precision.F32,
                FrozenWeights.AS_ACTIVATIONS, TinyTraining.KERNELS), adapter)) {
            double training = outline(outline, objective).training().products();
            // Another training pass, and one over states that has no head.
            assertTrue(forecast.products() > 1.5 * training && forecast.products() < 3 * training,
                    forecast.products() / training + " times");
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void steeredStatesAreForetold(boolean adapter) {
        Undesirable objective = new Undesirable(new Sft(), Undesirable.Via.STEERING);
        PassForecast forecast = forecast(objective, adapter);
        try (LanguageModel model = prepared(LanguageModel.random(TinyTraining.CONFIG, Precision.F32, TinyTraining.KERNELS, 3),
                adapter);
                ModelGradientEngine engine = new ModelGradientEngine(model, objective.tokenLoss());
                UndesirableEngine passes = (UndesirableEngine) objective.engine(engine, TinyTraining.passes(model, SAMPLES))) {
            passes.beginStep(0);
            passes.accumulateGradient(BATCH, -1);
            assertTrue(passes.bytes() <= forecast.bytes() && passes.bytes() > 0.7 * forecast.bytes(),
                    passes.bytes() + " of " + forecast.bytes());
        }
        assertTrue(forecast.products() > 0);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void draftsAreForetold(boolean drawn) {
        Intuitive objective = Intuitive.METHOD.create(new Settings(Map.of("draft", drawn ? "drawn" : "greedy")));
        PassForecast forecast = forecast(objective, false);
        try (LanguageModel model = prepared(LanguageModel.random(TinyTraining.CONFIG, Precision.F32, TinyTraining.KERNELS, 3),
                false);
                ModelGradientEngine engine = new ModelGradientEngine(model, objective.tokenLoss());
                GradientEngine passes = objective.engine(engine, TinyTraining.passes(model, SAMPLES))) {
            passes.accumulateGradient(org.finetune4j.train.StepBatches.of(List.of(SAMPLES), Reduction.SUM_PER_SEQUENCE, 5L)
                    .get(0), -1);
            long held = ((DraftingEngine) passes).bytes();
            assertTrue(held <= forecast.bytes() && held > 0.7 * forecast.bytes(), held + " of " + forecast.bytes());
        }
        assertTrue(forecast.products() > 0);
    }

    @ParameterizedTest
    @ValueSource(strings = {"QTUNING", "UTILITY_DIVERSITY", "RANDOM", "MAX_LOSS", "MAX_GRADIENT"})
    void methodsOfBatchesSayWhatTheyCompute(String kind) {
        BatchMethod method = kind.equals("QTUNING") ? new QTuning(.5, .5)
                : Uds.METHOD.create(new Settings(Map.of("score", kind)));
        try (LanguageModel outline = prepared(LanguageModel.outline(TinyTraining.CONFIG, Precision.F32,
                FrozenWeights.AS_ACTIVATIONS, TinyTraining.KERNELS), false)) {
            PassOutline batch = outline(outline, new Sft());
            PassForecast forecast = method.passes(batch, 17);
            if (kind.equals("RANDOM")) {
                assertEquals(PassForecast.NONE, forecast);
            } else if (kind.equals("MAX_GRADIENT")) {
                assertEquals(1, forecast.products() / batch.training().products(), 0.01);
                assertTrue(forecast.bytes() > 0);
            } else {
                // A forward pass: a third of the products of one that trains every weight, or as much and the sketches.
                double share = forecast.products() / batch.training().products();
                assertTrue(share > 0.25 && share < 0.8, share + " of a training pass");
                assertTrue(forecast.bytes() > 0);
            }
        }
    }
}
