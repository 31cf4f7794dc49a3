package org.finetune4j.methods.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.Sorted.Reduce;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Parameter;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.TinyTraining;
import org.finetune4j.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Card soft, the objective: its tests 1 to 4, and that it fits into a run. */
class SortedTest {
    private static final PackedBatch ONE_TOKEN = new PackedBatch(new int[] {0}, new int[] {0}, new int[] {0, 1},
            new int[] {0}, new int[] {1}, new float[] {1});

    @TempDir
    Path folder;

    /**
     * The card's toy as a real model of two blocks: each adds a constant, the bias of its values, and its feed-forward
     * adds nothing; the gradient towards the constant is read from that of the output projection, which is one.
     */
    private LanguageModel toy(Nd4jKernels kernels) throws IOException {
        Files.writeString(folder.resolve(ModelConfig.FILE_NAME), """
                {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "hidden_size": 2, "intermediate_size": 2,
                 "num_hidden_layers": 2, "num_attention_heads": 1, "num_key_value_heads": 1, "vocab_size": 3,
                 "rms_norm_eps": 1e-12, "tie_word_embeddings": false, "max_position_embeddings": 8,
                 "hidden_act": "silu",
                 "rope_theta": 10000.0, "torch_dtype": "float32"}""");
        LanguageModel model = LanguageModel.random(ModelConfig.read(folder), Precision.F64, kernels, 1);
        model.trainAll();
        set(model, "model.embed_tokens.weight", new double[][] {{1, 0}, {9, 9}, {9, 9}});
        set(model, "lm_head.weight", new double[][] {{1, 0}, {0, 1}, {-1, -1}});
        model.parameters().named("model.norm.weight").master().assign(Nd4j.createFromArray(1.0, 2.0));
        double[][] added = {{0, .5}, {-.5, 1}};
        for (int block = 0; block < 2; block++) {
            String name = "model.layers." + block + ".";
            set(model, name + "self_attn.v_proj.weight", new double[2][2]);
            model.parameters().named(name
                    + "self_attn.v_proj.bias").master().assign(Nd4j.createFromArray(added[block]));
            set(model, name + "self_attn.o_proj.weight", new double[][] {{1, 0}, {0, 1}});
            set(model, name + "mlp.down_proj.weight", new double[2][2]);
        }
        model.parameters().mastersChanged();
        return model;
    }

    private static void set(LanguageModel model, String name, double[][] values) {
        model.parameters().named(name).master().assign(Nd4j.createFromArray(values));
    }

    /** Card test 1. */
    @Test
    void lossesOfTheCard() throws IOException {
        try (Nd4jKernels kernels = new Nd4jKernels(); LanguageModel model = toy(kernels);
             TrainingEngine mean = new TrainingEngine(model, new Sorted(List.of(1, 2)).tokenLoss());
             TrainingEngine sum = new TrainingEngine(model, new Sorted(List.of(1, 2), new Sft(),
                     Reduce.SUM).tokenLoss())) {
            assertEquals(0.404283, mean.evaluate(ONE_TOKEN).loss(), 1e-6);
            assertEquals(0.704329, mean.evaluate(ONE_TOKEN).values().get("exit1.nll")[0], 1e-6);
            assertEquals(0.104238, mean.evaluate(ONE_TOKEN).values().get("nll")[0], 1e-6);
            assertEquals(0.808566, sum.evaluate(ONE_TOKEN).loss(), 1e-6);
        }
    }

    /** Card test 2. */
    @Test
    void gradientsOfTheCard() throws IOException {
        try (Nd4jKernels kernels = new Nd4jKernels(); LanguageModel model = toy(kernels)) {
            assertArrayEquals(new double[] {.129920, -.043307}, towardsAdded(model, new Sft(), 1), 1e-6);
            assertArrayEquals(new double[] {.064960, -.021653}, towardsAdded(model, new Sorted(List.of(1, 2)), 1),
                    1e-6);
            assertArrayEquals(new double[] {.387517, -.666767}, towardsAdded(model, new Sorted(List.of(1, 2)), 0),
                    1e-6);
            assertArrayEquals(new double[] {2 * .387517, 2 * -.666767},
                    towardsAdded(model, new Sorted(List.of(1, 2), new Sft(), Reduce.SUM), 0), 2e-6);
        }
    }

    /**
     * Of {@code o_proj}'s gradient, which is that of its output times the values, the second column has values other
     * than 0.
     */
    private static double[] towardsAdded(LanguageModel model, Objective objective, int block) {
        Parameter output = model.parameters().named("model.layers." + block + ".self_attn.o_proj.weight");
        try (TrainingEngine engine = new TrainingEngine(model, objective.tokenLoss())) {
            engine.zeroGradients();
            engine.accumulateGradient(ONE_TOKEN, -1);
            INDArray gradient = model.parameters().gradient(output);
            double value = block == 0 ? .5 : 1;
            return new double[] {gradient.getDouble(0, 1) / value, gradient.getDouble(1, 1) / value};
        }
    }

    /** Card test 3: with the last exit alone it is the base, bit for bit. */
    @Test
    void theLastExitAloneIsTheBase() {
        List<Example> examples = TinyTraining.examples(24, 1);
        float[] plain = TinyTraining.train(new Sft(), List.of(), examples, null, TrainingListener.NONE);
        assertArrayEquals(plain, TinyTraining.train(new Sorted(List.of(2)), List.of(), examples, null,
                TrainingListener.NONE));
        float[] sorted = TinyTraining.train(new Sorted(List.of(1, 2)), List.of(), examples, null,
                TrainingListener.NONE);
        assertFalse(Arrays.equals(plain, sorted));
        TinyTraining.stopAfter(3, new Sorted(List.of(1, 2)), List.of(), examples, folder);
        assertArrayEquals(sorted, TinyTraining.train(new Sorted(List.of(1, 2)), List.of(), examples, folder,
                TrainingListener.NONE));
    }

    /** Card test 3: blocks that only the last exit sees get its share of the base's gradient. */
    @Test
    void blocksAboveTheOtherExitsGetTheirShare() {
        PackedBatch batch = TinyTraining.batch(TinyTraining.examples(3, 2));
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             TrainingEngine plain = new TrainingEngine(model, new Sft());
             TrainingEngine sorted = new TrainingEngine(model, new Sorted(List.of(1, 2)).tokenLoss())) {
            INDArray whole = gradient(model, plain, batch);
            INDArray shared = gradient(model, sorted, batch);
            boolean firstDiffers = false;
            for (Parameter parameter : model.parameters().trainable()) {
                for (long i = parameter.flatOffset(); i < parameter.flatOffset() + parameter.count(); i++) {
                    if (parameter.name().contains("layers.1.")) {
                        assertEquals(0.5f * whole.getFloat(i), shared.getFloat(i), parameter.name());
                    }
                    firstDiffers |= parameter.name().contains("layers.0.")
                            && Math.abs(0.5f * whole.getFloat(i) - shared.getFloat(i)) > 1e-4;
                }
            }
            assertTrue(firstDiffers);
        }
    }

    private static INDArray gradient(LanguageModel model, TrainingEngine engine, PackedBatch batch) {
        engine.zeroGradients();
        engine.accumulateGradient(batch, -1);
        return model.parameters().flatGradient().dup();
    }

    /** Card test 4: an exit is a model of fewer blocks. */
    @Test
    void anExitIsTheModelCutThere() {
        PackedBatch batch = TinyTraining.batch(TinyTraining.examples(3, 2));
        try (LanguageModel model = TinyTraining.model(TinyTraining.config(4), Precision.F32, TinyTraining.KERNELS);
             TrainingEngine sorted = new TrainingEngine(model, new Sorted(List.of(1, 3, 4)).tokenLoss())) {
            Map<String, float[]> values = sorted.evaluate(batch).values();
            for (int blocks : new int[] {1, 3, 4}) {
                try (LanguageModel cut = TinyTraining.model(TinyTraining.config(blocks), Precision.F32,
                        TinyTraining.KERNELS);
                     TrainingEngine alone = new TrainingEngine(cut, new Sft())) {
                    cut.parameters().all().forEach(parameter -> parameter.master()
                            .assign(model.parameters().named(parameter.name()).master()));
                    cut.parameters().mastersChanged();
                    assertArrayEquals(alone.evaluate(batch).values().get("nll"),
                            values.get(blocks == 4 ? "nll" : "exit" + blocks + ".nll"), 1e-5f);
                }
            }
        }
    }

    /**
     * Card test 8 on four blocks: after equal steps every earlier exit is better than that of a model trained at its
     * end.
     */
    @Test
    void earlierExitsLearnToAnswer() {
        double[] plain = exitLosses(new Sft());
        double[] sorted = exitLosses(new Sorted(List.of(1, 2, 3, 4)));
        for (int exit = 0; exit < 3; exit++) {
            assertTrue(sorted[exit] < 0.7 * plain[exit], exit + ": " + Arrays.toString(sorted)
                    + Arrays.toString(plain));
        }
        assertTrue(sorted[3] < plain[3] + 0.3, Arrays.toString(sorted) + Arrays.toString(plain));
    }

    private static double[] exitLosses(Objective objective) {
        PackedBatch batch = TinyTraining.batch(TinyTraining.examples(6, 3));
        try (LanguageModel model = TinyTraining.model(TinyTraining.config(4), Precision.F32, TinyTraining.KERNELS);
             TrainingEngine engine = new TrainingEngine(model, objective.tokenLoss());
             TrainingEngine exits = TrainingEngine.forwardOnly(model, new Sorted(List.of(1, 2, 3, 4)).tokenLoss(),
                     EngineOptions.DEFAULT)) {
            for (int step = 0; step < 80; step++) {
                INDArray gradient = gradient(model, engine, batch);
                model.parameters().flat().subi(gradient.mul(0.15 / Math.max(1, gradient.norm2Number().doubleValue())));
                model.parameters().mastersChanged();
            }
            Map<String, float[]> values = exits.evaluate(batch).values();
            return List.of("exit1.nll", "exit2.nll", "exit3.nll", "nll").stream().mapToDouble(name -> {
                double sum = 0;
                for (float loss : values.get(name)) {
                    sum += loss;
                }
                return sum / batch.supervised();
            }).toArray();
        }
    }

    @Test
    void theDefaultExitsAreThePapers() {
        Sorted sorted = new Sorted(List.of());
        assertEquals(List.of(12, 16, 20, 24, 28, 32, 36, 40), sorted.exits(40));
        assertEquals(List.of(1, 2), sorted.exits(2));
        assertEquals(List.of(1), sorted.exits(1));
        assertEquals(List.of(2, 3, 4, 5, 6), sorted.exits(6));
        assertEquals(sorted, Sorted.METHOD.create(new Settings(Map.of())));
        Sorted some = new Sorted(List.of(1, 2), new DftDynamic(), Reduce.SUM);
        assertEquals(some, Sorted.METHOD.create(new Settings(some.settings())));
    }

    @Test
    void refusesWhatDoesNotFit() {
        Composition composition = new Composition(null, TinyTraining.settings(), List.of(), 4);
        assertEquals(List.of("sorted has the exit 5, but the model has only 4 blocks. Leave it out."),
                new Sorted(List.of(2, 5)).problems(composition));
        assertEquals(List.of("sorted leaves out 4, the model's last block, so that the whole model would not be "
                + "trained. Add "
                + "it to exits."), new Sorted(List.of(2, 3)).problems(composition));
        assertEquals(List.of("sorted needs a base that is a plain mean over tokens without a reference, which has no "
                + "exits; "
                + "asft is none. Take sft() or another such objective as the base."),
                new Sorted(List.of(4), new Asft(0.1), Reduce.MEAN).problems(composition));
        assertEquals("sorted: setting 'exits' is [2, 2], but must be ascending from at least 1, which 2 is not.",
                assertThrows(FinetuneException.class, () -> new Sorted(List.of(2, 2))).getMessage());
        assertEquals("setting 'exits' is [1.5], but must be a list of whole numbers.",
                assertThrows(FinetuneException.class,
                () -> Sorted.METHOD.create(new Settings(Map.of("exits", List.of(1.5))))).getMessage());
    }
}
