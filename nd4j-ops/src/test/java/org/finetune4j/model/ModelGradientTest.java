package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The gradient of the whole model's loss against central differences, in double. */
class ModelGradientTest {
    /** Log-loss with a detached weight and a divergence to the reference: uses every part of a token view. */
    static final TokenLoss LOSS = new TokenLoss() {
        @Override
        public boolean needsReference() {
            return true;
        }

        @Override
        public Expression build(TokenView view) {
            SDVariable kl = view.klDivergence(view.referenceLogits(), view.logits());
            SDVariable loss = view.logProbability().neg().add(kl.mul(0.3)).add(view.logSumExp().mul(view.logSumExp()).mul(0.01));
            return new Expression(loss, Map.of("kl", kl));
        }
    };

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void everyParameterOfAFullFineTuneAgreesWithCentralDifferences(boolean tied) {
        try (Nd4jKernels kernels = new Nd4jKernels();
                LanguageModel model = LanguageModel.random(TestModels.config(tied), Precision.F64, kernels, 5)) {
            model.trainAll();
            check(model);
        }
    }

    @Test
    void everyParameterOfAnAdapterAgreesWithCentralDifferences() {
        try (Nd4jKernels kernels = new Nd4jKernels();
                LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F64, kernels, 6)) {
            model.attach(new TestAdapter(), 7);
            check(model);
        }
    }

    private static void check(LanguageModel model) {
        check(model, null);
    }

    /** Compares the gradient of {@link #LOSS} with another model as the reference, or null. */
    static void check(LanguageModel model, @Nullable LanguageModel teacher) {
        check(model, teacher, LOSS);
    }

    /** Compares the gradient of any token loss. */
    static void check(LanguageModel model, @Nullable LanguageModel teacher, TokenLoss loss) {
        PackedBatch batch = TestModels.batch(37, 11, 5, 1, 7);
        try (TrainingEngine engine = TrainingEngine.taught(model, loss, teacher, EngineOptions.DEFAULT)) {
            Random random = new Random(3);
            Parameters parameters = model.parameters();
            for (long i = 0; i < parameters.trainableCount(); i++) {
                parameters.flat().putScalar(i, parameters.flat().getDouble(i) + 0.05 * random.nextGaussian());
            }
            parameters.mastersChanged();
            engine.zeroGradients();
            double found = engine.accumulateGradient(batch, -1).loss();
            assertEquals(found, engine.evaluate(batch).loss(), 1e-9 * Math.abs(found));
            double largest = 0;
            for (Parameter parameter : parameters.trainable()) {
                double[] direction = random.doubles(parameter.count(), -1, 1).toArray();
                double analytic = 0;
                for (int i = 0; i < direction.length; i++) {
                    analytic += direction[i] * parameters.flatGradient().getDouble(parameter.flatOffset() + i);
                }
                double numeric = slope(engine, parameter, batch, direction);
                assertEquals(numeric, analytic, 1e-6 * Math.max(1, Math.abs(numeric)), parameter.name());
                largest = Math.max(largest, Math.abs(numeric));
            }
            assertTrue(largest > 1e-2, "all gradients that were compared are near zero");
        }
    }

    /** The central difference of the loss along a direction of one parameter. */
    private static double slope(TrainingEngine engine, Parameter parameter, PackedBatch batch, double[] direction) {
        double step = 1e-5;
        INDArray along = Nd4j.createFromArray(direction).reshape(parameter.shape()).mul(step);
        INDArray before = parameter.master().dup();
        parameter.master().addi(along);
        double right = engine.evaluate(batch).loss();
        parameter.master().assign(before).subi(along);
        double left = engine.evaluate(batch).loss();
        parameter.master().assign(before);
        return (right - left) / (2 * step);
    }

    /** A low-rank branch on two kinds of layers with values that are not zero. */
    static final class TestAdapter implements LinearAdapter {
        @Override
        public List<ParameterSpec> parameters(String site, long inputs, long outputs) {
            if (!site.endsWith("q_proj") && !site.endsWith("down_proj")) {
                return List.of();
            }
            ParameterSpec.Initializer normal = (seed, index) -> 0.3 * CounterRandom.gaussian(seed, index);
            return List.of(new ParameterSpec(site + ".lora_A.weight", new long[] {3, inputs}, normal),
                    new ParameterSpec(site + ".lora_B.weight", new long[] {outputs, 3}, normal));
        }

        @Override
        public SDVariable adapt(LinearSite site, SDVariable base) {
            SDVariable low = site.linear(site.dropout(site.input(), 0.1), site.parameter("lora_A.weight"));
            return site.linearAdd(base, 1.5, low, site.parameter("lora_B.weight"));
        }
    }
}
