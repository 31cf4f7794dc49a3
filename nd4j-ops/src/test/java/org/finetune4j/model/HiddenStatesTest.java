package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Hidden states as they are looked at, and the gradient that draws them towards targets. */
class HiddenStatesTest {
    private static final int BLOCKS = 2;
    private static final PackedBatch BATCH = TestModels.batch(37, 11, 5, 1, 7);
    private static final int[] ROWS = {1, 2, 5, 9, 12};

    @Test
    void theFirstIsTheEmbeddingAndTheLastMakesTheLogits() {
        try (Kernels kernels = new Nd4jKernels();
             LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F64, kernels, 5);
             HiddenStates states = HiddenStates.forwardOnly(model, List.of(0, 1, BLOCKS), EngineOptions.DEFAULT);
             TrainingEngine engine = new TrainingEngine(model, StepOperationsTest.LOG_LOSS)) {
            int[] rows = BATCH.supervisedRows();
            List<INDArray> found = states.of(BATCH, rows, -1);
            INDArray table = model.parameters().named(model.baseNames().get(0)).value();
            float[] losses = engine.evaluate(BATCH).values().get("loss");
            for (int r = 0; r < rows.length; r++) {
                assertEquals(table.getRow(BATCH.ids()[rows[r]]), found.get(0).getRow(r));
                INDArray logits = table.mmul(found.get(2).getRow(r).reshape(-1, 1));
                double sum = 0;
                for (int v = 0; v < 37; v++) {
                    sum += Math.exp(logits.getDouble(v));
                }
                assertEquals(losses[r], Math.log(sum) - logits.getDouble(BATCH.labels()[r]), 1e-6);
            }
            // What stands in front of the last block is neither the first nor the last.
            assertTrue(found.get(1).distance2(found.get(0)) > 0.1 && found.get(1).distance2(found.get(2)) > 0.1);
        }
    }

    @Test
    void theGradientAgreesWithCentralDifferences() {
        try (Kernels kernels = new Nd4jKernels()) {
            for (boolean adapter : new boolean[] {false, true}) {
                try (LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F64, kernels, 5)) {
                    decide(model, adapter);
                    check(model, 0, BLOCKS);
                    check(model, 1, 1);
                    check(model, BLOCKS, BLOCKS);
                }
            }
        }
    }

    private static void decide(LanguageModel model, boolean adapter) {
        if (adapter) {
            model.attach(new ModelGradientTest.TestAdapter(), 7);
        } else {
            model.trainAll();
        }
    }

    private static void check(LanguageModel model, int lowest, int highest) {
        Random random = new Random(3);
        Parameters parameters = model.parameters();
        try (HiddenStates states = HiddenStates.trained(model, lowest, highest, EngineOptions.DEFAULT)) {
            List<INDArray> targets = targets(states, random);
            parameters.flatGradient().assign(0.25);
            double factor = 1.7;
            double mean = states.accumulateGradient(BATCH, ROWS, targets, factor, -1);
            assertEquals(mean, mean(states, targets), 1e-12);
            double largest = 0;
            for (Parameter parameter : parameters.trainable()) {
                double[] direction = random.doubles(parameter.count(), -1, 1).toArray();
                double analytic = 0;
                for (int i = 0; i < direction.length; i++) {
                    analytic += direction[i] * (parameters.flatGradient().getDouble(parameter.flatOffset() + i) - 0.25);
                }
                double numeric = factor * slope(states, targets, parameter, direction);
                assertEquals(numeric, analytic, 1e-6 * Math.max(1, Math.abs(numeric)), parameter.name());
                largest = Math.max(largest, Math.abs(numeric));
            }
            assertTrue(largest > 1e-3, "all gradients that were compared are near zero");
        }
    }

    private static List<INDArray> targets(HiddenStates states, Random random) {
        return states.of(BATCH, ROWS, -1).stream().map(state -> state.add(Nd4j.createFromArray(
                random.doubles(state.length(), -1,
                1).toArray()).castTo(state.dataType()).reshape(state.shape()))).toList();
    }

    private static double slope(HiddenStates states, List<INDArray> targets, Parameter parameter, double[] direction) {
        double step = 1e-5;
        INDArray along = Nd4j.createFromArray(direction).reshape(parameter.shape()).mul(step);
        INDArray before = parameter.master().dup();
        parameter.master().addi(along);
        double right = mean(states, targets);
        parameter.master().assign(before).subi(along);
        double left = mean(states, targets);
        parameter.master().assign(before);
        return (right - left) / (2 * step);
    }

    private static double mean(HiddenStates states, List<INDArray> targets) {
        List<INDArray> found = states.of(BATCH, ROWS, -1);
        double sum = 0;
        long count = 0;
        for (int i = 0; i < found.size(); i++) {
            double distance = found.get(i).distance2(targets.get(i));
            sum += distance * distance;
            count += found.get(i).length();
        }
        return sum / count;
    }

    /** The devices agree, with and without recomputation, and in half precision up to its rounding. */
    @Test
    void kernelsAndRecomputationAgree() {
        float[] portable = gradient(new Nd4jKernels(), Precision.F32, EngineOptions.DEFAULT);
        float[] fast = gradient(new OneDnnKernels(), Precision.F32, EngineOptions.DEFAULT);
        float[] again = gradient(new OneDnnKernels(), Precision.F32, EngineOptions.DEFAULT.withRecomputedBlocks(2));
        float[] half = gradient(new OneDnnKernels(), Precision.BF16, EngineOptions.DEFAULT);
        double largest = IntStream.range(0, fast.length).mapToDouble(i -> Math.abs(fast[i])).max().orElseThrow();
        assertTrue(largest > 1e-3);
        assertArrayEquals(portable, fast, (float) (1e-4 * largest));
        assertArrayEquals(fast, again);
        double difference = IntStream.range(0, fast.length).mapToDouble(i -> Math.abs(fast[i] - half[i])).average()
                .orElseThrow();
        double mean = IntStream.range(0, fast.length).mapToDouble(i -> Math.abs(fast[i])).average().orElseThrow();
        assertTrue(difference < 0.1 * mean, difference + " of " + mean);
    }

    private static float[] gradient(Kernels device, Precision precision, EngineOptions options) {
        try (Kernels kernels = device;
             LanguageModel model = LanguageModel.random(TestModels.config(true), precision, kernels, 5)) {
            model.trainAll();
            try (HiddenStates states = HiddenStates.trained(model, 0, BLOCKS, options)) {
                List<INDArray> targets = targets(states, new Random(4));
                model.parameters().flatGradient().assign(0);
                states.accumulateGradient(BATCH, ROWS, targets, 100, -1);
                return model.parameters().flatGradient().toFloatVector();
            }
        }
    }

    /** Steered passes, made of stock operations in part, are recomputed and rounded as others are. */
    @Test
    void steeredStatesAgreeWithRecomputationAndInHalfPrecision() {
        float[] fast = steered(Precision.F32, EngineOptions.DEFAULT);
        assertArrayEquals(fast, steered(Precision.F32, EngineOptions.DEFAULT.withRecomputedBlocks(2)));
        float[] half = steered(Precision.BF16, EngineOptions.DEFAULT);
        double difference = IntStream.range(0, fast.length).mapToDouble(i -> Math.abs(fast[i] - half[i])).average()
                .orElseThrow();
        double mean = IntStream.range(0, fast.length).mapToDouble(i -> Math.abs(fast[i])).average().orElseThrow();
        assertTrue(mean > 1e-4 && difference < 0.1 * mean, difference + " of " + mean);
    }

    /** The gradients towards the weights and towards the vectors. */
    private static float[] steered(Precision precision, EngineOptions options) {
        try (Kernels kernels = new OneDnnKernels();
             LanguageModel model = LanguageModel.random(TestModels.config(true), precision, kernels, 5)) {
            model.trainAll();
            try (Steering steering = new Steering(model, 0.4, 8);
                 HiddenStates states = HiddenStates.steered(model, 0, BLOCKS, true, steering, options);
                 TrainingEngine ascent = TrainingEngine.steered(model, StepOperationsTest.LOG_LOSS, steering, options)) {
                model.parameters().flatGradient().assign(0);
                states.accumulateGradient(BATCH, ROWS, targets(states, new Random(4)), 100, -1);
                ascent.accumulateGradient(BATCH, -1);
                return Nd4j.concat(0, model.parameters().flatGradient(), steering.gradient().reshape(-1)).toFloatVector();
            }
        }
    }

    /** With the same seed the masks of both passes are the same, so that nothing draws the states anywhere. */
    @Test
    void dropoutIsThatOfItsSeed() {
        try (Kernels kernels = new Nd4jKernels();
             LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F64, kernels, 6)) {
            model.attach(new ModelGradientTest.TestAdapter(), 7);
            try (HiddenStates states = HiddenStates.trained(model, 1, BLOCKS, EngineOptions.DEFAULT)) {
                List<INDArray> targets = states.of(BATCH, ROWS, 5);
                assertEquals(0, states.accumulateGradient(BATCH, ROWS, targets, 1, 5));
                assertEquals(0, model.parameters().flatGradient().normmaxNumber().doubleValue());
                assertTrue(states.accumulateGradient(BATCH, ROWS, targets, 1, 6) > 0);
            }
        }
    }

    @Test
    void refusesStatesThatThereAreNot() {
        try (Kernels kernels = new Nd4jKernels();
             LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F64, kernels, 5)) {
            assertEquals("there is no hidden state 3; the model has 0 to 2, of which the last is behind the final "
                    + "norm.",
                    assertThrows(FinetuneException.class, () -> HiddenStates.forwardOnly(model, List.of(3),
                            EngineOptions.DEFAULT)).getMessage());
        }
    }
}
