package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.finetune4j.FinetuneException;
import org.junit.jupiter.api.Test;

/** Card soft, test 7. */
class WinCountsTest {
    @Test
    void scoresOfTheCard() {
        assertEquals(-0.164706, new WinCounts(71, 99, 0).score(), 5e-7);
        assertEquals(-0.058824, new WinCounts(52.5, 62.5, 55).score(), 5e-7);
        assertEquals(1, new WinCounts(3, 0, 0).score());
    }

    @Test
    void refusesWhatIsNoCount() {
        assertTrue(assertThrows(FinetuneException.class, () -> new WinCounts(0, 0, 0)).getMessage()
                .startsWith("no answer was compared"));
        assertTrue(assertThrows(FinetuneException.class, () -> new WinCounts(1, -1, 0)).getMessage().contains("losses -1.0"));
        assertThrows(FinetuneException.class, () -> new WinCounts(Double.NaN, 1, 0));
    }
}
