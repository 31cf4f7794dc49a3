package org.finetune4j.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.finetune4j.kernel.onednn.OneDnnLimits.Rate;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.Test;

class MachineLimitsTest {
    private final MachineLimits limits =
            new MachineLimits(new Rate(4e11, "blocks"), new Rate(5e10, "memcpy"), new Rate(6e10, "tiles"));

    @Test
    void aShareIsOperationsOverSecondsAndTheLimit() {
        assertEquals(0.25, limits.productShare(2e11, 2));
    }

    @Test
    void theFasterOfTwoMeasurementsIsTheLimit() {
        Rate faster = new Rate(4.5e11, "rows");
        assertEquals(faster, limits.atLeast(faster).products());
        assertEquals(limits, limits.atLeast(new Rate(3e11, "rows")));
    }

    @Test
    void limitsSayHowTheyWereReached() {
        assertTrue(limits.toString().contains("400.0 GFLOP/s (blocks)"), limits.toString());
        assertTrue(limits.toString().contains("60.0 GB/s (tiles)"), limits.toString());
    }

    @Test
    void aPrecisionWithoutProductsIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> MachineLimits.measure(Precision.F64));
    }
}
