package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Random;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.CurioSft;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A reference that follows the policy: card {@code curiosft}, tests 5 and 6. */
class LaggedReferenceTest {
    private static final CurioSft CURIO = CurioSft.METHOD.create(new Settings(Map.of()));

    private static LanguageModel model(boolean adapter) {
        LanguageModel model = LlamaJobs.Kind.FULL.model(Precision.F32);
        if (adapter) {
            LanguageModel adapted = LlamaJobs.Kind.ADAPTER_BF16.model(Precision.F32);
            model.close();
            return adapted;
        }
        return model;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void itFollowsEveryFifthStepAndNeverAtTheFirst(boolean adapter) {
        try (LanguageModel model = model(adapter); ModelGradientEngine engine = new ModelGradientEngine(model, CURIO)) {
            INDArray teacher = engine.state().get("reference");
            engine.weights().assign(1);
            engine.weightsChanged();
            teacher.assign(1);
            engine.stateRestored();
            engine.weights().assign(3);
            engine.weightsChanged();
            for (int done = 0; done < 5; done++) {
                engine.beginStep(done);
                assertEquals(1, teacher.getFloat(7));
            }
            engine.beginStep(5);
            assertEquals(2.98, teacher.getFloat(7), 1e-6);
            engine.beginStep(6);
            assertEquals(2.98, teacher.getFloat(7), 1e-6);
            engine.beginStep(10);
            assertEquals(2.9998, teacher.getFloat(7), 1e-6);
        }
    }

    private record KlToReference() implements TokenLoss {
        @Override
        public boolean needsReference() {
            return true;
        }

        @Override
        public Lag lag() {
            return new Lag(0.25, 3);
        }

        @Override
        public Expression build(TokenView view) {
            return new Expression(view.klDivergence(view.referenceLogits(), view.logits()), Map.of());
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void itComputesWithItsOwnWeightsAndTakesNoGradient(boolean adapter) {
        PackedBatch batch = StepBatches.of(java.util.List.of(LlamaJobs.samples(4, 3).examples()), Reduction.TOKENS).get(0);
        try (LanguageModel model = model(adapter);
                ModelGradientEngine engine = new ModelGradientEngine(model, new KlToReference())) {
            INDArray teacher = engine.state().get("reference");
            assertEquals(0, engine.evaluate(batch).loss(), 1e-7);
            // An adapter begins at zero, where nothing that it is multiplied with shows.
            Random random = new Random(2);
            for (long i = 0; i < teacher.length(); i++) {
                engine.weights().putScalar(i, engine.weights().getFloat(i) + 0.1 * random.nextGaussian());
            }
            engine.weightsChanged();
            teacher.assign(engine.weights());
            engine.stateRestored();
            float[] before = teacher.toFloatVector();
            INDArray start = engine.weights().dup();
            engine.weights().addi(start.mul(0.3));
            engine.weightsChanged();
            double moved = engine.evaluate(batch).loss();
            assertTrue(moved > 1e-4, "KL " + moved);
            engine.zeroGradients();
            engine.accumulateGradient(batch, 5);
            assertArrayEquals(before, teacher.toFloatVector());
            engine.beginStep(3);
            assertTrue(engine.evaluate(batch).loss() < moved);
            teacher.assign(engine.weights());
            engine.stateRestored();
            assertEquals(0, engine.evaluate(batch).loss(), 1e-7);
        }
    }
}
