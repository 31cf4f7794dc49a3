package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.head.TokenValues;
import org.finetune4j.data.Example;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.model.PackedBatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class TrainerTest {
    @TempDir
    Path folder;

    private static final List<Example> EIGHT = BigramJobs.samples(8, 3).examples();

    private static float[] gradient(List<PackedBatch> batches) {
        BigramEngine engine = new BigramEngine();
        // One dropout seed for all, because this law is about the normaliser.
        batches.forEach(batch -> engine.accumulateGradient(batch, 5));
        return engine.gradient().toFloatVector();
    }

    @ParameterizedTest
    @EnumSource(Reduction.class)
    void oneBatchOfEightIsMicroBatchesOfOneThreeAndFour(Reduction reduction) {
        List<List<Example>> split = List.of(EIGHT.subList(0, 1), EIGHT.subList(1, 4), EIGHT.subList(4, 8));
        float[] whole = gradient(StepBatches.of(List.of(EIGHT), reduction));
        assertEquals(0, Vectors.distance(whole, gradient(StepBatches.of(split, reduction))), 1e-5);
    }

    /** The classic bug, which the law above must catch: each micro-batch is averaged by itself. */
    @ParameterizedTest
    @EnumSource(Reduction.class)
    void theMeanOfMicroBatchMeansBreaksTheLaw(Reduction reduction) {
        List<PackedBatch> each = new ArrayList<>();
        for (List<Example> part : List.of(EIGHT.subList(0, 1), EIGHT.subList(1, 4), EIGHT.subList(4, 8))) {
            PackedBatch alone = StepBatches.of(List.of(part), reduction).get(0);
            float[] thirds = alone.weights().clone();
            for (int i = 0; i < thirds.length; i++) {
                thirds[i] /= 3;
            }
            each.add(new PackedBatch(alone.ids(), alone.positions(), alone.offsets(), alone.supervisedRows(),
                    alone.labels(), thirds));
        }
        assertTrue(Vectors.distance(gradient(StepBatches.of(List.of(EIGHT), reduction)), gradient(each)) > 1e-2);
    }

    @Test
    void learnsAndTellsWhatItDoes() throws IOException {
        List<TrainingListener.StepEvent> steps = new ArrayList<>();
        List<TrainingListener.EvaluationEvent> evaluations = new ArrayList<>();
        TrainSettings settings = BigramJobs.settings().epochs(10).evaluateEvery(10).checkpointEvery(0).build();
        BigramEngine engine = new BigramEngine();
        Trainer.Outcome outcome = new Trainer(engine, BigramJobs.KERNELS, BigramJobs.job(settings, folder),
                AtomicFiles.onDisk(), new TrainingListener() {
                    @Override
                    public void stepMade(StepEvent event) {
                        steps.add(event);
                    }

                    @Override
                    public void evaluated(EvaluationEvent event) {
                        evaluations.add(event);
                    }
                }).run();
        long total = steps.get(0).totalSteps();
        assertEquals(total, steps.size());
        assertEquals(total, outcome.lastStep().step());
        assertEquals(evaluations, outcome.evaluations());
        assertEquals(0, evaluations.get(0).step());
        assertEquals(total, evaluations.get(evaluations.size() - 1).step());
        assertTrue(evaluations.get(evaluations.size() - 1).loss() < 0.8 * evaluations.get(0).loss());
        assertEquals(steps.stream().mapToLong(TrainingListener.StepEvent::supervisedTokens).sum(),
                10 * BigramJobs.samples(40, 1).supervisedTokens());
        assertEquals(0, steps.get(steps.size() - 1).remainingSeconds());
        assertTrue(steps.get(0).learningRate() < 0.05 && steps.get((int) (total / 10)).learningRate() == 0.05);
        assertEquals(steps.size() + evaluations.size(), Files.readAllLines(folder.resolve("metrics.jsonl")).size());
        assertFalse(Files.exists(folder.resolve("checkpoints/step-000002")));
    }

    @Test
    void theSameSeedGivesTheSameBitsAndAnotherDoesNot() {
        float[] once = BigramJobs.train(BigramJobs.job(BigramJobs.settings().build(), null), TrainingListener.NONE);
        assertArrayEquals(once,
                BigramJobs.train(BigramJobs.job(BigramJobs.settings().build(), null), TrainingListener.NONE));
        assertTrue(Vectors.distance(once, BigramJobs.train(BigramJobs.job(BigramJobs.settings().seed(8).build(), null),
                TrainingListener.NONE)) > 1e-4);
    }

    /** A negative seed would turn dropout off, unheard. */
    @Test
    void everyMicroBatchHasDropoutOfItsOwn() {
        List<Long> seeds = new ArrayList<>();
        GradientEngine listening = new DelegatingEngine(new BigramEngine()) {
            @Override
            public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
                seeds.add(dropoutSeed);
                return super.accumulateGradient(batch, dropoutSeed);
            }
        };
        new Trainer(listening, BigramJobs.KERNELS, BigramJobs.job(BigramJobs.settings().build(), null),
                AtomicFiles.onDisk(), TrainingListener.NONE).run();
        assertTrue(seeds.stream().allMatch(seed -> seed >= 0), seeds.toString());
        assertEquals(seeds.size(), seeds.stream().distinct().count());
    }

    @Test
    void clipsTheWholeGradient() {
        // With a clip of next to nothing AdamW's epsilon rules the size of the update.
        float[] start = new BigramEngine().weights().toFloatVector();
        float[] clipped = BigramJobs.train(BigramJobs.job(BigramJobs.settings().maxSteps(1).weightDecay(0).clip(1e-12)
                .warmupFraction(0).build(), null), TrainingListener.NONE);
        float[] free = BigramJobs.train(BigramJobs.job(BigramJobs.settings().maxSteps(1).weightDecay(0)
                .warmupFraction(0).build(), null), TrainingListener.NONE);
        assertTrue(Vectors.distance(start, clipped) < 1e-3 * Vectors.distance(start, free));
    }

    @Test
    void theFirstUpdateIsTheFirstOneHoweverManyStepsLearnedNothing() {
        TrainSettings settings = BigramJobs.settings().maxSteps(4).weightDecay(0).clip(Double.POSITIVE_INFINITY)
                .warmupFraction(0).schedule(Schedule.CONSTANT).build();
        BatchStage late = (batches, step) -> step < 4 ? List.of() : batches;
        TrainingJob plain = BigramJobs.job(settings, folder);
        TrainingJob job = new TrainingJob(settings, 0.05, Reduction.TOKENS, plain.data(), null, folder, Map.of(), "{}",
                new StepRule(null, false, null, null, late, List.of()));
        float[] start = new BigramEngine().weights().toFloatVector();
        float[] moved = BigramJobs.train(job, TrainingListener.NONE);
        double largest = 0;
        for (int i = 0; i < start.length; i++) {
            largest = Math.max(largest, Math.abs(moved[i] - start[i]));
        }
        // The first step of Adam is as long as the learning rate; counted as the fourth it would be 0.58 of it.
        assertEquals(0.05, largest, 1e-4);
        Checkpoints.Checkpoint found = new Checkpoints(folder.resolve("checkpoints"), AtomicFiles.onDisk(), 2)
                .latest(warning -> { });
        assertEquals(4, found.state().step());
        assertEquals(1, found.state().updates());
    }

    @Test
    void decayLeavesOutWhatDoesNotDecay() {
        BigramEngine engine = new BigramEngine();
        engine.weights().assign(1);
        engine.zeroGradients();
        AdamW optimizer = new AdamW(engine, BigramJobs.KERNELS, TrainSettings.builder().weightDecay(0.5).build());
        optimizer.update(0.1, 1);
        float[] weights = engine.weights().toFloatVector();
        assertEquals(0.95f, weights[0], 1e-6f);
        assertEquals(1f, weights[weights.length - 1]);
    }

    @Test
    void refusesSettingsOutOfRangeAllAtOnce() {
        FinetuneException refusal = assertThrows(FinetuneException.class, () -> BigramJobs.train(
                BigramJobs.job(BigramJobs.settings().clip(-1).accumulate(0).build(), null), TrainingListener.NONE));
        assertTrue(refusal.getMessage().contains("train.clip") && refusal.getMessage().contains("train.accumulate"));
    }

    @Test
    void anInterruptedThreadStopsAtAStepAndKeepsIt() {
        TrainSettings settings = BigramJobs.settings().checkpointEvery(1000).build();
        FinetuneException stop = assertThrows(FinetuneException.class,
                () -> BigramJobs.train(BigramJobs.job(settings, folder), new TrainingListener() {
                    @Override
                    public void stepMade(StepEvent event) {
                        if (event.step() == 3) {
                            Thread.currentThread().interrupt();
                        }
                    }
                }));
        assertTrue(stop.getMessage().contains("interrupted after step 3"), stop.getMessage());
        assertTrue(Files.isDirectory(folder.resolve("checkpoints/step-000003")));
        assertArrayEquals(BigramJobs.train(BigramJobs.job(settings, null), TrainingListener.NONE),
                BigramJobs.train(BigramJobs.job(settings, folder), TrainingListener.NONE));
    }
}
