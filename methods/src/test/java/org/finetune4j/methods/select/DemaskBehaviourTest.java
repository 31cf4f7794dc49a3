package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.data.Example;
import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.TinyTraining;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Card masked-ft, test 4: what a tiny model learns at the two ends of the ratio. */
class DemaskBehaviourTest {
    private static final int LENGTH = 8;
    private static final int FACTS = 16;
    private static final int OTHERS = 32;
    private static final int STEPS = 500;
    private static final double RATE = 6e-3;
    private static final int WORDS = 36;
    private static final int OPEN = 36;
    private static final int MIDDLE = 37;
    private static final int END = 38;
    private static final int MASK = 39;

    /** A document of random words behind a copy of it, as {@link DemaskLayout} lays it out. */
    private static Example document(int number) {
        int[] words = new Random(number).ints(LENGTH, 0, WORDS).toArray();
        int[] ids = IntStream.of(IntStream.concat(IntStream.concat(IntStream.of(OPEN), Arrays.stream(words)), IntStream.concat(
                IntStream.of(MIDDLE), IntStream.concat(Arrays.stream(words), IntStream.of(END)))).toArray()).toArray();
        boolean[] supervised = new boolean[ids.length];
        Arrays.fill(supervised, LENGTH + 2, ids.length, true);
        float[] maskable = new float[ids.length];
        Arrays.fill(maskable, DemaskLayout.FIXED);
        Arrays.fill(maskable, 1, LENGTH + 1, MASK);
        return new Example("d:" + number, ids, supervised).withColumn(DemaskLayout.COLUMN, maskable);
    }

    private static PackedBatch batch(int from, int count, double ratio) {
        return TinyTraining.batch(IntStream.range(from, from + count)
                .mapToObj(number -> DemaskStage.masked(document(number), ratio, number)).toList());
    }

    /** With all of the copy masked the loss is that of the document behind a prompt that is always the same. */
    @Test
    void atRatioOneItIsThePlainLossBehindAFixedPrompt() {
        List<Example> plain = IntStream.range(0, 4).mapToObj(number -> {
            Example document = document(number);
            int[] ids = document.ids().clone();
            Arrays.fill(ids, 1, LENGTH + 1, MASK);
            return new Example(document.id(), ids, document.supervised());
        }).toList();
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             TrainingEngine engine = new TrainingEngine(model, new Sft())) {
            assertArrayEquals(engine.evaluate(TinyTraining.batch(plain)).values().get("nll"),
                    engine.evaluate(batch(0, 4, 1)).values().get("nll"));
        }
    }

    /** Losses behind the whole copy of documents that were never learned, and without it of those that always were. */
    private static double[] losses(double ratio, int steps) {
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             TrainingEngine engine = new TrainingEngine(model, new Sft());
             INDArray first = Nd4j.zeros(model.parameters().flat().dataType(), model.parameters().flat().length());
             INDArray second = first.dup()) {
            for (int step = 1; step <= steps; step++) {
                engine.zeroGradients();
                engine.accumulateGradient(batch(0, FACTS, ratio), -1);
                // Documents that come once cannot be learned by heart.
                engine.accumulateGradient(batch(step * OTHERS, OTHERS, ratio), -1);
                TinyTraining.KERNELS.adamW(model.parameters().flat(), model.parameters().flatGradient(), first, second,
                        new AdamWStep(RATE * Math.min(1, (steps - step) / (0.3 * steps)), 0.9, 0.99, 1e-8, 0, step, 1));
                model.parameters().mastersChanged();
            }
            return new double[] {engine.evaluate(batch(-OTHERS, OTHERS, 0)).loss(), engine.evaluate(batch(0, FACTS, 1)).loss()};
        }
    }

    /** Never masked, it learns to copy whatever comes and no fact; always masked, it learns facts and cannot copy. */
    @Tag("slow")
    @Test
    void withoutMasksItCopiesAndLearnsNoFacts() {
        double[] copying = losses(0, STEPS);
        double[] knowing = losses(1, STEPS);
        String found = Arrays.toString(copying) + Arrays.toString(knowing);
        assertTrue(copying[0] < 0.1, "copies what it has never seen: " + found);
        assertTrue(copying[1] > 2, "knows nothing without the copy: " + found);
        assertTrue(knowing[1] < 1, "knows what it had to learn without a copy: " + found);
        assertTrue(knowing[0] > 2, "and cannot copy: " + found);
    }
}
