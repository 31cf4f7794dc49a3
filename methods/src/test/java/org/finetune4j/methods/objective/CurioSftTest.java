package org.finetune4j.methods.objective;

import static org.finetune4j.methods.objective.Toy.HARNESS;
import static org.finetune4j.methods.objective.Toy.LABELS;
import static org.finetune4j.methods.objective.Toy.LOGITS;
import static org.finetune4j.methods.objective.Toy.REFERENCE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.Largest;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code curiosft}; the teacher's schedule is in {@link org.finetune4j.train.LaggedReferenceTest}. */
class CurioSftTest {
    @Test
    void theLargestLogitsAreThoseOfASort() {
        java.util.Random random = new java.util.Random(4);
        for (int round = 0; round < 400; round++) {
            int size = 2 + random.nextInt(300);
            int kinds = 1 + random.nextInt(size);
            double[] logits = java.util.stream.IntStream.range(0, size).mapToDouble(i -> random.nextInt(9) == 0 ? -0.0
                    : random.nextInt(kinds) * (random.nextBoolean() ? 1.5 : -1)).toArray();
            if (round % 10 == 0) {
                logits[random.nextInt(size)] = Double.NEGATIVE_INFINITY;
                logits[random.nextInt(size)] = Double.NaN;
            }
            double[] before = logits.clone();
            int count = 1 + random.nextInt(size - 1);
            double[] sorted = logits.clone();
            java.util.Arrays.sort(sorted);
            assertArrayEquals(java.util.Arrays.copyOfRange(sorted, size - count, size),
                    Largest.of(logits, count));
            assertArrayEquals(before, logits);
        }
    }

    private static final CurioSft CURIO = CurioSft.METHOD.create(new Settings(Map.of()));
    private static final double[] INTERIOR = {4, 2, 1, .5, 0, -1};

    @Test
    void lossOfTheToy() {
        ObjectiveHarness.Result result = HARNESS.mean(CURIO, LOGITS, LABELS, REFERENCE);
        assertArrayEquals(new double[] {1.275350, 1.386294, 1.058481}, result.values().get("teacherEntropy"), 1e-6);
        assertArrayEquals(new double[] {1.5, 1.5, 1.5}, result.values().get("temperature"));
        assertArrayEquals(new double[] {0.222663, 0.011295, 0.791374}, result.values().get("distillation"), 1e-6);
        assertArrayEquals(new double[] {0.440190, 1.536592, 2.185182}, result.values().get("nll"), 1e-6);
        assertEquals(1.729099, result.loss(), 1e-6);
    }

    @Test
    void gradientIsTheCardsFormula() {
        double[] weights = {0.332672, 1.150298, 2.258073};
        double[][] expected = new double[3][4];
        for (int t = 0; t < 3; t++) {
            double[] pi = Toy.softmax(LOGITS[t]);
            for (int v = 0; v < 4; v++) {
                expected[t][v] = -weights[t] * ((v == LABELS[t] ? 1 : 0) - pi[v]) / 3;
            }
        }
        Toy.assertRows(expected, HARNESS.mean(CURIO, LOGITS, LABELS, REFERENCE).gradient(), 1e-6);
    }

    private static double temperature(double... teacher) {
        double[][] logits = {new double[teacher.length]};
        return HARNESS.mean(CURIO, logits, new int[] {0}, new double[][] {teacher}).values().get("temperature")[0];
    }

    @Test
    void temperatureInsideTheRange() {
        assertEquals(1.122071, temperature(INTERIOR), 1e-5);
        assertEquals(1.1, temperature(6, 0, 0, 0, 0, 0), 0);
    }

    @ParameterizedTest
    @CsvSource({"0.6, 1.5", "0.7, 1.2950", "0.8, 1.2016", "0.9, 1.1516", "1.0, 1.1221", "1.1, 1.1040", "1.2, 1.1",
        "2.0, 1.1087"})
    void temperatureOfSharperTeachers(double factor, double expected) {
        assertEquals(expected, temperature(Arrays.stream(INTERIOR).map(x -> factor * x).toArray()), 5e-5);
    }

    @Test
    void aSureTeacherHasTheLowestTemperature() {
        assertEquals(1.1, temperature(20, 0, 0, 0), 0);
    }

    @Test
    void entropyIsOfTheLargestLogitsAlone() {
        CurioSft two = CurioSft.METHOD.create(new Settings(Map.of("topK", 2)));
        double entropy = HARNESS.mean(two, new double[][] {new double[4]}, new int[] {0}, new double[][] {{1, 1, 0, 0}})
                .values().get("teacherEntropy")[0];
        assertEquals(Math.log(2), entropy, 1e-12);
    }

    @Test
    void withoutWeightItIsSupervisedFineTuningWithoutATeacher() {
        CurioSft plain = new CurioSft(0, 1.2);
        assertFalse(plain.needsReference());
        ObjectiveHarness.Result result = HARNESS.mean(plain, LOGITS, LABELS, null);
        assertEquals(1.387321, result.loss(), 1e-6);
        Toy.assertRows(HARNESS.mean(new Sft(), LOGITS, LABELS, null).gradient(), result.gradient(), 0);
    }

    @Test
    void aFixedTemperatureIsTheSameEverywhere() {
        CurioSft fixed = CurioSft.METHOD.create(new Settings(Map.of("mode", "fixed", "fixedTemperature", 1.3)));
        assertArrayEquals(new double[] {1.3, 1.3, 1.3},
                HARNESS.mean(fixed, LOGITS, LABELS, REFERENCE).values().get("temperature"), 1e-12);
    }

    @ParameterizedTest
    @CsvSource({"weight, -1", "pivot, -1", "slope, 0", "maxGain, -1", "tauMin, 0.9", "tauMax, 1", "lowEntropy, -1",
        "topK, 1", "iterations, 0", "teacherMix, 1.1", "teacherEvery, 0", "fixedTemperature, 0.5"})
    void settingsOutOfRangeAreNamed(String name, double value) {
        String message = assertThrows(FinetuneException.class,
                () -> CurioSft.METHOD.create(new Settings(Map.of(name, value)))).getMessage();
        assertTrue(message.contains("'" + name + "' is"), message);
    }
}
