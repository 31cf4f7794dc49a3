package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ScoreCacheTest {
    private static final List<float[]> SCORES = List.of(new float[] {-0.2f, -0.3f}, new float[] {-1.5f},
            new float[] {-0.05f, -2f, -0.7f});

    @TempDir
    private Path folder;

    @Test
    void scoresAreReadAsTheyWereWritten() {
        ScoreCache cache = new ScoreCache(folder.resolve("run"), "a");
        assertNull(cache.read());
        cache.write(SCORES);
        List<float[]> read = cache.read();
        assertNotNull(read);
        assertEquals(SCORES.size(), read.size());
        for (int i = 0; i < read.size(); i++) {
            assertArrayEquals(SCORES.get(i), read.get(i));
        }
    }

    @Test
    void scoresOfAnotherKeyOrADamagedFileAreNotUsed() throws IOException {
        new ScoreCache(folder, "a").write(SCORES);
        assertNull(new ScoreCache(folder, "b").read());
        Path file;
        try (Stream<Path> files = Files.list(folder)) {
            file = files.findFirst().orElseThrow();
        }
        byte[] bytes = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
        assertNull(new ScoreCache(folder, "a").read());
    }
}
