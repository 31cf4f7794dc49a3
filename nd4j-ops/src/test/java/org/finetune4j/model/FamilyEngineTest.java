package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import org.finetune4j.graph.Profile;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What is told of every family's training before it runs: its operations and its memory. */
class FamilyEngineTest {
    private static final int RANK = 3;

    @ParameterizedTest
    @MethodSource("org.finetune4j.model.FamilyAgreementTest#decoders")
    void operationsAreCountedAsTheGraphDoesThem(String name) {
        ModelConfig config = ModelConfig.read(FamilyFixture.ALL.resolve(name));
        // Sixteen supervised tokens, which the head need not fill up.
        PackedBatch batch = TestModels.batch(config.vocabularySize(), 3, 12, 20);
        assertEquals(StepOperations.full(config, batch).total(), profiled(config, batch, null), 1);
        Set<String> all = Set.of(ModelShapes.ALL_LINEAR);
        assertEquals(StepOperations.lowRank(config, batch, RANK, all).total(), profiled(config, batch, all), 1);
    }

    private static double profiled(ModelConfig config, PackedBatch batch, Set<String> targets) {
        Profile profile = new Profile();
        try (Kernels kernels = new Nd4jKernels();
                LanguageModel model = LanguageModel.random(config, Precision.F64, kernels, 5)) {
            prepare(model, targets);
            try (TrainingEngine engine = new TrainingEngine(model, FamilyFixture.LOG_LOSS)) {
                engine.profile(profile);
                engine.accumulateGradient(batch, -1);
            }
        }
        return profile.operations();
    }

    @ParameterizedTest
    @MethodSource("org.finetune4j.model.FamilyAgreementTest#decoders")
    void memoryIsForetoldToTheByteAndRecomputationGivesTheSameBits(String name) {
        ModelConfig config = ModelConfig.read(FamilyFixture.ALL.resolve(name));
        PackedBatch batch = TestModels.batch(config.vocabularySize(), 3, 16, 16);
        try (Kernels kernels = new OneDnnKernels()) {
            INDArray kept = null;
            for (int blocks : new int[] {0, config.layers()}) {
                EngineOptions options = EngineOptions.DEFAULT.withRecomputedBlocks(blocks);
                long foretold;
                long parameters;
                try (LanguageModel outline = LanguageModel.outline(config, Precision.F32, FrozenWeights.AS_ACTIVATIONS,
                        kernels)) {
                    outline.trainAll();
                    try (TrainingEngine engine = new TrainingEngine(outline, FamilyFixture.LOG_LOSS, true, options)) {
                        foretold = engine.forecast(batch.tokens(), batch.supervised(), 2).arenaBytes();
                        parameters = outline.parameters().bytes();
                    }
                }
                try (LanguageModel model = LanguageModel.random(config, Precision.F32, kernels, 5)) {
                    model.trainAll();
                    try (TrainingEngine engine = new TrainingEngine(model, FamilyFixture.LOG_LOSS, true, options)) {
                        engine.accumulateGradient(batch, -1);
                        assertEquals(engine.arenaBytes() - engine.headBytes(), foretold);
                        assertEquals(model.parameters().bytes(), parameters);
                        INDArray gradient = model.parameters().flatGradient();
                        assertTrue(gradient.amaxNumber().doubleValue() > 0);
                        assertEquals(kept == null ? gradient : kept, gradient, "recomputation changes no bit");
                        kept = gradient.dup();
                    }
                }
            }
        }
    }

    private static void prepare(LanguageModel model, Set<String> targets) {
        if (targets == null) {
            model.trainAll();
        } else {
            model.attach(new Adapter(), 4);
        }
    }

    /** Low-rank adapters beside every linear layer. */
    private static final class Adapter implements LinearAdapter {
        @Override
        public List<ParameterSpec> parameters(String site, long inputs, long outputs) {
            return List.of(new ParameterSpec(site + ".a", new long[] {RANK, inputs}, (seed, index) -> 0.1 + index % 7),
                    new ParameterSpec(site + ".b", new long[] {outputs, RANK}, (seed, index) -> 0.2 - index % 5));
        }

        @Override
        public SDVariable adapt(LinearSite site, SDVariable base) {
            return site.linearAdd(base, 0.5, site.linear(site.input(), site.parameter("a")), site.parameter("b"));
        }
    }
}
