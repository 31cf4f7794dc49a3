package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real process is killed with SIGKILL while it trains, several times, and ends with the bits of one left alone. */
class KillTest {
    private static final int KILLS = 4;

    @TempDir
    Path folder;

    @Test
    void aKilledProcessContinuesToTheSameBits() throws IOException, InterruptedException {
        Random random = new Random(23);
        int kills = 0;
        boolean resumed = false;
        while (kills < KILLS) {
            Process process = start();
            // A checkpoint is written every second step, so that the run goes on at each start.
            int lines = 3 + random.nextInt(4);
            try (BufferedReader reader = process.inputReader()) {
                String line = reader.readLine();
                for (int read = 0; line != null && read < lines; read++) {
                    assertFalse(line.startsWith("warned"), line);
                    resumed |= line.startsWith("resumed");
                    line = reader.readLine();
                }
                // Anywhere within a step or the writing of its checkpoint.
                LockSupport.parkNanos(random.nextInt(10_000_000));
                assertTrue(line != null && process.isAlive(), "the run ended before it could be killed");
                process.destroyForcibly();
            }
            assertEquals(128 + 9, process.waitFor());
            kills++;
            assertFalse(Files.exists(folder.resolve(KillableTraining.WEIGHTS)));
        }
        Process last = start();
        try (BufferedReader reader = last.inputReader()) {
            resumed &= reader.lines().filter(line -> line.startsWith("resumed")).count() == 1;
        }
        assertTrue(last.waitFor(2, TimeUnit.MINUTES));
        assertEquals(0, last.exitValue());
        assertTrue(resumed);

        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(folder.resolve(KillableTraining.WEIGHTS)));
        float[] weights = new float[bytes.remaining() / 4];
        bytes.asFloatBuffer().get(weights);
        assertArrayEquals(LlamaJobs.train(LlamaJobs.Kind.ADAPTER_BF16, KillableTraining.EPOCHS,
                null, TrainingListener.NONE), weights);
    }

    private Process start() throws IOException {
        return new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx512m", "-cp",
                System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                KillableTraining.class.getName(), folder.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD).start();
    }
}
