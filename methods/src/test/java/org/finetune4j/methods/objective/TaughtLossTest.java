package org.finetune4j.methods.objective;

import static org.finetune4j.methods.objective.Toy.HARNESS;
import static org.finetune4j.methods.objective.Toy.LABELS;
import static org.finetune4j.methods.objective.Toy.LOGITS;
import static org.finetune4j.methods.objective.Toy.REFERENCE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.Arrays;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Test;

/** The reference at another temperature, and one that moves. */
class TaughtLossTest {
    private static double[][] divided(double[][] logits, double by) {
        return Arrays.stream(logits).map(row -> Arrays.stream(row).map(logit -> logit / by).toArray())
                .toArray(double[][]::new);
    }

    @Test
    void aTemperatureDividesTheLogitsOfTheReferenceAlone() {
        ObjectiveHarness.Result warm = HARNESS.mean(new Taught(new Asft(0.1), "", 2.5, 0, 1).tokenLoss(), LOGITS, LABELS,
                REFERENCE);
        ObjectiveHarness.Result divided = HARNESS.mean(new Asft(0.1), LOGITS, LABELS, divided(REFERENCE, 2.5));
        assertEquals(divided.loss(), warm.loss(), 1e-12);
        assertArrayEquals(divided.values().get("kl"), warm.values().get("kl"), 1e-12);
        for (int row = 0; row < LABELS.length; row++) {
            assertArrayEquals(divided.gradient()[row], warm.gradient()[row], 1e-12);
        }
    }

    @Test
    void atTemperatureOneItIsTheBaseBitForBit() {
        ObjectiveHarness.Result taught = HARNESS.mean(new Taught(new Asft(0.1), "there").tokenLoss(), LOGITS, LABELS, REFERENCE);
        ObjectiveHarness.Result plain = HARNESS.mean(new Asft(0.1), LOGITS, LABELS, REFERENCE);
        assertEquals(plain.loss(), taught.loss());
        assertArrayEquals(plain.gradient()[1], taught.gradient()[1]);
    }

    @Test
    void aReferenceMovesByItsSettingsOrByThoseOfItsBase() {
        assertEquals(new TokenLoss.Lag(1, 20), new Taught(new Asft(0.1), "", 1, 20, 1).tokenLoss().lag());
        CurioSft curious = CurioSft.METHOD.create(new Settings(Map.of()));
        assertEquals(curious.lag(), new Taught(curious, "", 2, 0, 1).tokenLoss().lag());
        assertNull(new Taught(curious, "there").tokenLoss().lag());
        assertNull(new Taught(new Asft(0.1), "", 2, 0, 1).tokenLoss().lag());
    }
}
