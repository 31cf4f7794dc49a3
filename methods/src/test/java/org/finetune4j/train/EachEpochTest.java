package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.objective.Discriminative;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.BranchFilter;
import org.finetune4j.methods.select.Demask;
import org.finetune4j.methods.select.EachEpoch;
import org.finetune4j.methods.select.EpochSelector;
import org.finetune4j.methods.select.Grape;
import org.finetune4j.methods.select.Ssr;
import org.finetune4j.methods.select.Uds;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Selectors that choose anew at the start of every pass. */
class EachEpochTest {
    @TempDir
    Path folder;
    private Path base;
    private final List<Map<String, String>> reports = new ArrayList<>();
    private final List<TrainingListener.StepEvent> steps = new ArrayList<>();

    /** Stands for whatever ends a run. */
    private static final class Stop extends Error {
        private static final long serialVersionUID = 1L;
    }

    private TrainingListener listener(long last) {
        return new TrainingListener() {
            @Override
            public void selected(Map<String, String> report) {
                reports.add(report);
            }

            @Override
            public void stepMade(StepEvent event) {
                steps.add(event);
                if (event.step() == last) {
                    throw new Stop();
                }
            }
        };
    }

    @BeforeEach
    void write() {
        base = SmallModel.write(folder.resolve("base"), DataType.FLOAT);
    }

    private FineTuning.Builder job(int epochs) {
        return FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.candidates("pool", 16, 1), new Sft())
                .adapter(new Lora(4, 8, 0.1, Lora.ALL_LINEAR)).train(TrainSettings.builder().epochs(epochs).tokensPerBatch(160)
                        .learningRate(0.05).checkpointEvery(1).build());
    }

    private static EpochSelector unlikely() {
        return new Grape("responses", 1, true, 2, Grape.BelowMinimum.REFUSE, Grape.Order.LOWEST, 0);
    }

    private static float[] weights(FineTuned tuned, Path folder) {
        tuned.save(folder);
        tuned.close();
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("model.safetensors"))) {
            return file.read("model.layers.1.self_attn.q_proj.weight", DataType.FLOAT).ravel().toFloatVector();
        }
    }

    @Test
    void inOnePassItIsTheChoiceBeforeTheTraining() {
        float[] before = weights(job(1).selector(unlikely()).build().run(listener(-1)), folder.resolve("a"));
        float[] within = weights(job(1).epochSelector(unlikely()).build().run(listener(-1)), folder.resolve("b"));
        assertArrayEquals(before, within);
        assertEquals(reports.get(0), reports.get(1));
    }

    @Test
    void everyPassChoosesByItsOwnWeightsAndEndsWithTheSchedule() {
        try (FineTuned tuned = job(3).epochSelector(unlikely()).build().run(listener(-1))) {
            assertEquals(3, reports.size());
            // What was unlikely has been learned, so that something else is now.
            assertNotEquals(reports.get(0), reports.get(1));
            TrainingListener.StepEvent last = steps.get(steps.size() - 1);
            assertEquals(last.totalSteps(), last.step());
            assertTrue(last.learningRate() < 0.05 * 0.05, "the schedule ends with the run");
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 8, 9, 14})
    void aRunThatIsStoppedAnywhereEndsWithTheSameBits(int stop) {
        float[] whole = weights(job(3).epochSelector(unlikely()).build().run(listener(-1)), folder.resolve("a"));
        List<TrainingListener.StepEvent> made = List.copyOf(steps);
        assertTrue(made.size() > 14, made.size() + " steps");
        assertThrows(Stop.class, () -> job(3).epochSelector(unlikely()).runFolder(folder.resolve("run")).build()
                .run(listener(stop)));
        steps.clear();
        assertArrayEquals(whole, weights(job(3).epochSelector(unlikely()).runFolder(folder.resolve("run")).build()
                .run(listener(-1)), folder.resolve("b")));
        assertEquals(made.get(made.size() - 1).totalSteps(), steps.get(steps.size() - 1).totalSteps());
        assertEquals(made.get(made.size() - 2).learningRate(), steps.get(steps.size() - 2).learningRate());
    }

    @Test
    void aFinishedRunChoosesNothingMore() {
        job(2).epochSelector(unlikely()).runFolder(folder.resolve("run")).build().run(listener(-1)).close();
        int made = reports.size();
        job(2).epochSelector(unlikely()).runFolder(folder.resolve("run")).build().run(listener(-1)).close();
        assertEquals(made, reports.size());
    }

    @Test
    void otherCandidatesAreAnotherJob() {
        job(1).epochSelector(unlikely()).runFolder(folder.resolve("run")).build().run(listener(-1)).close();
        String message = assertThrows(FinetuneException.class, () -> job(1).epochSelector(new Grape())
                .runFolder(folder.resolve("run")).build().run(listener(-1))).getMessage();
        assertTrue(message.contains("\n  select in each pass was [grape{"), message);
    }

    @Test
    void ownAnswersAreAskedOfTheWeightsOfThePass() {
        FineTuning job = job(2).selector(new Grape()).epochSelector(new Ssr(new ExactAnswer(), "answerable",
                Ssr.Route.SELF_ONLY, 0, 1, 4, 0)).runFolder(folder.resolve("run")).build();
        Plan plan = job.plan();
        assertEquals(List.of(), plan.problems());
        assertTrue(plan.stages().contains("select with grape from pool"), plan.stages().toString());
        assertTrue(plan.stages().contains("at the start of every pass, select with ssr from what is left"),
                plan.stages().toString());
        assertTrue(plan.models().stream().anyMatch(model -> model.startsWith(
                "the policy as it is at the start of each pass: at most 32 requests for answers")), plan.models().toString());
        job.run(listener(-1)).close();
        assertEquals(3, reports.size());
        assertNotEquals(reports.get(1).get("mean log-probability a token, responses"),
                reports.get(2).get("mean log-probability a token, responses"));
    }

    /** The first candidate is the shortest, so that what is chosen is longer than what the plan has seen. */
    @Test
    void samplesAreChosenAmongInEveryStepToo() {
        EpochSelector longer = new Grape("responses", 1, false, 2, Grape.BelowMinimum.REFUSE, Grape.Order.LOWEST, 0);
        job(2).epochSelector(longer).batchMethod(new Uds(1, 2)).build().run(listener(-1)).close();
        assertTrue(steps.get(0).values().get("uds.kept") <= 0.67, steps.get(0).values().toString());
        assertTrue(reports.get(0).containsKey("from long"), reports.get(0).toString());
    }

    @Test
    void thePlanPricesWhatEveryPassAsks() {
        Plan once = job(2).selector(new Grape()).build().plan();
        Plan each = job(2).epochSelector(new Grape()).build().plan();
        Plan twice = job(4).epochSelector(new Grape()).build().plan();
        assertEquals(0, once.memory().passBytes());
        assertTrue(each.memory().passBytes() > 0);
        assertEquals(each.memory().passBytes(), twice.memory().passBytes());
        assertTrue(each.seconds() > 1.2 * once.seconds(), each.seconds() + " after " + once.seconds());
        assertEquals(2, twice.seconds() / each.seconds(), 0.1);
    }

    @Test
    void whatCannotChooseAnewIsRefused() {
        assertEquals(List.of("select: eachEpoch(grape()) chooses anew in every pass, but discriminative completes samples once "
                        + "before the training. Choose before the training, without eachEpoch, or leave one of the two out."),
                FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.candidates("pool", 16, 1),
                        Discriminative.METHOD.create(new Settings(Map.of()))).train(TrainSettings.builder().epochs(2).build())
                        .epochSelector(new Grape()).build().plan().problems());
        assertTrue(job(1).epochSelector(new Grape()).batchMethod(new Demask(.2, .8, Demask.Mode.SAMPLE, Demask.Draw.PER_BATCH,
                "", "?", ":", .5, true)).build().plan().problems().get(0).contains("but demask completes samples"));
        String message = assertThrows(FinetuneException.class, () -> EachEpoch.METHOD.create(new Settings(Map.of("selector",
                BranchFilter.METHOD.create(new Settings(Map.of())))))).getMessage();
        assertTrue(message.contains("'selector' is BranchFilter") && message.contains("must be one of [grape, s3ft, ssr]"),
                message);
        assertEquals("select: grape comes after ssr, which leaves one response for each prompt, so that grape has nothing to "
                + "choose. Write select(grape(...), ssr(...)), or keep one of them.", job(1).selector(new Ssr(new ExactAnswer()))
                .epochSelector(new Grape()).build().plan().problems().get(0));
    }

    /** Not of the base: a run that continues another is asked with the weights that it begins with. */
    @Test
    void aContinuedRunSelectsByTheWeightsThatItBeginsWith() {
        try (FineTuned first = job(3).runFolder(folder.resolve("first")).selector(unlikely()).build().run(listener(-1))) {
            first.save(folder.resolve("saved"));
        }
        reports.clear();
        job(1).continueFrom(folder.resolve("first")).selector(unlikely()).build().run(listener(-1)).close();
        job(1).selector(unlikely()).build().run(listener(-1)).close();
        base = folder.resolve("saved");
        job(1).selector(unlikely()).build().run(listener(-1)).close();
        List<Double> chosen = reports.stream().map(report -> Double.parseDouble(report.get(
                "mean log-probability a token, chosen"))).toList();
        assertEquals(chosen.get(2), chosen.get(0), 1e-3);
        assertTrue(Math.abs(chosen.get(1) - chosen.get(0)) > 0.05, chosen.toString());
    }

    @Test
    void aDamagedStateIsTold() {
        for (Path kept : new Path[] {null, folder}) {
            SelectionEachEpoch choice = new SelectionEachEpoch(null, List.of(), kept);
            for (String state : List.of("AAAA", "1 " + "0".repeat(64), "-1 ")) {
                assertTrue(assertThrows(FinetuneException.class, () -> choice.restore(state)).getMessage()
                        .contains("is damaged, or what was chosen"));
            }
        }
    }
}
