package org.finetune4j.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The counter-based generator: even, independent of neighbours, and the same for ever. */
class CounterRandomTest {
    private static final int COUNT = 1 << 18;

    @Test
    void firstValuesNeverChange() {
        long[] bits = {-1247880114664721112L, -8353953301029249969L, -7367178172895916473L};
        float[] uniform = {0.93235224f, 0.54713124f, 0.60062444f};
        double[] gaussian = {-0.35799278552421976, -0.7117238508030049, -1.7865310371113639};
        long[] seeds = {-6665872906927830237L, 7143259725289714112L, -2310386836406089166L};
        for (int counter = 0; counter < 3; counter++) {
            assertEquals(bits[counter], CounterRandom.bits(42, counter));
            assertEquals(uniform[counter], CounterRandom.uniform(42, counter));
            assertEquals(gaussian[counter], CounterRandom.gaussian(42, counter), 1e-15);
            assertEquals(seeds[counter], CounterRandom.seed(42, "dropout", counter));
        }
        assertEquals(1194821194238685573L, CounterRandom.bits(0, 0));
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 1, -1, 42, Long.MIN_VALUE})
    void uniformFillsItsBucketsEvenly(long seed) {
        int[] buckets = new int[256];
        for (int counter = 0; counter < COUNT; counter++) {
            float value = CounterRandom.uniform(seed, counter);
            assertTrue(value >= 0 && value < 1, "uniform gave " + value);
            buckets[(int) (value * 256)]++;
        }
        assertChiSquare(buckets);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 64, 576, 1L << 32})
    void countersThisFarApartAreIndependent(long distance) {
        int[] pairs = new int[256];
        for (int counter = 0; counter < COUNT; counter++) {
            int first = (int) (CounterRandom.uniform(7, counter) * 16);
            int second = (int) (CounterRandom.uniform(7, counter + distance) * 16);
            pairs[16 * first + second]++;
        }
        assertChiSquare(pairs);
    }

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 1L << 40})
    void seedsThisFarApartAreIndependent(long distance) {
        int[] pairs = new int[256];
        for (int counter = 0; counter < COUNT; counter++) {
            int first = (int) (CounterRandom.uniform(7, counter) * 16);
            int second = (int) (CounterRandom.uniform(7 + distance, counter) * 16);
            pairs[16 * first + second]++;
        }
        assertChiSquare(pairs);
    }

    @Test
    void everyBitIsSetHalfTheTime() {
        int[] set = new int[64];
        for (int counter = 0; counter < COUNT; counter++) {
            long bits = CounterRandom.bits(3, counter);
            for (int bit = 0; bit < 64; bit++) {
                set[bit] += (int) (bits >>> bit & 1);
            }
        }
        double deviation = Math.sqrt(COUNT) / 2;
        for (int bit = 0; bit < 64; bit++) {
            assertEquals(COUNT / 2.0, set[bit], 5 * deviation, "bit " + bit);
        }
    }

    @Test
    void gaussianHasTheMomentsOfANormalNumber() {
        double[] moments = new double[5];
        double neighbours = 0;
        double last = 0;
        for (int counter = 0; counter < COUNT; counter++) {
            double value = CounterRandom.gaussian(11, counter);
            for (int power = 1; power <= 4; power++) {
                moments[power] += Math.pow(value, power) / COUNT;
            }
            neighbours += value * last / COUNT;
            last = value;
        }
        double deviation = 1 / Math.sqrt(COUNT);
        assertEquals(0, moments[1], 5 * deviation);
        assertEquals(1, moments[2], 5 * Math.sqrt(2) * deviation);
        assertEquals(0, moments[3], 5 * Math.sqrt(15) * deviation);
        assertEquals(3, moments[4], 5 * Math.sqrt(96) * deviation);
        assertEquals(0, neighbours, 5 * deviation);
    }

    @Test
    void purposesAndIndicesHaveSeedsOfTheirOwn() {
        Set<Long> seeds = new HashSet<>();
        String[] purposes = {"", "shuffle", "dropout", "sampling", "initial weights", "dropouts"};
        for (String purpose : purposes) {
            for (long index = 0; index < 1000; index++) {
                seeds.add(CounterRandom.seed(1, purpose, index));
            }
        }
        assertEquals(purposes.length * 1000, seeds.size());
        assertNotEquals(CounterRandom.seed(1, "dropout", 0), CounterRandom.seed(2, "dropout", 0));
    }

    /** With 255 degrees of freedom chi-square has mean 255 and deviation 22.6: five deviations either way. */
    private static void assertChiSquare(int[] buckets) {
        double expected = (double) COUNT / buckets.length;
        double statistic = 0;
        for (int count : buckets) {
            statistic += (count - expected) * (count - expected) / expected;
        }
        assertEquals(buckets.length - 1, statistic, 5 * Math.sqrt(2.0 * (buckets.length - 1)), "chi-square");
    }
}
