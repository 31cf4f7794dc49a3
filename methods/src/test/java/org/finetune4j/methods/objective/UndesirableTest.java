package org.finetune4j.methods.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.DoubleSupplier;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.head.TokenValues;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.objective.Undesirable.Detach;
import org.finetune4j.methods.objective.Undesirable.OverElements;
import org.finetune4j.methods.objective.Undesirable.Via;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Parameter;
import org.finetune4j.model.Precision;
import org.finetune4j.model.Steering;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.GradientEngine;
import org.finetune4j.train.ModelGradientEngine;
import org.finetune4j.train.TinyTraining;
import org.finetune4j.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Card lfu: its tests, but for the first part of 8, and that the objective fits into a run; test 2 is {@code SteerTest}. */
class UndesirableTest {
    private static final List<Example> LEARNED = TinyTraining.examples(3, 4);
    private static final List<Example> OTHERS = TinyTraining.examples(3, 5);
    private static final PackedBatch BATCH = TinyTraining.batch(LEARNED);

    @TempDir
    Path folder;

    /** Card test 1: one norm over all tensors, whatever the gradient's scale. */
    @Test
    void theStepHasOneLengthOverAllWeights() {
        try (Nd4jKernels kernels = new Nd4jKernels()) {
            for (double scale : new double[] {1, 1e-4, 3e5}) {
                INDArray gradient = Nd4j.createFromArray(new double[] {3 * scale, 0, 0, 4 * scale});
                assertTrue(WorseWeights.normalise(kernels, gradient, 0.1));
                assertArrayEquals(new double[] {.06, 0, 0, .08}, gradient.toDoubleVector(), 1e-12);
                assertEquals(0.1, gradient.norm2Number().doubleValue(), 1e-12);
            }
            assertFalse(WorseWeights.normalise(kernels, Nd4j.zeros(DataType.DOUBLE, 4), 0.1));
        }
    }

    /** Card test 3. */
    @Test
    void withoutWeightOrStepItIsTheBase() {
        List<Example> examples = TinyTraining.examples(24, 1);
        float[] plain = TinyTraining.train(new Sft(), List.of(), examples, null, TrainingListener.NONE);
        for (Undesirable none : List.of(new Undesirable(new Sft(), 0.1, 0), new Undesirable(new Sft(), 0, 5),
                with(Via.STEERING, 0.1, 0), with(Via.STEERING, 0, 5))) {
            assertArrayEquals(plain, TinyTraining.train(none, List.of(), examples, null, TrainingListener.NONE));
        }
        for (Via via : Via.values()) {
            assertFalse(Arrays.equals(plain, TinyTraining.train(with(via, 0.1, 5), List.of(), examples, null,
                    TrainingListener.NONE)));
        }
    }

    private static Undesirable with(Via via, double step, double weight) {
        return new Undesirable(new Sft(), via, step, weight, 1, 0, -1, via.detach(), OverElements.MEAN);
    }

    /** Card test 4: weights are what they were, also in half precision, and what was accumulated before stays. */
    @Test
    void weightsAreRestoredToTheBit() {
        for (Precision precision : new Precision[] {Precision.F32, Precision.BF16}) {
            for (Detach detach : Detach.values()) {
                try (LanguageModel model = TinyTraining.model(precision, TinyTraining.KERNELS);
                     ModelGradientEngine plain = new ModelGradientEngine(model, new Sft());
                     GradientEngine engine = objective(0, -1, detach).engine(plain, TinyTraining.passes(model,
                             OTHERS))) {
                    float[] before = model.parameters().flat().toFloatVector();
                    engine.zeroGradients();
                    engine.beginStep(0);
                    double loss = plain.evaluate(BATCH).loss();
                    engine.accumulateGradient(BATCH, -1);
                    float[] once = engine.gradient().toFloatVector();
                    assertArrayEquals(before, model.parameters().flat().toFloatVector());
                    assertEquals(loss, plain.evaluate(BATCH).loss());
                    engine.beginStep(0);
                    engine.accumulateGradient(BATCH, -1);
                    float[] twice = engine.gradient().toFloatVector();
                    for (int i = 0; i < once.length; i++) {
                        assertEquals(2 * once[i], twice[i], 1e-4f + 1e-3f * Math.abs(once[i]));
                    }
                }
            }
        }
    }

    /** Card test 4 by way of steering, in half precision and with an adapter that drops out. */
    @Test
    void steeringLeavesWeightsAloneInHalfPrecisionAndBesideAnAdapter() {
        for (boolean adapter : new boolean[] {false, true}) {
            try (LanguageModel model = LanguageModel.random(TinyTraining.CONFIG, Precision.BF16, TinyTraining.KERNELS, 3)) {
                if (adapter) {
                    model.attach(new Lora(4, 8, 0.2, Lora.ALL_LINEAR).linearAdapter(), 1);
                } else {
                    model.trainAll();
                }
                try (ModelGradientEngine plain = new ModelGradientEngine(model, new Sft());
                     GradientEngine engine = with(Via.STEERING, 0.3, 7).engine(plain, TinyTraining.passes(model, OTHERS))) {
                    float[] before = model.parameters().flat().toFloatVector();
                    engine.beginStep(0);
                    engine.zeroGradients();
                    float moved = engine.accumulateGradient(BATCH, 5).values().get("undesirable")[0];
                    assertTrue(moved > 1e-4 && Float.isFinite(moved), "moved by " + moved);
                    assertTrue(Double.isFinite(engine.gradient().norm2Number().doubleValue()));
                    assertArrayEquals(before, model.parameters().flat().toFloatVector());
                }
            }
        }
    }

    private static Undesirable objective(int lowest, int highest, Detach detach) {
        return new Undesirable(new Sft(), Via.WEIGHTS, 0.3, 7, 1, lowest, highest, detach, OverElements.MEAN);
    }

    /** Card tests 5 and 7: the gradient against central differences with the step for the worse held fixed. */
    @Test
    void theGradientAgreesWithCentralDifferences() {
        for (Detach detach : Detach.values()) {
            check(detach, 0, -1, OverElements.MEAN);
        }
        check(Detach.CLEAN, 2, 2, OverElements.SUM);
    }

    private static void check(Detach detach, int lowest, int highest, OverElements overElements) {
        Undesirable objective = new Undesirable(new Sft(), Via.WEIGHTS, 0.3, 7, 1, lowest, highest, detach, overElements);
        try (Nd4jKernels kernels = new Nd4jKernels();
             LanguageModel model = TinyTraining.model(Precision.F64, kernels);
             ModelGradientEngine plain = new ModelGradientEngine(model, new Sft());
             GradientEngine engine = objective.engine(plain, TinyTraining.passes(model, OTHERS));
             HiddenStates states = HiddenStates.trained(model, lowest, highest == -1 ? 2 : highest,
                     EngineOptions.DEFAULT)) {
            INDArray weights = model.parameters().flat();
            INDArray theta = weights.dup();
            INDArray worse = gradient(plain, TinyTraining.passes(model, OTHERS).other().apply(0));
            worse.muli(0.3 / worse.norm2Number().doubleValue());
            INDArray base = gradient(plain, BATCH);
            WholeResponses whole = WholeResponses.of(BATCH);
            weights.assign(detach == Detach.CLEAN ? theta : theta.add(worse));
            List<INDArray> constant = states.of(whole.batch(), whole.rows(), -1);
            weights.assign(theta);
            engine.beginStep(0);
            engine.zeroGradients();
            TokenValues values = engine.accumulateGradient(BATCH, -1);
            INDArray added = engine.gradient().sub(base);
            double factor = 7 * (overElements == OverElements.SUM ? 32 : 1);

            INDArray centre = detach == Detach.CLEAN ? theta.add(worse) : theta;
            weights.assign(centre);
            assertEquals(mean(states, whole, constant), values.values().get("undesirable")[0], 1e-6);
            compare(model, centre, added, () -> factor * mean(states, whole, constant));
        }
    }

    /** Holds a gradient over all weights to central differences of a function of them around a point. */
    private static void compare(LanguageModel model, INDArray centre, INDArray gradient, DoubleSupplier function) {
        INDArray weights = model.parameters().flat();
        Random random = new Random(2);
        double largest = 0;
        for (int p = 0; p < model.parameters().trainable().size(); p += 3) {
            Parameter parameter = model.parameters().trainable().get(p);
            INDArray direction = Nd4j.zeros(DataType.DOUBLE, weights.length());
            double analytic = 0;
            for (long i = parameter.flatOffset(); i < parameter.flatOffset() + parameter.count(); i++) {
                double along = random.nextDouble() - 0.5;
                direction.putScalar(i, along);
                analytic += along * gradient.getDouble(i);
            }
            weights.assign(centre.add(direction.mul(1e-5)));
            double right = function.getAsDouble();
            weights.assign(centre.sub(direction.mul(1e-5)));
            double numeric = (right - function.getAsDouble()) / 2e-5;
            assertEquals(numeric, analytic, 1e-4 * Math.max(1, Math.abs(numeric)), parameter.name());
            largest = Math.max(largest, Math.abs(numeric));
        }
        weights.assign(centre);
        assertTrue(largest > 1e-2, "all gradients that were compared are near zero");
    }

    /** Card tests 4 to 7 by way of steering: one step of the vectors for the worse, and the movement that it makes. */
    @Test
    void steeredStatesAreDrawnTogether() {
        for (Detach detach : Detach.values()) {
            Undesirable objective = new Undesirable(new Sft(), Via.STEERING, 0.3, 7, 2, 1, 2, detach, OverElements.MEAN);
            try (Nd4jKernels kernels = new Nd4jKernels();
                 LanguageModel model = TinyTraining.model(Precision.F64, kernels);
                 ModelGradientEngine plain = new ModelGradientEngine(model, new Sft());
                 GradientEngine engine = objective.engine(plain, TinyTraining.passes(model, OTHERS));
                 Steering steering = new Steering(model, 0.3, 1);
                 TrainingEngine steered = TrainingEngine.steered(model, new Sft().tokenLoss(), steering,
                         EngineOptions.DEFAULT);
                 HiddenStates clean = HiddenStates.trained(model, 1, 2, EngineOptions.DEFAULT);
                 HiddenStates worse = HiddenStates.steered(model, 1, 2, false, steering, EngineOptions.DEFAULT)) {
                INDArray theta = model.parameters().flat().dup();
                INDArray base = gradient(plain, BATCH);
                INDArray vectors = engine.state().get("steering");
                PackedBatch other = TinyTraining.passes(model, OTHERS).other().apply(0);
                assertEquals(1, vectors.std().getDouble(0), 0.2);

                steering.vectors().assign(vectors);
                double before = steered.evaluate(other).loss();
                steered.accumulateGradient(other, -1);
                INDArray slope = steering.gradient().dup();
                engine.beginStep(0);
                engine.zeroGradients();
                TokenValues values = engine.accumulateGradient(BATCH, -1);
                INDArray added = engine.gradient().sub(base);
                INDArray moved = vectors.sub(steering.vectors());
                // Adam's first step: the run's rate 5e-3, doubled, along every element's sign.
                for (long i = 0; i < moved.length(); i++) {
                    double g = slope.getDouble(i);
                    assertEquals(0.01 * g / (Math.abs(g) + 1e-8), moved.getDouble(i), 1e-6);
                }
                steering.vectors().assign(vectors);
                assertTrue(steered.evaluate(other).loss() > before);
                assertEquals(theta, model.parameters().flat());

                WholeResponses whole = WholeResponses.of(BATCH);
                HiddenStates moving = detach == Detach.CLEAN ? worse : clean;
                List<INDArray> constant = (detach == Detach.CLEAN ? clean : worse).of(whole.batch(), whole.rows(), -1);
                assertEquals(mean(moving, whole, constant), values.values().get("undesirable")[0], 1e-6);
                compare(model, theta, added, () -> 7 * mean(moving, whole, constant));

                engine.accumulateGradient(BATCH, -1);
                assertEquals(steering.vectors(), vectors);
                engine.beginStep(1);
                engine.accumulateGradient(BATCH, -1);
                assertTrue(vectors.distance2(steering.vectors()) > 1e-3);
            }
        }
    }

    private static INDArray gradient(GradientEngine engine, PackedBatch batch) {
        engine.zeroGradients();
        engine.accumulateGradient(batch, -1);
        return engine.gradient().dup();
    }

    private static double mean(HiddenStates states, WholeResponses whole, List<INDArray> constant) {
        List<INDArray> found = states.of(whole.batch(), whole.rows(), -1);
        double sum = 0;
        long count = 0;
        for (int i = 0; i < found.size(); i++) {
            sum += Math.pow(found.get(i).distance2(constant.get(i)), 2);
            count += found.get(i).length();
        }
        return sum / count;
    }

    /** Card test 6. */
    @Test
    void theStepIsForTheWorse() {
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             ModelGradientEngine plain = new ModelGradientEngine(model, new Sft())) {
            PackedBatch other = TinyTraining.batch(OTHERS);
            double before = plain.evaluate(other).loss();
            INDArray worse = gradient(plain, other);
            double slope = worse.norm2Number().doubleValue();
            WorseWeights.normalise(TinyTraining.KERNELS, worse, 0.01);
            model.parameters().flat().addi(worse);
            plain.weightsChanged();
            double after = plain.evaluate(other).loss();
            assertEquals(0.01 * slope, after - before, 0.1 * 0.01 * slope);
        }
    }

    /** Card test 7: the tokens of the responses, all of them and no other. */
    @Test
    void onlyTokensOfTheResponsesCount() {
        WholeResponses whole = WholeResponses.of(BATCH);
        int row = 0;
        int offset = 0;
        for (Example example : LEARNED) {
            for (int i = 0; i < example.ids().length; i++) {
                assertEquals(example.ids()[i], whole.batch().ids()[offset + i]);
                assertEquals(i, whole.batch().positions()[offset + i]);
                if (example.supervised()[i]) {
                    assertEquals(offset + i, whole.rows()[row++]);
                }
            }
            offset += example.ids().length;
        }
        assertEquals(row, whole.rows().length);
        assertEquals(offset, whole.batch().tokens());
    }

    @Test
    void aStoppedRunEndsWithTheSameBits() {
        List<Example> examples = TinyTraining.examples(24, 1);
        for (Via via : Via.values()) {
            Undesirable objective = with(via, 0.1, 5);
            float[] whole = TinyTraining.train(objective, List.of(), examples, null, TrainingListener.NONE);
            Path run = folder.resolve(via.name());
            TinyTraining.stopAfter(3, objective, List.of(), examples, run);
            assertArrayEquals(whole, TinyTraining.train(objective, List.of(), examples, run, TrainingListener.NONE));
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        assertEquals("undesirable: setting 'step' is -0.1, but must be a finite number of at least 0.",
                message(Map.of("step", -.1)));
        assertEquals("undesirable: setting 'weight' is -1.0, but must be a finite number of at least 0.",
                message(Map.of("weight", -1.0)));
        assertEquals("undesirable: setting 'lowest' is -1, but must be at least 0.", message(Map.of("lowest", -1)));
        assertEquals("undesirable: setting 'highest' is 1, but must be at least 2 (lowest), or -1 for the last.",
                message(Map.of("lowest", 2, "highest", 1)));
        assertEquals("undesirable: setting 'steeringRate' is 0.0, but must be finite and positive.",
                message(Map.of("steeringRate", 0.0)));
        assertEquals(new Undesirable(new Sft(), Via.STEERING, 0.1, 0.1, 1, 0, -1, Detach.PERTURBED, OverElements.MEAN),
                Undesirable.METHOD.create(new Settings(Map.of("via", "STEERING"))));
        assertEquals(new Undesirable(new Sft(), 0.1, 5), Undesirable.METHOD.create(new Settings(Map.of())));
        Composition composition = new Composition(null, TinyTraining.settings(), List.of(), 2);
        assertEquals(List.of(), new Undesirable(new Asft(0.1), 0.1, 5).problems(composition));
        assertEquals(List.of("undesirable is to look at the hidden states 1 to 3, but the model has 0 to 2. Lower "
                + "lowest or "
                + "highest."), objective(1, 3, Detach.CLEAN).problems(composition));
        assertEquals(1, new Undesirable(new Sorted(List.of(), with(Via.STEERING, 0.1, 5), Sorted.Reduce.MEAN), Via.STEERING)
                .problems(composition).size());
        assertTrue(new Undesirable(new Intuitive(.2, .9), 0.1, 5).problems(composition).get(0).endsWith(
                "intuitive is none. Take sft() or another such objective as the base."));
    }

    private static String message(Map<String, ?> settings) {
        return assertThrows(FinetuneException.class, () ->
                Undesirable.METHOD.create(new Settings(settings))).getMessage();
    }
}
