package org.finetune4j.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RotaryTableTest {

    @Test
    void thePlainTableFallsGeometrically() {
        RotaryTable table = new RotaryTable(8, 10000);
        assertEquals(4, table.pairs());
        assertEquals(8, table.headDimension());
        assertEquals(1, table.magnitude());
        for (int i = 0; i < 4; i++) {
            assertEquals(Math.pow(10, -i), table.angles().frequency(i), 1e-15);
        }
    }

    @Test
    void anglesAreOfTheirPositionsWhateverWasAskedForBefore() {
        RotaryTable table = new RotaryTable(7, new double[] {1, 0.25, 0.1}, 1.2);
        for (int[] positions : new int[][] {{5, 3}, {4000, 5}, {}, {0, 3, 700}}) {
            RotaryAngles angles = table.angles(positions);
            float[] cosines = angles.cosines(positions);
            float[] sines = angles.sines(positions);
            for (int position : positions) {
                for (int i = 0; i < 3; i++) {
                    double angle = position * angles.frequency(i);
                    assertEquals((float) (1.2 * Math.cos(angle)), cosines[position * 3 + i]);
                    assertEquals((float) (1.2 * Math.sin(angle)), sines[position * 3 + i]);
                }
            }
        }
    }

    @Test
    void frequenciesByLengthAreThoseOfTheLargestPositionPlusOne() {
        RotaryTable table = RotaryTable.byLength(4, length -> new double[] {1, 1.0 / length}, 0.9);
        assertEquals(1 / 8.0, table.angles(2, 7, 3).frequency(1));
        assertEquals(1, table.angles(0).frequency(1));
        assertEquals(1 / 2001.0, table.angles(2000).frequency(1));
        assertEquals(1 / 8.0, table.angles(7).frequency(1));
    }

    @Test
    void lengthsThatShareFrequenciesShareAngles() {
        List<Integer> asked = new ArrayList<>();
        RotaryTable table = RotaryTable.byLength(4, length -> {
            asked.add(length);
            return length <= 16 ? new double[] {1, 0.1} : new double[] {0.5, 0.05};
        }, 1);
        RotaryAngles few = table.angles(3);
        RotaryAngles many = table.angles(16, 2);
        assertNotSame(few, many);
        for (int pass = 0; pass < 10; pass++) {
            assertSame(few, table.angles(15, pass));
            assertSame(many, table.angles(16 + pass));
        }
        int calls = asked.size();
        assertSame(many, table.angles(25, 4));
        assertEquals(calls, asked.size(), "the same length again asks for nothing");
    }

    @Test
    void wrongTablesAreRefused() {
        refused(() -> new RotaryTable(3, 100), "even head dimension");
        refused(() -> new RotaryTable(4, -1.0), "positive theta");
        refused(() -> new RotaryTable(5, new double[3], 1), "turns 6 numbers of each head, but heads have 5");
        refused(() -> new RotaryTable(4, new double[0], 1), "0 frequencies");
        refused(() -> new RotaryTable(4, new double[] {1, Double.NaN}, 1), "NaN");
        refused(() -> new RotaryTable(4, new double[] {1}, 0), "magnitude");
        RotaryTable changing = RotaryTable.byLength(8, length -> new double[length < 9 ? 2 : 3], 1);
        refused(() -> changing.angles(8), "3 frequencies for length 9, but 2 for length 1");
        refused(() -> new RotaryTable(64, 100).angles(Integer.MAX_VALUE - 1).cosines(Integer.MAX_VALUE - 1), "2147483646");
    }

    private static void refused(Runnable call, String part) {
        String message = String.valueOf(assertThrows(IllegalArgumentException.class, call::run).getMessage());
        assertTrue(message.contains(part), message);
    }
}
