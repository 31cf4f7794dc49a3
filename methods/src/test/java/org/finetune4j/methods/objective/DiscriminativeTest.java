package org.finetune4j.methods.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.head.SequenceLoss.Member;
import org.finetune4j.head.SequenceLoss.Outcome;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code discriminative-ft}; drawing the answers is in {@link org.finetune4j.train.PreparedObjectivesTest}. */
class DiscriminativeTest {
    private static DiscriminativeLoss loss(Map<String, Object> settings) {
        return new DiscriminativeLoss(Discriminative.METHOD.create(new Settings(settings)));
    }

    private static Member member(double reference, double... losses) {
        float[] references = new float[losses.length];
        java.util.Arrays.fill(references, (float) reference);
        return new Member(losses, Map.of(Discriminative.REFERENCE, references));
    }

    /** lp(y) = -12 in two tokens, lp(y') = -10 and -14, lp0 = -11 and -13. */
    private static Outcome first(DiscriminativeLoss loss, String sample) {
        return loss.of(sample, List.of(member(0, 5, 7), member(-11, 4, 6), member(-13, 7, 7)), true);
    }

    @Test
    void sumsOfTheCard() {
        Outcome outcome = first(loss(Map.of()), "s");
        assertEquals(0.379544, outcome.logged().get("logU"), 1e-6);
        assertEquals(0.939272, outcome.loss(), 1e-5);
        assertArrayEquals(new double[] {1, 1}, outcome.gradients().get(0));
        assertEquals(-1.859775 / 2, outcome.gradients().get(1)[0], 1e-6);
        assertEquals(-0.251693 / 2, outcome.gradients().get(2)[1], 1e-6);
        assertEquals(12 + 0.379544, outcome.logged().get("objective"), 1e-6);
    }

    @Test
    void theNormaliserFollows() {
        DiscriminativeLoss loss = loss(Map.of());
        first(loss, "s");
        Outcome again = first(loss, "s");
        assertEquals(0.425831, again.logged().get("logU"), 1e-6);
        assertEquals(1.439563, again.loss(), 1e-5);
        for (int i = 0; i < 40; i++) {
            again = first(loss, "s");
        }
        assertEquals(0.433781, again.logged().get("logU"), 1e-6);
        assertEquals(1, again.logged().get("weight"), 1e-6);
        Outcome atOnce = first(loss(Map.of("gamma", 1.0)), "s");
        assertEquals(1.523188, atOnce.loss(), 1e-5);
        assertEquals(-1.761594 / 2, atOnce.gradients().get(1)[0], 1e-6);
    }

    @Test
    void meansOfTheCard() {
        Outcome outcome = loss(Map.of("form", "mean")).of("s", List.of(member(0, 1, 1.4), member(0, 0.8), member(0, 1.6, 1.6)),
                true);
        assertEquals(-2.014102, outcome.logged().get("logU"), 1e-6);
        assertEquals(0.962772, outcome.loss(), 1e-6);
        assertArrayEquals(new double[] {0.5, 0.5}, outcome.gradients().get(0));
        assertArrayEquals(new double[] {-0.520709 / 2}, outcome.gradients().get(1), 1e-6);
        assertArrayEquals(new double[] {-0.036181 / 4, -0.036181 / 4}, outcome.gradients().get(2), 1e-6);
    }

    @Test
    void enormousScoresStayFinite() {
        Outcome outcome = loss(Map.of()).of("s", List.of(member(0, 12), member(-810, 10), member(786, 14)), true);
        assertTrue(Double.isFinite(outcome.loss()) && Double.isFinite(outcome.logged().get("logU")), outcome.toString());
    }

    @Test
    void everySampleHasItsOwnNormaliserWhichIsSavedToTheBit() {
        DiscriminativeLoss loss = loss(Map.of());
        first(loss, "a");
        loss.of("b", List.of(member(0, 3), member(-2, 9), member(-2, 1)), true);
        first(loss, "a");
        DiscriminativeLoss restored = loss(Map.of());
        restored.restore(loss.save());
        assertEquals(first(loss, "a").loss(), first(restored, "a").loss(), 0);
        assertEquals(loss.save(), restored.save());
        assertThrows(FinetuneException.class, () -> restored.restore("{"));
    }

    @Test
    void aLookWithoutTrainingChangesNothing() {
        DiscriminativeLoss loss = loss(Map.of());
        String before = loss.save();
        loss.of("a", List.of(member(0, 5, 7), member(-11, 4, 6)), false);
        assertEquals(before, loss.save());
    }

    @Test
    void withAHugeNormaliserItIsSupervisedFineTuningOfSums() {
        Outcome outcome = first(loss(Map.of("startLogU", 700.0)), "s");
        assertEquals(12, outcome.loss(), 1e-9);
        assertEquals(0, outcome.gradients().get(1)[0], 1e-200);
    }

    @ParameterizedTest
    @CsvSource({"tau, 0", "gamma, 0", "gamma, 1.1", "perEpoch, 0", "startLogU, Infinity", "temperature, 0",
        "maxNewTokens, 0"})
    void settingsOutOfRangeAreNamed(String name, double value) {
        String message = assertThrows(FinetuneException.class, () -> loss(Map.of(name, value))).getMessage();
        assertTrue(message.contains("'" + name + "' is"), message);
    }
}
