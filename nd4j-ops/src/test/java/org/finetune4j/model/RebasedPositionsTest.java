package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.model.family.Rotary;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;

/** The first numbered test of the card longskywork. */
class RebasedPositionsTest {
    @Test
    void theBaseGrowsAsTheCardSays() {
        assertEquals(40889.942, Rotary.plain(128, 10_000).rebased(4).theta(), 1e-3);
        assertEquals(82684.623, Rotary.plain(128, 10_000).rebased(8).theta(), 1e-3);
        assertEquals(519366.979, Rotary.plain(128, 10_000).rebased(48.828125).theta(), 1e-3);
        assertEquals(63496.042, Rotary.plain(8, 10_000).rebased(4).theta(), 1e-3);
        assertEquals(10_000, Rotary.plain(8, 10_000).rebased(1).theta());
    }

    @Test
    void theLongestWaveGrowsByTheFactorAndTheShortestStays() {
        double[] plain = frequencies(Rotary.plain(128, 10_000));
        double[] longer = frequencies(Rotary.plain(128, 10_000).rebased(4));
        assertEquals(54410.143, 2 * Math.PI / plain[63], 1e-3);
        assertEquals(217640.573, 2 * Math.PI / longer[63], 1e-3);
        assertEquals(1, longer[0]);
    }

    private static double[] frequencies(Rotary rotary) {
        return rotary.scaling().frequencies(rotary, 1);
    }

    private static ModelConfig llama(double theta) {
        return ModelConfig.llama(64, 32, 64, 2, 2, 1, 16, 1e-5, theta, 256, true, null, List.of(1), DataType.FLOAT, 0.02);
    }

    @Test
    void aConfigurationIsRebasedWithItsContext() {
        ModelConfig longer = llama(10_000).rebased(4);
        assertEquals(1024, longer.maxPositions());
        assertEquals(Rotary.plain(16, 10_000).rebased(4), longer.architecture().blocks().get(0).attention().rotary());
        assertEquals(longer, ModelConfig.parse(longer.toJson(), Path.of("config.json")), "it is written as it is");
    }

    @Test
    void whatCannotBeRebasedIsRefused() {
        assertThrows(FinetuneException.class, () -> llama(10_000).rebased(0.5));
        String scaled = llama(10_000).toJson().replace("\"rope_scaling\" : null",
                "\"rope_scaling\" : {\"rope_type\":\"linear\",\"factor\":2.0}");
        assertTrue(scaled.contains("linear"), scaled);
        String message = assertThrows(FinetuneException.class,
                () -> ModelConfig.parse(scaled, Path.of("config.json")).rebased(2)).getMessage();
        assertTrue(message.contains("scaled already"), message);
    }
}
