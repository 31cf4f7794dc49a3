package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.evaluate.Calibration.Scheme;
import org.junit.jupiter.api.Test;

/** Cards {@code evaluation}, test 8, and {@code self-ensemble}, tests 6 and 7. */
class CalibrationTest {
    private static final double[] CONFIDENCE = {.95, .95, .95, .95, .85, .85, .65, .65, .55, .55};
    private static final int[] CORRECT = {1, 1, 1, 0, 1, 0, 1, 0, 0, 1};

    private static List<double[]> rows() {
        List<double[]> rows = new ArrayList<>();
        for (double confidence : CONFIDENCE) {
            rows.add(new double[] {confidence, 1 - confidence});
        }
        return rows;
    }

    private static int[] golds() {
        return java.util.Arrays.stream(CORRECT).map(correct -> 1 - correct).toArray();
    }

    private static double ece(Scheme scheme, int bins, List<double[]> rows, int... golds) {
        return new Calibration(bins, scheme).scores(rows, golds).get(0).value();
    }

    @Test
    void expectedAndLargestError() {
        List<MetricResult> results = new Calibration(10, Scheme.EQUAL_WIDTH).scores(rows(), golds());
        assertEquals(List.of("ece", "mce", "nll", "entropy"), results.stream().map(MetricResult::name).toList());
        assertEquals(.19, results.get(0).value(), 1e-9);
        assertEquals(.35, results.get(1).value(), 1e-9);
        assertEquals(.21, ece(Scheme.EQUAL_MASS, 5, rows(), golds()), 1e-9);
        assertEquals("4 items, mean confidence 0.9500, accuracy 0.7500", results.get(0).details().get("confidence 0.9 to 1.0"));
        assertTrue(results.get(0).standardError() > 0);
    }

    @Test
    void edgesBelongToTheBinBelowThem() {
        double[] confidence = {0, 0.1, 0.2, 0.3, 0.6, 0.7, 1.0, Math.nextUp(0.3)};
        ReliabilityTable table = ReliabilityTable.equalWidth(confidence, new boolean[8], 10, Bootstrap.all(8));
        assertEquals(List.of("0.0 to 0.1", "0.1 to 0.2", "0.2 to 0.3", "0.3 to 0.4", "0.5 to 0.6", "0.6 to 0.7", "0.9 to 1.0"),
                table.bins().stream().map(ReliabilityTable.Bin::name).toList());
        assertEquals(2, table.bins().get(0).count());
    }

    @Test
    void perfectConfidenceIsCalibrated() {
        List<double[]> rows = new ArrayList<>();
        List<Integer> golds = new ArrayList<>();
        Random random = new Random(6);
        for (int i = 0; i < 20_000; i++) {
            double p = random.nextDouble();
            rows.add(new double[] {p, 1 - p});
            golds.add(random.nextDouble() < p ? 0 : 1);
        }
        int[] right = golds.stream().mapToInt(i -> i).toArray();
        for (Scheme scheme : List.of(Scheme.EQUAL_WIDTH, Scheme.EQUAL_MASS, Scheme.CLASSWISE)) {
            ReliabilityTable table = ReliabilityTable.equalWidth(rows.stream().mapToDouble(row -> Math.max(row[0], row[1]))
                    .toArray(), new boolean[rows.size()], 10, Bootstrap.all(rows.size()));
            assertEquals(rows.size(), table.bins().stream().mapToInt(ReliabilityTable.Bin::count).sum());
            // Without the bootstrap, which takes a while over so many items.
            assertTrue(error(scheme, rows, right) < 0.02, scheme.toString());
        }
    }

    private static double error(Scheme scheme, List<double[]> rows, int... right) {
        double[] confidence = rows.stream().mapToDouble(row -> Math.max(row[0], row[1])).toArray();
        boolean[] hit = new boolean[right.length];
        for (int i = 0; i < right.length; i++) {
            hit[i] = Probabilities.argmax(rows.get(i)) == right[i];
        }
        int[] all = Bootstrap.all(right.length);
        return (scheme == Scheme.EQUAL_MASS ? ReliabilityTable.equalMass(confidence, hit, 15, all)
                : ReliabilityTable.equalWidth(confidence, hit, 15, all)).expectedError();
    }

    @Test
    void classwiseBinsEveryChoiceByItself() {
        List<double[]> rows = List.of(new double[] {.7, .2, .1}, new double[] {.1, .8, .1});
        // By choice: |(.7 - 1)| and |.1 - 0| halved; |.2 - 0| and |.8 - 0|; |.1 - .5| in one bin, both of it.
        double first = (.3 + .1) / 2;
        double second = (.2 + .8) / 2;
        double third = Math.abs(.1 - .5);
        assertEquals((first + second + third) / 3, ece(Scheme.CLASSWISE, 10, rows, 0, 2), 1e-9);
        assertTrue(assertThrows(FinetuneException.class, () -> ece(Scheme.CLASSWISE, 10,
                List.of(new double[] {.5, .5}, new double[] {.2, .3, .5}), 0, 0)).getMessage().contains("CLASSWISE"));
    }

    @Test
    void theTopLabelCountsWhateverItsIndex() {
        List<double[]> rows = new ArrayList<>();
        int[] golds = new int[10];
        for (int i = 0; i < 10; i++) {
            // "positive" has index 0; five items are positive and five are not, all of them told right.
            golds[i] = i < 5 ? 0 : 1;
            rows.add(i < 5 ? new double[] {.95, .05} : new double[] {.05, .95});
        }
        assertEquals(.05, ece(Scheme.EQUAL_WIDTH, 10, rows, golds), 1e-9);
        double[] positive = rows.stream().mapToDouble(row -> row[0]).toArray();
        boolean[] index = new boolean[10];
        for (int i = 0; i < 10; i++) {
            index[i] = golds[i] == 1;
        }
        assertEquals(.95, ReliabilityTable.equalWidth(positive, index, 10, Bootstrap.all(10)).expectedError(), 1e-9,
                "what the paper's code measures");
    }

    @Test
    void surpriseOfTheRightChoice() {
        List<double[]> rows = List.of(new double[] {.7, .2, .1}, new double[] {.1, .8, .1});
        assertEquals(1.3296, new Calibration(10, Scheme.EQUAL_WIDTH).scores(rows, 0, 2).get(2).value(), 5e-5);
        MetricResult entropy = new Calibration(10, Scheme.EQUAL_WIDTH).scores(rows, 0, 2).get(3);
        assertEquals(.7204, entropy.value(), 5e-5);
        assertEquals("0.2401", entropy.details().get("by choice"), "as the paper's code divides it");
        assertTrue(Double.isFinite(new Calibration(10, Scheme.EQUAL_WIDTH).scores(List.of(new double[] {1, 0}), 1).get(2)
                .value()), "never infinite");
    }

    @Test
    void brier() {
        MetricResult result = new Brier().score(List.of(new double[] {.7, .2, .1}, new double[] {.1, .8, .1}), 0, 2);
        assertEquals(.14, result.items().get(0), 1e-9);
        assertEquals(1.46, result.items().get(1), 1e-9);
        assertEquals(.8, result.value(), 1e-9);
    }

    @Test
    void whatIsNoProbabilityIsRefused() {
        for (double[] row : List.of(new double[] {.7, .2}, new double[] {1.2, -.2}, new double[] {Double.NaN, 1})) {
            assertTrue(assertThrows(FinetuneException.class, () -> ece(Scheme.EQUAL_WIDTH, 10, List.of(row), 0)).getMessage()
                    .contains("must lie in [0, 1] and sum to 1"));
            assertThrows(FinetuneException.class, () -> new Brier().score(List.of(row), 0));
        }
        assertThrows(FinetuneException.class, () -> new Brier().score(List.of()));
        assertThrows(FinetuneException.class, () -> new Brier().score(List.of(new double[] {.5, .5}), 2));
        assertTrue(assertThrows(FinetuneException.class, () -> Calibration.METHOD.create(new Settings(Map.of("bins", 0))))
                .getMessage().contains("at least 1"));
    }
}
