package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Set;
import org.finetune4j.graph.Profile;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The counted operations are those that a real pass does. */
class StepOperationsTest {
    private static final Set<String> ALL =
            Set.of("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj");
    private static final int RANK = 3;
    private static final EngineOptions PLAIN = EngineOptions.DEFAULT.withFusions(Set.of());
    static final TokenLoss LOG_LOSS = new TokenLoss() {
        @Override
        public Expression build(TokenView view) {
            return Expression.of(view.logProbability().neg());
        }
    };

    private final ModelConfig config = TestModels.config(true);
    /** Sixteen supervised tokens, which the head need not fill up. */
    private final PackedBatch batch = TestModels.batch(config.vocabularySize(), 3, 12, 20);

    @Test
    void fullTrainingIsCountedAsItsProductsAre() {
        assertProducts(StepOperations.full(config, batch), LanguageModel::trainAll);
    }

    @Test
    void lowRankAdaptersAreCountedAsTheirProductsAre() {
        for (Set<String> targets : List.of(ALL, Set.of("q_proj", "v_proj"), Set.of("o_proj"), Set.of("down_proj"),
                Set.of("gate_proj"))) {
            assertProducts(StepOperations.lowRank(config, batch, RANK, targets),
                    model -> model.attach(new Adapter(targets), 4));
        }
        assertThrows(AssertionError.class, () -> assertProducts(StepOperations.lowRank(config, batch, RANK, ALL),
                model -> model.attach(new Adapter(Set.of("q_proj", "v_proj")), 4)));
    }

    @Test
    void scoringIsForwardOnly() {
        double[] counted = new double[1];
        try (LanguageModel model = model(counted); TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true, PLAIN)) {
            engine.evaluate(batch);
        }
        StepOperations operations = StepOperations.scoring(config, batch);
        assertEquals(counted[0], operations.total() - operations.attention());
    }

    @Test
    void attentionIsTheLowerTriangleOfEverySequence() {
        long pairs = 0;
        for (int t = 0; t < batch.tokens(); t++) {
            for (int s = 0; s <= t; s++) {
                boolean together = true;
                for (int offset : batch.offsets()) {
                    together &= offset <= s == offset <= t;
                }
                pairs += together ? 1 : 0;
            }
        }
        double product = 2.0 * pairs * config.heads() * config.headDimension();
        assertEquals(config.layers() * 2 * product, StepOperations.scoring(config, batch).attention());
        assertEquals(config.layers() * (2 + 4) * product, StepOperations.full(config, batch).attention());
        assertEquals(config.layers() * (2 + 4) * product, StepOperations.lowRank(config, batch, RANK, ALL).attention());
        assertEquals(config.layers() * (2 + 4) * product - product,
                StepOperations.lowRank(config, batch, RANK, Set.of("q_proj", "v_proj")).attention(), "keys of layer 0");
        assertEquals(config.layers() * (2 + 4) * product - 3 * product,
                StepOperations.lowRank(config, batch, RANK, Set.of("v_proj")).attention(), "only values of layer 0");
    }

    @Test
    void operationsOfTheGraphSayWhatTheyDo() {
        for (EngineOptions options : List.of(PLAIN, EngineOptions.DEFAULT)) {
            assertEquals(StepOperations.full(config, batch).total(), profiled(LanguageModel::trainAll, options));
            assertEquals(StepOperations.lowRank(config, batch, RANK, ALL).total(),
                    profiled(model -> model.attach(new Adapter(ALL), 4), options));
        }
    }

    @Test
    void adaptersWithoutTargetsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> StepOperations.lowRank(config, batch, 0, ALL));
        assertThrows(IllegalArgumentException.class, () -> StepOperations.lowRank(config, batch, RANK, Set.of()));
    }

    /** A change to a model. */
    private interface Training {
        void prepare(LanguageModel model);
    }

    private void assertProducts(StepOperations operations, Training training) {
        double[] counted = new double[1];
        try (LanguageModel model = model(counted)) {
            training.prepare(model);
            try (TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true, PLAIN)) {
                engine.accumulateGradient(batch, -1);
            }
        }
        assertEquals(counted[0], operations.total() - operations.attention());
    }

    private double profiled(Training training, EngineOptions options) {
        Profile profile = new Profile();
        try (LanguageModel model = model(new double[1])) {
            training.prepare(model);
            try (TrainingEngine engine = new TrainingEngine(model, LOG_LOSS, true, options)) {
                engine.profile(profile);
                engine.accumulateGradient(batch, -1);
            }
        }
        return profile.operations();
    }

    /** A model on kernels that add up the operations of their matrix products. */
    private LanguageModel model(double[] counted) {
        Kernels kernels = new Nd4jKernels();
        Kernels counting = (Kernels) Proxy.newProxyInstance(Kernels.class.getClassLoader(), new Class<?>[] {Kernels.class},
                (proxy, method, arguments) -> {
                    if (method.getName().equals("matmul")) {
                        counted[0] += product((INDArray) arguments[0], (boolean) arguments[1], (INDArray) arguments[4]);
                    } else if (method.getName().equals("products")) {
                        for (Object sum : (List<?>) arguments[0]) {
                            for (Product product : ((ProductSum) sum).products()) {
                                counted[0] += product(product.a(), product.transposeA(), ((ProductSum) sum).out());
                            }
                        }
                    }
                    try {
                        return method.invoke(kernels, arguments);
                    } catch (InvocationTargetException failure) {
                        throw failure.getCause();
                    }
                });
        return LanguageModel.random(config, Precision.F64, counting, 5);
    }

    private static double product(INDArray a, boolean transposeA, INDArray out) {
        return 2.0 * out.length() * a.size(transposeA ? 0 : 1);
    }

    /** Low-rank adapters on some modules. */
    private record Adapter(Set<String> targets) implements LinearAdapter {
        @Override
        public List<ParameterSpec> parameters(String site, long inputs, long outputs) {
            if (targets.stream().noneMatch(site::endsWith)) {
                return List.of();
            }
            return List.of(new ParameterSpec(site + ".a", new long[] {RANK, inputs}, (seed, index) -> 0.1 + index % 7),
                    new ParameterSpec(site + ".b", new long[] {outputs, RANK}, (seed, index) -> 0.2 - index % 5));
        }

        @Override
        public SDVariable adapt(LinearSite site, SDVariable base) {
            SDVariable narrow = site.linear(site.input(), site.parameter("a"));
            return site.linearAdd(base, 0.5, narrow, site.parameter("b"));
        }
    }
}
