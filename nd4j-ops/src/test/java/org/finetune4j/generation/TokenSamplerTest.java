package org.finetune4j.generation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
}
