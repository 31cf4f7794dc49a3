package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.generation.Depth;
import org.finetune4j.generation.TextListener;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.OneTokenRollout;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.objective.Sorted;
import org.finetune4j.methods.objective.Undesirable;
import org.finetune4j.methods.select.BatchMethod;
import org.finetune4j.methods.select.Demask;
import org.finetune4j.methods.select.QTuning;
import org.finetune4j.methods.select.Uds;
import org.finetune4j.tokenizer.BpeTrainer;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.TokenizerSettings;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

/** Whole jobs with methods that decide in every step what is learned. */
class BatchMethodJobTest {
    @TempDir
    static Path models;

    private static Path base;

    @TempDir
    Path folder;

    private final List<TrainingListener.StepEvent> steps = new ArrayList<>();
    private final List<Map<String, String>> reports = new ArrayList<>();

    private final TrainingListener listener = new TrainingListener() {
        @Override
        public void stepMade(StepEvent event) {
            steps.add(event);
        }

        @Override
        public void selected(Map<String, String> report) {
            reports.add(report);
        }
    };

    @BeforeAll
    static void writeBase() {
        base = SmallModel.write(models.resolve("base"), DataType.FLOAT);
        new BpeTrainer(280, List.of("<|im_start|>", "<|im_end|>", "<|reserved_0|>"), true)
                .train(Stream.of("Turn round: abc", "user", "assistant", "cba"))
                .save(base, new TokenizerSettings(null, "<|im_end|>", null, SmallModel.CHAT_ML, SmallModel.CONTEXT));
    }

    private FineTuning.Builder job(Objective objective, TrainSettings.Builder settings, BatchMethod... methods) {
        FineTuning.Builder builder = FineTuning.builder(new BaseModel.Pretrained(base),
                SmallModel.samples("train", 24, 1), objective).train(settings.build());
        List.of(methods).forEach(builder::batchMethod);
        return builder;
    }

    private static TrainSettings.Builder settings() {
        return TrainSettings.builder().maxSteps(4).tokensPerBatch(300).learningRate(0.01).checkpointEvery(2);
    }

    private static Uds uds() {
        return new Uds(1, 2, 1e-3, 64, 4, 16, 0, Uds.Scaling.OFFICIAL, Uds.Score.UTILITY_DIVERSITY);
    }

    @Test
    void whatIsChosenInEveryStepIsPlannedLoggedSavedAndHeldTo() throws IOException {
        FineTuning job = job(new Sft(), settings(), uds()).runFolder(folder.resolve("run")).build();
        assertEquals(List.of(), job.plan().problems());
        assertTrue(job.plan().stages().get(1).contains("with sft on train, in every step by way of uds, 4 steps"),
                job.plan().stages().toString());
        try (FineTuned tuned = job.run(listener)) {
            double kept = tuned.lastStep().values().get("uds.kept");
            assertTrue(kept >= 0.5 && kept < 0.7, "kept " + kept);
            tuned.save(folder.resolve("model"));
        }
        var provenance = new ObjectMapper().readTree(folder.resolve("model/finetune.json").toFile());
        assertEquals("uds", provenance.at("/selectors/0/name").asText());
        assertTrue(Files.readString(folder.resolve("model/README.md")).contains("2510.16882"));
        String message = assertThrows(FinetuneException.class, () -> job(new Sft(), settings(), new QTuning(.5, .5))
                .runFolder(folder.resolve("run")).build().run(listener)).getMessage();
        assertTrue(message.contains("select in every step was [uds{keep=1, of=2"), message);
    }

    @Test
    void whatStaysIsCountedBySourceWhereThereAreSeveral() {
        DataSource few = SmallModel.samples("few", 6, 2);
        DataSource many = SmallModel.samples("many", 18, 3);
        List<Sample> both = Stream.concat(few.samples().stream(), many.samples().stream()).toList();
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), DataSource.of("both", both), new Sft())
                .train(settings().tokensPerBatch(2000).build()).batchMethod(uds()).build();
        job.run(listener).close();
        assertEquals(4, steps.size());
        for (TrainingListener.StepEvent step : steps) {
            // Every step sees all 24, and of each the better half stays.
            assertEquals(12, step.values().get("kept.few") + step.values().get("kept.many"), step.values().toString());
            assertTrue(step.values().get("kept.few") <= 6, step.values().toString());
        }
        steps.clear();
        job(new Sft(), settings(), uds()).build().run(listener).close();
        assertTrue(steps.get(0).values().keySet().stream().noneMatch(name -> name.startsWith("kept.")));
    }

    @Test
    void samplesOfAStepAreCountedByTheFilesThatTheyBeginWith() {
        Example one = new Example("a.jsonl:1", new int[2], new boolean[2]);
        Example other = new Example("C:b.jsonl:7#2", new int[2], new boolean[2]);
        KeptBySource sources = KeptBySource.of(List.of(one, other, new Example("unnamed", new int[2], new boolean[2])));
        assertEquals(Map.of("kept.a.jsonl", 2.0, "kept.C:b.jsonl", 1.0, "kept.others", 0.0),
                sources.counts(List.of(List.of(one, other), List.of(), List.of(one))));
        List<Example> files = IntStream.range(0, 17).mapToObj(i -> new Example(i + ".jsonl:1", new int[2],
                new boolean[2])).toList();
        assertEquals(Map.of(), KeptBySource.of(files).counts(List.of(files)));
    }

    @Test
    void thePlanRefusesWhatDoesNotFit() {
        assertEquals(List.of("select: qTuning and uds each choose among the samples of every step, but the second "
                + "would choose "
                + "from what the first left of a batch that both count on. Keep one of them."),
                job(new Sft(), settings(), new QTuning(.5, .5), uds()).build().plan().problems());
        List<String> problems = job(new Sft(), settings().tokensPerBatch(90), new QTuning(.125,
                .5)).build().plan().problems();
        assertEquals(1, problems.size());
        assertTrue(problems.get(0).startsWith("select: qTuning: batch too small for samples=0.125: a micro-batch has "
                + "about "),
                problems.get(0));
        assertTrue(job(new Sft(), settings(), new Uds(1, 8)).build().plan().problems().isEmpty());
        assertEquals(List.of("objective: sorted has the exit 3, but the model has only 2 blocks. Leave it out."),
                job(new Sorted(List.of(1, 3)), settings()).build().plan().problems());
        assertEquals(List.of("objective: undesirable is to look at the hidden states 3 to the last, but the model has "
                + "0 to 2. "
                        + "Lower lowest or highest."),
                job(new Undesirable(new Sft(), Undesirable.Via.WEIGHTS, .1, 5, 1, 3, -1, Undesirable.Detach.CLEAN,
                        Undesirable.OverElements.MEAN), settings()).build().plan().problems());
    }

    @Test
    void copiesAreMaskedBeforeTokensAreChosen() {
        FineTuning job = job(new Sorted(List.of(1, 2)), settings().tokensPerBatch(600), new Demask(.2, .8,
                Demask.Mode.SAMPLE,
                Demask.Draw.PER_BATCH, "", "?", ":", .5, true), new QTuning(.5,
                .5)).runFolder(folder.resolve("run")).build();
        assertEquals(List.of(), job.plan().problems());
        try (FineTuned tuned = job.run(listener)) {
            assertEquals("<|reserved_0|>", reports.get(0).get("mask token"));
            assertEquals(24, Integer.parseInt(reports.get(0).get("laid out to be restored"))
                    + Integer.parseInt(reports.get(0).get("left as they are")));
            Map<String, Double> values = tuned.lastStep().values();
            assertTrue(values.get("demask.ratio") > .2 && values.get("demask.ratio") < .8);
            assertTrue(values.get("qTuning.kept") <= .5 && values.containsKey("exit1.nll"), values.toString());
            String whole = tuned.generate("Turn round: ab");
            tuned.depth(new Depth.ExitAt(1));
            String early = tuned.generate("Turn round: ab");
            assertThrows(FinetuneException.class, () -> tuned.depth(new Depth.ExitAt(3)));
            tuned.depth(Depth.WHOLE);
            assertEquals(whole, tuned.generate("Turn round: ab"));
            assertEquals(Map.of(), tuned.decidedBehind());
            tuned.depth(new Depth.SelfSpeculative(1, 4));
            assertEquals(whole, tuned.generate("Turn round: ab"));
            long all = tuned.decidedBehind().values().stream().mapToLong(Long::longValue).sum();
            tuned.depth(new Depth.ConfidenceExit(Map.of(1, 0.0)));
            assertEquals(early, tuned.generate("Turn round: ab"));
            assertEquals(0, tuned.decidedBehind().get(2));
            tuned.depth(new Depth.ConfidenceExit(Map.of(1, 1.0)));
            assertEquals(whole, tuned.generate("Turn round: ab"));
            assertEquals(Map.of(1, 0L, 2, all), tuned.decidedBehind());
            assertTrue(assertThrows(FinetuneException.class, () -> tuned.generate(List.of(new Message("user", "ab")),
                    tuned.generation().beams(2).build(), TextListener.NONE)).getMessage().contains("Set beams to 1"));
        }
        assertEquals(4, steps.size());
    }

    @Test
    void whatIsUnusualAboutTheObjectiveIsPlannedAndTold() {
        List<String> told = new ArrayList<>();
        FineTuning job = job(new OneTokenRollout(2, 0.5, -0.1), settings().maxSteps(1)).build();
        String note = new OneTokenRollout(2, 0.5, -0.1).notes().get(0);
        assertTrue(job.plan().data().notes().contains("objective: " + note), job.plan().data().notes().toString());
        job.run(new TrainingListener() {
            @Override
            public void warned(String message) {
                told.add(message);
            }
        }).close();
        assertTrue(told.contains(note), told.toString());
    }

    @Test
    void statesAreDrawnInAWholeJob() {
        for (Undesirable.Via via : Undesirable.Via.values()) {
            steps.clear();
            try (FineTuned tuned = job(new Undesirable(new Sft(), via), settings()).build().run(listener)) {
                assertTrue(tuned.lastStep().values().get("undesirable") > 0);
            }
            assertTrue(steps.get(3).values().get("nll") < steps.get(0).values().get("nll"));
        }
    }
}
