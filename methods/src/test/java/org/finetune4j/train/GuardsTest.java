package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.head.TokenValues;
import org.finetune4j.model.PackedBatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Every guard of the running time is tripped once. */
class GuardsTest {
    @TempDir
    Path folder;

    /** The bigram engine with one fault. */
    private static class Faulty extends DelegatingEngine {
        Faulty() {
            super(new BigramEngine());
        }
    }

    private final List<String> warnings = new ArrayList<>();

    private String stops(GradientEngine engine, TrainSettings settings) {
        return assertThrows(FinetuneException.class, () -> run(engine, settings)).getMessage();
    }

    private void run(GradientEngine engine, TrainSettings settings) {
        new Trainer(engine, BigramJobs.KERNELS, BigramJobs.job(settings, folder), AtomicFiles.onDisk(),
                new TrainingListener() {
                    @Override
                    public void warned(String message) {
                        warnings.add(message);
                    }
                }).run();
    }

    @Test
    void aHeldOutLossThatGoesWrongLaterNamesTheLastGoodCheckpoint() {
        Faulty engine = new Faulty() {
            @Override
            public TokenValues evaluate(PackedBatch batch) {
                TokenValues values = super.evaluate(batch);
                return sound.passes > 8 ? new TokenValues(Double.POSITIVE_INFINITY, values.values()) : values;
            }
        };
        String message = stops(engine, BigramJobs.settings().evaluateEvery(5).build());
        assertTrue(message.startsWith("after step 5 the held-out loss is Infinity"), message);
        assertTrue(message.contains("replay-held-out-5.json. The last good checkpoint is "
                + folder.resolve("checkpoints/step-000004")), message);
    }

    @Test
    void whatStopsTheRunIsToldEvenWhenTheDiskIsFull() {
        Faulty engine = new Faulty() {
            @Override
            public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
                TokenValues values = super.accumulateGradient(batch, dropoutSeed);
                return sound.passes == 4 ? new TokenValues(Double.NaN, values.values()) : values;
            }
        };
        FinetuneException stop = assertThrows(FinetuneException.class, () -> new Trainer(engine, BigramJobs.KERNELS,
                BigramJobs.job(BigramJobs.settings().checkpointEvery(100).build(), folder),
                new AtomicFiles(new CrashingDisk(0, CrashingDisk.Fault.FULL)), TrainingListener.NONE).run());
        String message = stop.getMessage();
        assertTrue(message.startsWith("step 2 was stopped: the loss is NaN. Its samples are s"), message);
        assertTrue(message.contains(" The batch could not be kept: "), message);
        assertTrue(message.contains(" The weights could not be kept: "), message);
        assertTrue(message.contains("No space left on device"), message);
        assertTrue(message.endsWith("if they are fine, lower train.learningRate (0.05)."), message);
        assertEquals(2, stop.getSuppressed().length);
        assertFalse(Files.exists(folder.resolve("replay-step-2.json")));
    }

    @Test
    void aLossThatIsNotANumberStopsTheRunAndKeepsBatchAndCheckpoint() throws IOException {
        Faulty engine = new Faulty() {
            @Override
            public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
                TokenValues values = super.accumulateGradient(batch, dropoutSeed);
                return sound.passes == 10 ? new TokenValues(Double.NaN, values.values()) : values;
            }
        };
        String message = stops(engine, BigramJobs.settings().build());
        assertTrue(message.startsWith("step 6 was stopped: the loss is NaN. Its samples are s"), message);
        Path replay = folder.resolve("replay-step-6.json");
        JsonNode kept = new ObjectMapper().readTree(replay.toFile());
        assertEquals(1, kept.get("microBatches").size());
        String sample = kept.at("/microBatches/0/samples/0").asText();
        assertTrue(message.contains(sample) && message.contains(replay.toString()), message);
        JsonNode micro = kept.at("/microBatches/0");
        PackedBatch batch = new PackedBatch(ints(micro, "ids"), ints(micro, "positions"), ints(micro, "offsets"),
                ints(micro, "supervisedRows"), ints(micro, "labels"), new float[micro.get("weights").size()]);
        assertEquals(micro.get("samples").size(), batch.sequences());
        assertTrue(message.contains("last good checkpoint is " + folder.resolve("checkpoints/step-000005")), message);
        // What is kept continues to the end that the undisturbed run has.
        assertArrayEquals(BigramJobs.train(BigramJobs.job(BigramJobs.settings().build(), null), TrainingListener.NONE),
                BigramJobs.train(BigramJobs.job(BigramJobs.settings().build(), folder), TrainingListener.NONE));
    }

    private static int[] ints(JsonNode node, String name) {
        int[] values = new int[node.get(name).size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = node.get(name).get(i).intValue();
        }
        return values;
    }

    @Test
    void aGradientThatIsNotFiniteStopsTheRunBeforeTheUpdate() {
        Faulty engine = new Faulty() {
            @Override
            public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
                TokenValues values = super.accumulateGradient(batch, dropoutSeed);
                if (sound.passes == 6) {
                    gradient().putScalar(3, Float.POSITIVE_INFINITY);
                }
                return values;
            }
        };
        String message = stops(engine, BigramJobs.settings().build());
        assertTrue(message.startsWith("step 3 was stopped: the norm of the gradient is Infinity"), message);
        assertTrue(Files.exists(folder.resolve("replay-step-3.json")));
        for (float weight : engine.weights().toFloatVector()) {
            assertTrue(Float.isFinite(weight));
        }
    }

    @Test
    void aParameterThatIsNotFiniteStopsTheRunAndIsNeverSaved() {
        String message = stops(new Faulty(), BigramJobs.settings().learningRate(3e38).schedule(Schedule.CONSTANT)
                .warmupFraction(0).weightDecay(10).checkpointEvery(1).build());
        assertTrue(message.contains("a trained parameter is not finite after the update"), message);
        Checkpoints.Checkpoint kept = new Checkpoints(folder.resolve("checkpoints"), AtomicFiles.onDisk(), 2)
                .latest(warnings::add);
        assertTrue(kept == null || message.contains(kept.folder().toString()));
    }

    @Test
    void weightsThatDoNotChangeStopTheRun() {
        Faulty engine = new Faulty() {
            @Override
            public INDArray weights() {
                // An engine that hands out copies: updates are lost.
                return super.weights().dup();
            }
        };
        String message = stops(engine, BigramJobs.settings().build());
        assertTrue(message.startsWith("step 1 left all 156 trainable numbers as they were"), message);
        Faulty blind = new Faulty() {
            @Override
            public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
                TokenValues values = super.accumulateGradient(batch, dropoutSeed);
                sound.zeroGradients();
                return values;
            }
        };
        message = stops(blind, BigramJobs.settings().weightDecay(0).build());
        assertTrue(message.contains("norm is 0.0: nothing that trains has an effect on the loss"), message);
    }

    @Test
    void aLearningRateOfZeroMayChangeNothing() {
        run(new Faulty(), BigramJobs.settings().learningRate(0).build());
        assertEquals(List.of(), warnings);
    }

    @Test
    void frozenParametersThatChangeStopTheRun() {
        Faulty engine = new Faulty() {
            @Override
            public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
                TokenValues values = super.accumulateGradient(batch, dropoutSeed);
                sound.temperature += 1e-6f;
                return values;
            }
        };
        String message = stops(engine, BigramJobs.settings().build());
        assertTrue(message.startsWith("after step 1 parameters that are frozen had changed"), message);
        Faulty late = new Faulty() {
            @Override
            public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
                sound.temperature = sound.passes > 8 ? 2 : 1;
                return super.accumulateGradient(batch, dropoutSeed);
            }
        };
        message = stops(late, BigramJobs.settings().checkpointEvery(0).build());
        assertTrue(message.contains("parameters that are frozen had changed"), message);
    }

    @Test
    void aFirstLossWorseThanGuessingWarns() {
        Faulty engine = new Faulty();
        engine.sound.weights().muli(200);
        run(engine, BigramJobs.settings().build());
        assertEquals(1, warnings.size(), warnings.toString());
        assertTrue(warnings.get(0).contains("above 2.48, which guessing among the 12 tokens"), warnings.get(0));
    }

    @Test
    void aUsualFirstLossDoesNotWarn() {
        run(new Faulty(), BigramJobs.settings().build());
        assertEquals(List.of(), warnings);
    }

    @Test
    void aHeldOutLossThatIsNotANumberStopsTheRun() {
        Faulty engine = new Faulty() {
            @Override
            public TokenValues evaluate(PackedBatch batch) {
                return new TokenValues(Double.NaN, Map.of("loss", new float[] {Float.NaN}));
            }
        };
        String message = stops(engine, BigramJobs.settings().build());
        assertTrue(message.startsWith("after step 0 the held-out loss is NaN. Its samples are s"), message);
        assertTrue(message.contains("The batch is kept in " + folder.resolve("replay-held-out-0.json")), message);
        assertTrue(Files.exists(folder.resolve("replay-held-out-0.json")));
        assertFalse(Files.exists(folder.resolve("checkpoints/step-000002")));
    }
}
