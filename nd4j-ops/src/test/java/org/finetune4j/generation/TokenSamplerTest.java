package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenSamplerTest {
    private static final float[] LOGITS = {(float) Math.log(0.1), (float) Math.log(0.4), (float) Math.log(0.2),
            (float) Math.log(0.3)};

    @ParameterizedTest
    @CsvSource({
            "1.0, 0, 1.0,  0.1,    0.4,    0.2,    0.3",
            "0.5, 0, 1.0,  0.0333, 0.5333, 0.1333, 0.3",
            "1.0, 2, 1.0,  0,      0.5714, 0,      0.4286",
            "1.0, 0, 0.75, 0,      0.4444, 0.2222, 0.3333",
            "1.0, 0, 0.3,  0,      1,      0,      0"})
    void drawsTokensAsOftenAsTheirProbabilitySays(double temperature, int topK, double topP, double p0, double p1,
                                                  double p2, double p3) {
        TokenSampler sampler = new TokenSampler(GenerationSettings.builder().temperature(temperature).topK(topK)
                .topP(topP).seed(7).build());
        int draws = 20000;
        int[] counts = new int[4];
        for (int i = 0; i < draws; i++) {
            counts[sampler.sample(LOGITS, 0, i)]++;
        }
        double[] expected = {p0, p1, p2, p3};
        for (int v = 0; v < 4; v++) {
            double deviation = Math.sqrt(expected[v] * (1 - expected[v]) / draws);
            assertEquals(expected[v], counts[v] / (double) draws, 4 * deviation + 1e-4);
        }
    }

    @Test
    void temperatureZeroTakesTheLowestOfTheMostProbable() {
        TokenSampler sampler = new TokenSampler(GenerationSettings.greedy(1, Set.of()));
        assertEquals(1, sampler.sample(new float[] {-1, 2, 2, 0}, 0, 0));
    }

    @Test
    void logitsThatAreNotFiniteAreRefused() {
        TokenSampler sampler = new TokenSampler(GenerationSettings.greedy(1, Set.of()));
        String message = assertThrows(FinetuneException.class,
                () -> sampler.sample(new float[] {0, Float.NaN}, 0, 3)).getMessage();
        assertTrue(message.contains("place 3") && message.contains("earlier checkpoint"), message);
    }

    /** Pearson's test: with the right probabilities the sum exceeds the limit once in a thousand seeds. */
    @Test
    void drawsFollowTheDistributionOfManySettings() {
        Random random = new Random(6);
        GenerationSettings.Builder[] all = {GenerationSettings.builder().temperature(0.8),
            GenerationSettings.builder().temperature(1.5).topK(12), GenerationSettings.builder().temperature(1).topP(0.9),
            GenerationSettings.builder().temperature(1.2).minP(0.1),
            GenerationSettings.builder().temperature(1).typicalP(0.8),
            GenerationSettings.builder().temperature(1.4).topK(20).topP(0.95).minP(0.02).typicalP(0.9)};
        for (int c = 0; c < all.length; c++) {
            float[] logits = new float[30];
            for (int i = 0; i < logits.length; i++) {
                logits[i] = (float) (1.5 * random.nextGaussian());
            }
            TokenSampler sampler = new TokenSampler(all[c].seed(c).build());
            double[] expected = sampler.probabilities(logits);
            int draws = 20_000;
            int[] counts = new int[logits.length];
            for (int i = 0; i < draws; i++) {
                counts[sampler.sample(logits, i % 7, i % 3, i)]++;
            }
            double sum = 0;
            int freedom = -1;
            for (int i = 0; i < counts.length; i++) {
                assertEquals(expected[i] == 0, counts[i] == 0, "settings " + c + ", token " + i);
                if (expected[i] > 0) {
                    sum += Math.pow(counts[i] - draws * expected[i], 2) / (draws * expected[i]);
                    freedom++;
                }
            }
            // Wilson and Hilferty's normal approximation of the 99.9 % point.
            double limit = freedom * Math.pow(1 - 2.0 / (9 * freedom) + 3.09 * Math.sqrt(2.0 / (9 * freedom)), 3);
            assertTrue(freedom > 3 && sum < limit, "settings " + c + ": " + sum + " of " + limit + " with " + freedom);
        }
    }

    @Test
    void textsOfOnePromptAndOfOneSeedAreDrawnByThemselves() {
        TokenSampler sampler = new TokenSampler(GenerationSettings.builder().temperature(1).seed(3).build());
        int[][] drawn = new int[3][40];
        for (int number = 0; number < 3; number++) {
            for (int place = 0; place < 40; place++) {
                drawn[number][place] = sampler.sample(LOGITS, 5, number, place);
            }
        }
        assertTrue(!Arrays.equals(drawn[0], drawn[1]) && !Arrays.equals(drawn[1], drawn[2]) && !Arrays.equals(drawn[0],
                drawn[2]));
        assertEquals(drawn[0][7], sampler.sample(LOGITS, 5, 7));
    }

    @Test
    void noTokenAtAllIsRefused() {
        float never = Float.NEGATIVE_INFINITY;
        String message = assertThrows(FinetuneException.class, () -> new TokenSampler(GenerationSettings.greedy(1,
                Set.of()))
                .sample(new float[] {never, never}, 0, 0)).getMessage();
        assertTrue(message.contains("forbid every token"), message);
    }
}
