package org.finetune4j.methods.adapt;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.LinearSite;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Parameter;
import org.finetune4j.model.ParameterSpec;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TrainingEngine;
import org.junit.jupiter.api.Test;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Card {@code peft}, what it says of DoRA. */
class DoraTest {
    private static final String SITE = "model.layers.0.self_attn.q_proj";
    private static final INDArray WEIGHT = Nd4j.createFromArray(new double[][] {{1, 2, 0}, {0, -1, 1}});
    private static final INDArray INPUT = Nd4j.createFromArray(new double[][] {{1, -1, 2}});
    private static final Map<String, INDArray> PARAMETERS = Map.of(
            "lora_A.weight", Nd4j.createFromArray(new double[][] {{0.1, 0.2, -0.1}, {0, 0.3, 0.1}}),
            "lora_B.weight", Nd4j.createFromArray(new double[][] {{1, 0}, {-1, 2}}),
            "lora_magnitude_vector", Nd4j.createFromArray(2.23606797749979, 1.4142135623730951));
    private static final Dora CARD = new Dora(2, 4, 0, Lora.ALL_LINEAR);
    private static final double[] OUTPUT = {-1.329645, 2.785242};

    @Test
    void outputOfTheCard() {
        assertArrayEquals(OUTPUT, new StockSite(SITE, WEIGHT, INPUT, PARAMETERS).output(CARD), 1e-6);
    }

    @Test
    void mergedWeightEqualsTheAdaptedLayer() {
        assertArrayEquals(OUTPUT, INPUT.mmul(CARD.merged(SITE, WEIGHT, PARAMETERS::get).transpose()).toDoubleVector(), 1e-6);
    }

    @Test
    void dropoutTouchesTheLowRankPathOnly() {
        StockSite site = new StockSite(SITE, WEIGHT, INPUT, PARAMETERS);
        double[] output = site.output(new Dora(2, 4, 0.25, Lora.ALL_LINEAR));
        assertEquals(List.of(0.25), site.dropped);
        // The base's output [-1, 3] times m / n of the card.
        assertArrayEquals(new double[] {-1 * 2.236068 / 2.690725, 3 * 1.414214 / 1.624808}, output, 1e-6);
    }

    @Test
    void parametersOfALayer() {
        List<ParameterSpec> specs = new Dora(8).parameters(SITE, 64, 64);
        assertEquals(List.of(SITE + ".lora_A.weight", SITE + ".lora_B.weight", SITE + ".lora_magnitude_vector"),
                specs.stream().map(ParameterSpec::name).toList());
        assertEquals(1088, specs.stream().mapToLong(spec -> java.util.Arrays.stream(spec.shape()).reduce(1, (a, b) -> a * b))
                .sum());
    }

    private static ModelConfig config(DataType storage) {
        return ModelConfig.llama(37, 24, 20, 2, 4, 2, 6, 1e-5, 10000, 64, true, 0, List.of(1), storage, 0.3);
    }

    private static PackedBatch batch() {
        Random random = new Random(4);
        int[] ids = random.ints(12, 0, 37).toArray();
        return new PackedBatch(ids, new int[] {0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5, 6}, new int[] {0, 5, 12},
                new int[] {1, 3, 6, 8, 10}, new int[] {ids[2], ids[4], ids[7], ids[9], ids[11]},
                new float[] {1, 0.5f, 0.7f, 1, 0.3f});
    }

    /** m starts as n to the last bit, so that not even rounding tells the adapted model from its base. */
    @Test
    void startsAsTheBase() {
        for (Precision precision : List.of(Precision.F32, Precision.F64)) {
            try (Kernels kernels = new Nd4jKernels();
                 LanguageModel base = LanguageModel.random(config(DataType.FLOAT), precision, kernels, 5);
                 LanguageModel adapted = LanguageModel.random(config(DataType.FLOAT), precision, kernels, 5)) {
                adapted.attach(new Dora(3), 7);
                try (TrainingEngine plain = new TrainingEngine(base, new Sft());
                     TrainingEngine engine = new TrainingEngine(adapted, new Sft())) {
                    assertEquals(plain.evaluate(batch()).loss(), engine.evaluate(batch()).loss(), 0);
                }
            }
        }
    }

    /** GPT-2's weights lie as [inputs, outputs], weights of bytes have scales: the norms are those of the outputs all the same. */
    @Test
    void startsAsTheBaseHoweverWeightsLie() {
        ModelConfig turned = ModelConfig.parse("{\"architectures\": [\"GPT2LMHeadModel\"], \"model_type\": \"gpt2\", "
                + "\"vocab_size\": 37, \"n_embd\": 24, \"n_layer\": 2, \"n_head\": 4, \"n_positions\": 64}", Path.of("config.json"));
        assertEquals(0, distance(turned, FrozenWeights.AS_ACTIVATIONS), 0);
        assertEquals(0, distance(config(DataType.FLOAT), FrozenWeights.INT8), 1e-5);
    }

    private static double distance(ModelConfig config, FrozenWeights kept) {
        try (Kernels kernels = new Nd4jKernels();
             LanguageModel base = LanguageModel.random(config, Precision.F32, kept, kernels, 5);
             LanguageModel adapted = LanguageModel.random(config, Precision.F32, kept, kernels, 5)) {
            adapted.attach(new Dora(3), 7);
            try (TrainingEngine plain = new TrainingEngine(base, new Sft());
                 TrainingEngine engine = new TrainingEngine(adapted, new Sft())) {
                return plain.evaluate(batch()).loss() - engine.evaluate(batch()).loss();
            }
        }
    }

    /** DoRA whose magnitudes are ratios m / n already: its true gradient is the one that DoRA is defined to have. */
    private record HeldNorms(Dora dora) implements LinearAdapter {
        @Override
        public List<ParameterSpec> parameters(String site, long inputs, long outputs) {
            return dora.parameters(site, inputs, outputs);
        }

        @Override
        public SDVariable adapt(LinearSite site, SDVariable base) {
            SDVariable narrow = site.linear(site.input(), site.parameter("lora_A.weight"));
            SDVariable output = site.linearAdd(base, 4.0 / 3, narrow, site.parameter("lora_B.weight"));
            return output.mul(site.parameter("lora_magnitude_vector"));
        }
    }

    @Test
    void gradientsAgreeWithCentralDifferencesWhereTheNormsAreHeld() {
        Dora dora = new Dora(3, 4, 0, List.of("q_proj", "down_proj", "v_proj"));
        try (Kernels kernels = new Nd4jKernels();
             LanguageModel model = LanguageModel.random(config(DataType.FLOAT), Precision.F64, kernels, 5);
             LanguageModel held = LanguageModel.random(config(DataType.FLOAT), Precision.F64, kernels, 5)) {
            model.attach(dora, 7);
            held.attach(new HeldNorms(dora), 7);
            Random random = new Random(3);
            for (long i = 0; i < model.parameters().trainableCount(); i++) {
                model.parameters().flat().putScalar(i, model.parameters().flat().getDouble(i) + 0.1 * random.nextGaussian());
            }
            Map<String, INDArray> base = model.baseTensors();
            Function<String, INDArray> norms = site -> {
                INDArray sum = base.get(site + ".weight").add(model.parameters().named(site + ".lora_B.weight").master()
                        .mmul(model.parameters().named(site + ".lora_A.weight").master()).mul(4.0 / 3));
                return sum.norm2(1);
            };
            // There magnitudes are m / n, so that a difference in m is one of 1 / n in them.
            for (Parameter parameter : model.parameters().trainable()) {
                INDArray own = held.parameters().named(parameter.name()).master();
                own.assign(parameter.master());
                if (parameter.shape().length == 1) {
                    own.divi(norms.apply(parameter.name().replace(".lora_magnitude_vector", "")));
                }
            }
            try (TrainingEngine engine = new TrainingEngine(model, new Sft());
                 TrainingEngine other = new TrainingEngine(held, new Sft())) {
                engine.zeroGradients();
                double loss = engine.accumulateGradient(batch(), -1).loss();
                assertEquals(loss, other.evaluate(batch()).loss(), 1e-10, "the norms are those of W + s B A");
                double largest = 0;
                for (Parameter parameter : model.parameters().trainable()) {
                    INDArray direction = Nd4j.createFromArray(random.doubles(parameter.count(), -1, 1).toArray())
                            .reshape(parameter.shape());
                    double analytic = model.parameters().gradient(parameter).mul(direction).sumNumber().doubleValue();
                    INDArray there = parameter.shape().length > 1 ? direction : direction.div(norms.apply(
                            parameter.name().replace(".lora_magnitude_vector", "")));
                    INDArray values = held.parameters().named(parameter.name()).master();
                    INDArray before = values.dup();
                    values.addi(there.mul(1e-5));
                    double right = other.evaluate(batch()).loss();
                    values.assign(before).subi(there.mul(1e-5));
                    double left = other.evaluate(batch()).loss();
                    values.assign(before);
                    double numeric = (right - left) / 2e-5;
                    assertEquals(numeric, analytic, 1e-7 * Math.max(1, Math.abs(numeric)), parameter.name());
                    largest = Math.max(largest, Math.abs(numeric));
                }
                assertTrue(largest > 1e-2, "all gradients that were compared are near zero");
            }
        }
    }

    @Test
    void peftConfiguration() {
        Map<String, Object> config = new Dora(4, 8, 0, List.of("q_proj", "layers.1"), true, List.of("layers.1=2"), List.of())
                .peftConfig("tiny", List.of("model.layers.0.self_attn.q_proj", "model.layers.1.self_attn.q_proj"));
        assertEquals(true, config.get("use_dora"));
        assertEquals(true, config.get("use_rslora"));
        assertEquals(Map.of("model.layers.1.self_attn.q_proj", 2L), config.get("rank_pattern"));
        assertEquals(List.of("q_proj", "model.layers.1.self_attn.q_proj"), config.get("target_modules"));
    }
}
