package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.data.DataPosition;
import org.finetune4j.head.TokenValues;
import org.finetune4j.model.PackedBatch;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A run that stops at any moment and is started again ends with the same bits as one that does not stop. */
class ResumeTest {
    private static final TrainSettings SETTINGS = BigramJobs.settings().evaluateEvery(3).build();
    private static float[] uninterrupted;

    @TempDir
    Path folder;

    private final List<String> warnings = new ArrayList<>();
    private final List<Long> resumedFrom = new ArrayList<>();

    private final TrainingListener listening = new TrainingListener() {
        @Override
        public void warned(String message) {
            warnings.add(message);
        }

        @Override
        public void resumed(long step, Path checkpoint) {
            resumedFrom.add(step);
        }
    };

    /** Stands for whatever ends a run. */
    private static final class Stop extends Error {
        private static final long serialVersionUID = 1L;
    }

    @BeforeAll
    static void trainWithoutStopping() {
        uninterrupted = BigramJobs.train(BigramJobs.job(SETTINGS, null), TrainingListener.NONE);
    }

    private Path checkpoints() {
        return folder.resolve("checkpoints");
    }

    private float[] finish() {
        return BigramJobs.train(BigramJobs.job(SETTINGS, folder), listening);
    }

    private void stopAfter(long step) {
        assertThrows(Stop.class, () -> BigramJobs.train(BigramJobs.job(SETTINGS, folder), new TrainingListener() {
            @Override
            public void stepMade(StepEvent event) {
                if (event.step() == step) {
                    throw new Stop();
                }
            }
        }));
    }

    @Test
    void stoppedAtRandomPlacesAgainAndAgain() throws IOException {
        Random random = new Random(17);
        int starts = 0;
        float[] weights = null;
        while (weights == null) {
            BigramEngine engine = new BigramEngine();
            int lastPass = 1 + random.nextInt(12);
            GradientEngine stopping = new DelegatingEngine(engine) {
                @Override
                public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
                    if (engine.passes == lastPass) {
                        throw new Stop();
                    }
                    return super.accumulateGradient(batch, dropoutSeed);
                }
            };
            starts++;
            try {
                new Trainer(stopping, BigramJobs.KERNELS, BigramJobs.job(SETTINGS, folder), AtomicFiles.onDisk(),
                        listening).run();
                weights = engine.weights().toFloatVector();
            } catch (Stop stop) {
                assertTrue(starts < 200);
            }
        }
        assertTrue(starts > 3, "the run must have been stopped several times, not " + starts);
        assertFalse(resumedFrom.isEmpty());
        assertArrayEquals(uninterrupted, weights);
        assertEquals(List.of(), warnings);
        assertEquals(List.of("step-000014", "step-000015"), names());
        // Every step is in the log once.
        assertEquals(15, Files.readAllLines(folder.resolve("metrics.jsonl")).stream()
                .filter(line -> line.contains("\"gradientNorm\"")).count());
    }

    private List<String> names() throws IOException {
        try (Stream<Path> paths = Files.list(checkpoints())) {
            return paths.map(path -> path.getFileName().toString()).sorted().toList();
        }
    }

    @Test
    void theProcessDiesAtEveryFileOperation() throws IOException {
        TrainingJob alone = BigramJobs.job(BigramJobs.settings().maxSteps(3).keepCheckpoints(1).build(), null);
        float[] expected = BigramJobs.train(alone, TrainingListener.NONE);
        Path parent = folder;
        boolean crashed = true;
        int last = 0;
        for (; crashed; last += 3) {
            folder = parent.resolve("crash" + last);
            TrainingJob job = BigramJobs.job(alone.settings(), folder);
            crashed = false;
            try {
                BigramJobs.train(new BigramEngine(), job, new AtomicFiles(new CrashingDisk(last,
                        CrashingDisk.Fault.CRASH)), listening);
            } catch (CrashingDisk.Crash crash) {
                crashed = true;
                assertArrayEquals(expected, BigramJobs.train(job, listening), "died at file operation " + last);
                assertEquals(List.of("step-000003"), names(), "died at file operation " + last);
            }
        }
        assertTrue(last > 40, "only " + last + " operations");
        assertEquals(List.of(), warnings);
    }

    @Test
    void aFullDiskLeavesEarlierCheckpointsWhole() {
        CrashingDisk disk = new CrashingDisk(40, CrashingDisk.Fault.FULL);
        RuntimeException refusal = assertThrows(RuntimeException.class, () -> BigramJobs.train(new BigramEngine(),
                BigramJobs.job(SETTINGS, folder), new AtomicFiles(disk), listening));
        assertTrue(refusal.getMessage().contains("could not be written (No space left on device)"), refusal.getMessage());
        assertArrayEquals(uninterrupted, finish());
        assertEquals(1, resumedFrom.size());
        assertTrue(resumedFrom.get(0) > 0);
        assertEquals(List.of(), warnings);
    }

    @Test
    void metricsThatCannotBeWrittenStopTheRunWhichThenContinues() {
        FinetuneException refusal = assertThrows(FinetuneException.class, () -> BigramJobs.train(
                BigramJobs.job(SETTINGS, folder), new TrainingListener() {
                    @Override
                    public void stepMade(StepEvent event) {
                        if (event.step() == 5) {
                            try {
                                // The device of Linux that is always full.
                                Files.delete(folder.resolve("metrics.jsonl"));
                                Files.createSymbolicLink(folder.resolve("metrics.jsonl"), Path.of("/dev/full"));
                            } catch (IOException e) {
                                throw new UncheckedIOException(e);
                            }
                        }
                    }
                }));
        assertTrue(refusal.getMessage().startsWith(folder.resolve("metrics.jsonl") + " cannot be written: "),
                refusal.getMessage());
        assertTrue(refusal.getMessage().contains("No space left on device"), refusal.getMessage());
        assertArrayEquals(uninterrupted, finish());
        assertEquals(List.of(4L), resumedFrom);
        assertEquals(List.of(), warnings);
    }

    @Test
    void aDiskWithoutRoomAndAFolderThatCannotBeMadeAreRefusedAtTheStart() throws IOException {
        String message = assertThrows(FinetuneException.class, () -> new Checkpoints(checkpoints(), AtomicFiles.onDisk(), 2)
                .requireRoom(1L << 58)).getMessage();
        assertTrue(message.contains("3 more checkpoints of " + (1L << 38) + " MiB need"), message);
        // Half of the disk each: three do not fit, but where two lie already there is room for the one more.
        long half = Files.getFileStore(folder).getUsableSpace() / 2;
        Checkpoints two = new Checkpoints(checkpoints(), AtomicFiles.onDisk(), 2);
        assertThrows(FinetuneException.class, () -> two.requireRoom(half));
        Files.createDirectories(checkpoints().resolve("step-000002"));
        Files.createDirectories(checkpoints().resolve("step-000004"));
        two.requireRoom(half);
        Path file = Files.writeString(folder.resolve("file"), "");
        message = assertThrows(FinetuneException.class,
                () -> BigramJobs.train(BigramJobs.job(SETTINGS, file.resolve("run")), listening)).getMessage();
        assertTrue(message.contains("the run folder " + file.resolve("run") + " cannot be created"), message);
    }

    @Test
    void aDamagedFileIsPassedOverLoudly() throws IOException {
        stopAfter(7);
        Path newest = checkpoints().resolve("step-000006");
        Random random = new Random(3);
        int damages = 0;
        for (String name : List.of("weights.safetensors", "optimizer.safetensors", "state.json", "metrics.jsonl",
                "manifest.json")) {
            Path file = newest.resolve(name);
            byte[] whole = Files.readAllBytes(file);
            List<byte[]> damaged = new ArrayList<>(List.of(Arrays.copyOf(whole, whole.length / 2), new byte[0],
                    Arrays.copyOf(whole, whole.length + 1)));
            if (!name.equals("manifest.json")) {
                byte[] flipped = whole.clone();
                flipped[random.nextInt(whole.length)] ^= 1 << random.nextInt(8);
                damaged.add(flipped);
            }
            for (byte[] bytes : damaged) {
                Files.write(file, bytes);
                warnings.clear();
                Checkpoints.Checkpoint found = new Checkpoints(checkpoints(), AtomicFiles.onDisk(), 2)
                        .latest(warnings::add);
                assertEquals(4, found.state().step(), name);
                assertTrue(warnings.get(0).contains(newest + " IS DAMAGED AND PASSED OVER"), warnings.get(0));
                damages++;
            }
            Files.delete(file);
            assertEquals(4, new Checkpoints(checkpoints(), AtomicFiles.onDisk(), 2).latest(warnings::add).state().step());
            Files.write(file, whole);
        }
        assertEquals(19, damages);
        Files.write(newest.resolve("weights.safetensors"), new byte[9]);
        warnings.clear();
        assertArrayEquals(uninterrupted, finish());
        assertEquals(List.of(4L), resumedFrom);
        assertEquals(1, warnings.size());
    }

    /** A flipped byte in the manifest is either noticed or harmless: never is a wrong state loaded. */
    @Test
    void anyFlippedByteOfTheManifestIsNoticedOrHarmless() throws IOException {
        stopAfter(5);
        Path manifest = checkpoints().resolve("step-000004").resolve("manifest.json");
        byte[] whole = Files.readAllBytes(manifest);
        int noticed = 0;
        for (int i = 0; i < whole.length; i += 7) {
            byte[] flipped = whole.clone();
            flipped[i] ^= 1;
            Files.write(manifest, flipped);
            warnings.clear();
            Checkpoints.Checkpoint found = new Checkpoints(checkpoints(), AtomicFiles.onDisk(), 2).latest(warnings::add);
            assertEquals(warnings.isEmpty() ? 4 : 2, found.state().step());
            noticed += warnings.size();
        }
        assertTrue(noticed > whole.length / 14, noticed + " of " + whole.length / 7);
    }

    @Test
    void refusesWhenEveryCheckpointIsDamaged() throws IOException {
        stopAfter(5);
        for (String name : names()) {
            Files.delete(checkpoints().resolve(name).resolve("manifest.json"));
        }
        String message = assertThrows(FinetuneException.class, this::finish).getMessage();
        assertTrue(message.startsWith("none of the 2 checkpoints in " + checkpoints() + " is whole"), message);
    }

    @Test
    void refusesTheCheckpointsOfAnotherJobAndSaysWhatDiffers() {
        stopAfter(5);
        TrainSettings other = BigramJobs.settings().evaluateEvery(3).seed(8).learningRate(0.04).build();
        String message = assertThrows(FinetuneException.class,
                () -> BigramJobs.train(BigramJobs.job(other, folder), TrainingListener.NONE)).getMessage();
        assertTrue(message.contains("train.seed was 7, is 8"), message);
        assertTrue(message.contains("train.learningRate was 0.05, is 0.04"), message);
        assertFalse(message.contains("train.clip"), message);
        TrainingJob job = BigramJobs.job(SETTINGS, folder);
        TrainingJob otherData = new TrainingJob(SETTINGS, job.learningRate(), job.reduction(), BigramJobs.samples(40, 9),
                null, folder, job.identity(), "{}");
        message = assertThrows(FinetuneException.class,
                () -> BigramJobs.train(otherData, TrainingListener.NONE)).getMessage();
        assertTrue(message.contains("\n  data was "), message);
        // How often to save and evaluate changes no weight, so that it may differ.
        assertArrayEquals(uninterrupted, BigramJobs.train(BigramJobs.job(BigramJobs.settings().checkpointEvery(4)
                .keepCheckpoints(1).build(), folder), TrainingListener.NONE));
    }

    @Test
    void aFinishedRunIsNotTrainedAgain() {
        assertArrayEquals(uninterrupted, finish());
        assertArrayEquals(uninterrupted, finish());
        assertEquals(List.of(15L), resumedFrom);
    }

    /** Broken variants of the state, which the law must catch: data off by one sample, and a step too many or too few. */
    @Test
    void aStateOffByOneEndsWithOtherBits() {
        for (int kind = 0; kind < 2; kind++) {
            folder = folder.resolve("variant" + kind);
            stopAfter(5);
            Checkpoints store = new Checkpoints(checkpoints(), AtomicFiles.onDisk(), 2);
            Checkpoints.Checkpoint found = store.latest(warnings::add);
            BigramEngine engine = new BigramEngine();
            AdamW optimizer = new AdamW(engine, BigramJobs.KERNELS, SETTINGS);
            Map<String, INDArray> weights = named(engine, engine.weights(), "");
            Map<String, INDArray> moments = named(engine, optimizer.firstMoment(), ".first");
            moments.putAll(named(engine, optimizer.secondMoment(), ".second"));
            found.readInto(weights, moments);
            CheckpointState state = found.state();
            DataPosition position = state.position();
            store.write(new CheckpointState(5, 5, kind == 0 ? new DataPosition(position.epoch(), position.index() + 1)
                    : position, state.identity(), "{}", Map.of(), Map.of()), weights, moments, found.metrics());
            assertFalse(Arrays.equals(uninterrupted, finish()));
        }
    }

    private static Map<String, INDArray> named(GradientEngine engine, INDArray flat, String suffix) {
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        engine.slices().forEach(slice -> arrays.put(slice.name() + suffix, slice.of(flat)));
        return arrays;
    }

    @Test
    void refusesArraysOfAnotherShapeWithoutReadingAny() {
        stopAfter(5);
        Checkpoints.Checkpoint found = new Checkpoints(checkpoints(), AtomicFiles.onDisk(), 2).latest(warnings::add);
        BigramEngine engine = new BigramEngine();
        float[] before = engine.weights().toFloatVector();
        Map<String, INDArray> weights = new LinkedHashMap<>();
        weights.put("bigram.table", engine.slices().get(0).of(engine.weights()));
        weights.put("bigram.bias", org.nd4j.linalg.factory.Nd4j.zeros(11));
        String message = assertThrows(RuntimeException.class, () -> found.readInto(weights, null)).getMessage();
        assertTrue(message.contains("its 2 arrays are not the 2 that train now"), message);
        assertArrayEquals(before, engine.weights().toFloatVector());
    }
}
