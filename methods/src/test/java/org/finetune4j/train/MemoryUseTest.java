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
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;

/** How a run chooses what it computes again, and that this changes nothing but memory. */
class MemoryUseTest {
    private static final int BLOCKS = 6;
    private static final ModelConfig CONFIG = ModelConfig.llama(500, 64, 96, BLOCKS, 4, 2, 16, 1e-5, 10000, 512, true, null,
            List.of(), DataType.FLOAT, 0.1);
    private static Kernels kernels;

    @BeforeAll
    static void open() {
        kernels = new OneDnnKernels();
    }

    @AfterAll
    static void close() {
        kernels.close();
    }

    private static MemoryEstimate estimate(TrainSettings.Builder settings, long available) {
        return new MemoryPlanner(CONFIG, settings.precision(Precision.BF16).build(), null, new Sft().tokenLoss(), null,
                MemoryPlanner.Beside.NOTHING, kernels,
                new MemoryPlanner.Batch(1024, 512, 4), available).choose().memory();
    }

    @Test
    void autoComputesNoMoreAgainThanMustBe() {
        MemoryEstimate fastest = estimate(TrainSettings.builder().memory(MemoryUse.FASTEST), 0);
        MemoryEstimate smallest = estimate(TrainSettings.builder().memory(MemoryUse.SMALLEST), 0);
        assertEquals(0, fastest.recomputedBlocks());
        assertEquals(BLOCKS - 1, smallest.recomputedBlocks());
        assertEquals(fastest, withAvailable(estimate(TrainSettings.builder(), Long.MAX_VALUE), 0));
        MemoryEstimate last = fastest;
        List<String> seen = new ArrayList<>();
        for (int percent = 100; percent >= -10; percent -= 10) {
            long wanted = smallest.totalBytes() + (fastest.totalBytes() - smallest.totalBytes()) * percent / 100;
            MemoryEstimate chosen = estimate(TrainSettings.builder(), (long) (wanted / 0.97) + 2);
            seen.add(chosen.cheapRecomputed() + " " + chosen.recomputedBlocks());
            assertEquals(percent >= 0, chosen.fits());
            assertTrue(chosen.totalBytes() <= last.totalBytes() && chosen.moreProducts() >= last.moreProducts());
            if (chosen.recomputedBlocks() > 0) {
                MemoryEstimate oneLess = estimate(TrainSettings.builder().recomputedBlocks(chosen.recomputedBlocks() - 1),
                        chosen.availableBytes());
                assertFalse(oneLess.fits(), "one block less would have fitted");
            }
            last = chosen;
        }
        assertEquals("false 0", seen.get(0));
        assertTrue(seen.contains("true 0"), seen.toString());
        assertTrue(seen.stream().distinct().count() >= 5, seen.toString());
        assertTrue(smallest.moreProducts() > 0.1 && smallest.moreProducts() < 1.0 / 3, smallest.toString());
    }

    @Test
    void copiesOfFrozenWeightsTakeHalfOfWhatIsLeftAtMost() {
        Assumptions.assumeTrue(kernels.heldForGradientsBytes(DataType.BFLOAT16, 64, 64) > 0);
        MemoryEstimate none = withAdapter(MemoryUse.FASTEST, 0);
        assertEquals(0, none.copyBytes());
        MemoryEstimate all = withAdapter(MemoryUse.AUTO, 1L << 40);
        // Seven layers a block, but for those of the first whose input no gradient passes.
        long blocks = BLOCKS * 4L * 64 * 64;
        assertTrue(all.copyBytes() > blocks && all.copyBytes() < 4 * blocks, all.copyBytes() + " beside " + blocks);
        assertEquals(all.copyBytes(), all.totalBytes() - none.totalBytes());
        assertEquals(all.copyBytes(), all.options().copyBytes());
        for (long free : new long[] {1000, all.copyBytes()}) {
            MemoryEstimate some = withAdapter(MemoryUse.FASTEST, (long) ((none.totalBytes() + free) / 0.97) + 1);
            assertEquals(free / 2.0, some.copyBytes(), 2);
            assertTrue(some.fits());
        }
        assertEquals(0, withAdapter(MemoryUse.SMALLEST, 1L << 40).copyBytes());
        assertEquals(0, estimate(TrainSettings.builder(), 1L << 40).copyBytes(), "everything trains");
    }

    private static MemoryEstimate withAdapter(MemoryUse use, long available) {
        return new MemoryPlanner(CONFIG, TrainSettings.builder().memory(use).precision(Precision.BF16).build(),
                new Lora(8, 16, 0, Lora.ALL_LINEAR), new Sft().tokenLoss(), null, MemoryPlanner.Beside.NOTHING, kernels,
                new MemoryPlanner.Batch(1024, 512, 4), available).choose().memory();
    }

    private static MemoryEstimate withAvailable(MemoryEstimate memory, long available) {
        return new MemoryEstimate(memory.parameterBytes(), memory.optimizerBytes(), memory.activationBytes(),
                memory.headBytes(), memory.referenceBytes(), memory.passBytes(), memory.copyBytes(),
                memory.cacheBytes(), memory.generationBytes(),
                memory.otherBytes(), memory.programBytes(), available, memory.cheapRecomputed(),
                memory.recomputedBlocks(), memory.blocks(), memory.moreProducts());
    }

    @Test
    void aNumberOfBlocksIsTakenAsFarAsThereAreBlocks() {
        assertEquals(2, estimate(TrainSettings.builder().recomputedBlocks(2), 0).recomputedBlocks());
        assertEquals(BLOCKS - 1, estimate(TrainSettings.builder().recomputedBlocks(99), 0).recomputedBlocks());
        assertEquals(List.of("train.recomputedBlocks is -1, but must be at least 0."),
                TrainSettings.builder().recomputedBlocks(-1).build().problems());
    }

    @ParameterizedTest
    @EnumSource(names = {"F32", "BF16"})
    void theMemoryOfAnswersIsWhatGenerationTakes(Precision precision) {
        Assumptions.assumeTrue(kernels.supports(precision.type()));
        int prompts = 5;
        int[] prompt = new Random(1).ints(40, 0, CONFIG.vocabularySize()).toArray();
        DecodingEngine.Forecast forecast = GenerationMemory.forecast(CONFIG, precision, FrozenWeights.AS_ACTIVATIONS, null, kernels,
                prompts, prompt.length, 24);
        try (LanguageModel model = LanguageModel.random(CONFIG, precision, kernels, 1);
                DecodingEngine engine = new DecodingEngine(model, true)) {
            engine.begin(prompts, prompt.length + 24);
            engine.feed(IntStream.range(0, prompts).mapToObj(slot -> new DecodingEngine.Feed(slot, prompt)).toList());
            assertEquals(engine.cacheBytes(), forecast.cacheBytes());
            assertEquals(engine.arenaBytes(), forecast.arenaBytes());
            assertEquals(prompts * 64L * 2 * BLOCKS * 2 * 16 * precision.type().width(), forecast.cacheBytes());
            try (HeldWeights held = engine.holdWeights()) {
                assertEquals(held.bytes(), forecast.copyBytes());
            }
        }
        MemoryEstimate training = new MemoryEstimate(100, 10, 20, 5, 0, 0, 0, 0, 0, 0, 7, 1000, false, 0, 6, 0);
        assertEquals(142, training.totalBytes());
        MemoryEstimate both = training.withGeneration(new DecodingEngine.Forecast(40, 2, 3));
        assertTrue(both.generationRules() && both.totalBytes() == 152);
        assertEquals(142, training.withGeneration(new DecodingEngine.Forecast(4, 2, 3)).totalBytes());
        assertEquals(149, training.withGeneration(new DecodingEngine.Forecast(4, 2, 3)).withOthers(33).totalBytes());
    }

    @Test
    void freeMemoryAndTheOwnAddUp(@TempDir Path proc) throws IOException {
        Files.createDirectories(proc.resolve("self"));
        Files.writeString(proc.resolve("meminfo"), "MemTotal:       8000 kB\nMemAvailable:   5000 kB\n");
        assertEquals(7, ProcessMemory.freeAndOwn(proc, 7), "without a status");
        Files.writeString(proc.resolve("self/status"), "Name:\tjava\nVmRSS:\t   300 kB\n");
        assertEquals(5300 * 1024, ProcessMemory.freeAndOwn(proc, 7));
        assertTrue(ProcessMemory.availableBytes() > 100L << 20);
    }

    @Test
    void aModelThatFitsInNoWayIsRefusedWithNumbersAndAMend(@TempDir Path folder) throws IOException {
        SmallModel.writeUntrained(folder.resolve("base"), DataType.FLOAT);
        Path file = folder.resolve("base").resolve(ModelConfig.FILE_NAME);
        Files.writeString(file, ModelConfig.llama(288, 65536, 262144, 40, 64, 64, 1024, 1e-5, 10000, SmallModel.CONTEXT,
                true, null, List.of(), DataType.FLOAT, 0.02).toJson());
        Plan plan = FineTuning.builder(new BaseModel.Fresh(folder.resolve("base"), 1), SmallModel.samples("train", 9, 1),
                new Sft()).build().plan();
        assertEquals(1, plan.problems().size(), plan.problems().toString());
        String problem = plan.problems().get(0);
        assertTrue(problem.startsWith("train.memory: training needs ") && problem.contains("39 of 40 blocks recomputed")
                && problem.contains("MiB are available. Choose fewer tokensPerBatch, an adapter such as lora()"), problem);
    }

    @Test
    void aRunContinuesBitForBitWithOtherMemory(@TempDir Path folder) {
        Path base = SmallModel.write(folder.resolve("base"), DataType.FLOAT);
        float[] whole = weights(run(base, folder.resolve("whole"), MemoryUse.FASTEST, -1), folder.resolve("a"));
        Path changed = folder.resolve("changed");
        assertThrows(FinetuneException.class, () -> run(base, changed, MemoryUse.SMALLEST, 3).close());
        assertArrayEquals(whole, weights(run(base, changed, MemoryUse.FASTEST, -1), folder.resolve("b")));
    }

    private static FineTuned run(Path base, Path folder, MemoryUse memory, long last) {
        return FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 24, 1), new Sft())
                .adapter(new Lora(4, 8, 0.1, Lora.ALL_LINEAR)).runFolder(folder).train(TrainSettings.builder().maxSteps(6)
                        .tokensPerBatch(300).learningRate(0.01).checkpointEvery(2).memory(memory).build())
                .build().run(new TrainingListener() {
                    private long step;

                    @Override
                    public void stepMade(StepEvent event) {
                        step = event.step();
                    }

                    @Override
                    public boolean stopRequested() {
                        return step == last;
                    }
                });
    }

    private static float[] weights(FineTuned tuned, Path folder) {
        tuned.saveAdapter(folder);
        tuned.close();
        try (var file = org.finetune4j.checkpoint.SafetensorsFile.open(folder.resolve("adapter_model.safetensors"))) {
            String name = file.names().stream().filter(key -> key.contains("lora_B")).findFirst().orElseThrow();
            return file.read(name, DataType.FLOAT).ravel().toFloatVector();
        }
    }
}
