package org.finetune4j.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;

/** The 16-bit formats against all of their 65,536 patterns and against rounding done the slow way. */
class FloatFormatsTest {
    @Test
    void everyPatternComesBack() {
        for (int pattern = 0; pattern < 1 << 16; pattern++) {
            float half = FloatFormats.fromHalf((short) pattern);
            float brain = FloatFormats.fromBfloat16((short) pattern);
            if (Float.isNaN(half)) {
                assertTrue(Float.isNaN(FloatFormats.fromHalf(FloatFormats.toHalf(half))));
            } else {
                assertEquals((short) pattern, FloatFormats.toHalf(half));
            }
            if (Float.isNaN(brain)) {
                assertTrue(Float.isNaN(FloatFormats.fromBfloat16(FloatFormats.toBfloat16(brain))));
            } else {
                assertEquals((short) pattern, FloatFormats.toBfloat16(brain));
            }
        }
    }

    @Test
    void knownValues() {
        assertEquals(65504f, FloatFormats.fromHalf((short) 0x7bff));
        assertEquals(0x1p-24f, FloatFormats.fromHalf((short) 1));
        assertEquals(Float.POSITIVE_INFINITY, FloatFormats.fromHalf(FloatFormats.toHalf(65520f)));
        assertEquals(65504f, FloatFormats.fromHalf(FloatFormats.toHalf(65519.99f)));
        assertEquals((short) 0x8000, FloatFormats.toHalf(-0f));
        assertEquals((short) 0x3f80, FloatFormats.toBfloat16(1f + 0x1p-8f), "a tie goes to the even neighbour below");
        assertEquals((short) 0x3f82, FloatFormats.toBfloat16(1f + 3 * 0x1p-8f), "and to the even neighbour above");
        assertEquals((short) 0x7f80, FloatFormats.toBfloat16(Float.MAX_VALUE));
        assertTrue(Float.isNaN(FloatFormats.fromBfloat16(FloatFormats.toBfloat16(Float.intBitsToFloat(0x7f800001)))));
        assertTrue(Float.isNaN(FloatFormats.fromBfloat16(FloatFormats.toBfloat16(Float.intBitsToFloat(0x7fffffff)))));
    }

    /** From double: what is chosen must be the nearest of the neighbours, and the even one in a tie. */
    @Test
    void narrowingRoundsOnce() {
        Random random = new Random(11);
        for (int round = 0; round < 400_000; round++) {
            double value = random.nextGaussian() * Math.scalb(1.0, random.nextInt(60) - 30);
            if (round % 4 == 0) {
                // Next to a tie of the 16-bit grid, nearer than f32 can tell: where rounding twice goes wrong.
                value = FloatFormats.fromBfloat16((short) random.nextInt(0x7f00)) * (1 + 0x1p-8 + 0x1p-40);
            }
            float odd = FloatFormats.narrowToOdd(value);
            assertNearest(value, FloatFormats.toBfloat16(odd), false);
            if (Math.abs(value) < 60000) {
                assertNearest(value, FloatFormats.toHalf(odd), true);
            }
        }
    }

    private static void assertNearest(double value, short pattern, boolean half) {
        double error = Math.abs(decode(pattern, half) - value);
        for (int step = -1; step <= 1; step += 2) {
            double other = Math.abs(decode((short) (pattern + step), half) - value);
            assertTrue(Double.isNaN(other) || error < other || error == other && (pattern & 1) == 0,
                () -> value + " became " + decode(pattern, half));
        }
    }

    private static double decode(short pattern, boolean half) {
        return half ? FloatFormats.fromHalf(pattern) : FloatFormats.fromBfloat16(pattern);
    }
}
