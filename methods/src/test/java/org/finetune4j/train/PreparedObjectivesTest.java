package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.Discriminative;
import org.finetune4j.methods.objective.FaultWeighted;
import org.finetune4j.methods.objective.KeyTokenSft;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.Poft;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.JsonText;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

/** Objectives that complete samples before the training, in whole runs. */
class PreparedObjectivesTest {
    @TempDir
    Path folder;

    private final List<Map<String, String>> reports = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();
    private final List<TrainingListener.StepEvent> steps = new ArrayList<>();

    private FineTuned run(Objective objective, DataSource data, String runFolder, int epochs) {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(SmallModel.write(folder.resolve("base"), DataType.FLOAT)),
                data, objective).train(TrainSettings.builder().epochs(epochs).tokensPerBatch(256).learningRate(1e-3).checkpointEvery(2)
                        .build())
                .evaluation(new Evaluation(SmallModel.samples("heldOut", 3, 9), List.of(), 4))
                .runFolder(folder.resolve(runFolder)).build();
        return job.run(new TrainingListener() {
            @Override
            public void selected(Map<String, String> report) {
                reports.add(report);
            }

            @Override
            public void warned(String message) {
                warnings.add(message);
            }

            @Override
            public void stepMade(StepEvent event) {
                steps.add(event);
            }
        });
    }

    private static DataSource scored(String... scores) {
        List<Sample> samples = new ArrayList<>();
        List<Sample> plain = SmallModel.samples("train", scores.length, 1).samples();
        for (int i = 0; i < scores.length; i++) {
            Sample sample = plain.get(i);
            Map<String, String> fields = new LinkedHashMap<>();
            if (scores[i] != null) {
                fields.put("alignedScores", scores[i]);
            }
            samples.add(new Sample(sample.id(), sample.messages(), List.of(), sample.answer(), fields));
        }
        return DataSource.of("train", samples);
    }

    @Test
    void poftTakesScoresOfTheDataAndLeavesOutSamplesWithoutOne() {
        Objective poft = Poft.METHOD.create(new Settings(Map.of()));
        try (FineTuned tuned = run(poft, scored("-1.5", null, "[-1, -2.0]", "NaN", "-3"), "a", 1)) {
            assertEquals("3", reports.get(0).get("samples with aligned scores"));
            assertEquals("2", reports.get(0).get("left out without one"));
            assertEquals("-2.0000", reports.get(0).get("mean aligned score"));
            assertTrue(steps.get(0).values().get("coefficient") > 0.5, "a random model is less sure than -2 a token");
            assertTrue(steps.get(0).values().containsKey("nll"));
        }
        String message = assertThrows(FinetuneException.class, () -> run(poft, scored(null, null), "b", 1)).getMessage();
        assertTrue(message.contains("poft needs aligned scores") && message.contains("'alignedScores'"), message);
        message = assertThrows(FinetuneException.class, () -> run(poft, scored("0.5"), "c", 1)).getMessage();
        assertTrue(message.contains("train:1") && message.contains("0.5"), message);
        message = assertThrows(FinetuneException.class, () -> run(poft, scored("good"), "d", 1)).getMessage();
        assertTrue(message.contains("'good'"), message);
    }

    @Test
    void poftCountsPromptsAsInTheCodeWhereAskedTo() {
        List<Long> learned = new ArrayList<>();
        List<Double> margins = new ArrayList<>();
        for (Poft.Tokens tokens : Poft.Tokens.values()) {
            steps.clear();
            try (FineTuned tuned = run(Poft.METHOD.create(new Settings(Map.of("tokens", tokens))), scored("-1.5", "-2"),
                    tokens.name(), 1)) {
                TrainingListener.StepEvent step = steps.get(0);
                learned.add(step.supervisedTokens());
                margins.add(step.values().get("margin"));
                if (tokens == Poft.Tokens.ALL) {
                    assertEquals(step.tokens(), step.supervisedTokens(), "every input token predicts one");
                }
            }
        }
        assertTrue(learned.get(1) > 2 * learned.get(0), learned.toString());
        assertTrue(Math.abs(margins.get(1) - margins.get(0)) > 1e-4, margins.toString());
    }

    @Test
    void poftAsksAlignedModelsAndOneOfThemTwiceIsTheSame() {
        Path aligned = SmallModel.write(folder.resolve("aligned"), DataType.BFLOAT16);
        DataSource data = SmallModel.samples("train", 6, 1);
        List<Double> losses = new ArrayList<>();
        for (List<String> folders : List.of(List.of(aligned.toString()), List.of(aligned.toString(), aligned.toString()))) {
            try (FineTuned tuned = run(Poft.METHOD.create(new Settings(Map.of("aligned", folders))), data,
                    "run" + folders.size(), 1)) {
                losses.add(steps.get(steps.size() - 1).loss());
            }
        }
        assertEquals(losses.get(0), losses.get(1), 1e-6);
        // The aligned model has the base's weights but for their storage, so that neither is surer at the first step.
        assertEquals(0, steps.get(0).values().get("margin"), 0.01);
        assertEquals(Math.log(2), steps.get(0).loss(), 0.01);
    }

    @Test
    void thePlanNamesAndPricesAlignedModels() {
        Path aligned = SmallModel.write(folder.resolve("aligned"), DataType.FLOAT);
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(SmallModel.write(folder.resolve("base"), DataType.FLOAT)),
                SmallModel.samples("train", 6, 1), Poft.METHOD.create(new Settings(Map.of("aligned", List.of(
                        aligned.toString()))))).build();
        Plan plan = job.plan();
        assertEquals(List.of(), plan.problems());
        assertEquals("the model " + aligned + ": scores every response once, before the training", plan.models().get(1));
        assertTrue(plan.memory().otherBytes() > 4 * 288 * 32, "its weights alone: " + plan.memory().otherBytes());
        Objective missing = Poft.METHOD.create(new Settings(Map.of("aligned", List.of("nowhere"))));
        assertTrue(FineTuning.builder(job.base(), job.data(), missing).build().plan().problems().get(0)
                .startsWith("objective: nowhere/config.json"));
    }

    @Test
    void discriminativeDrawsAnswersForEveryEpochAndKeepsThem() {
        Objective objective = Discriminative.METHOD.create(new Settings(Map.of("maxNewTokens", 3, "perEpoch", 2)));
        DataSource data = SmallModel.samples("train", 5, 1);
        try (FineTuned tuned = run(objective, data, "run", 2)) {
            assertTrue(reports.get(0).get("answers to discriminate against").contains("of 20, 2 a prompt and epoch"),
                    reports.toString());
            assertEquals(1, steps.get(0).values().get("weight"), 0.5, "the answers are the base model's own");
            assertTrue(steps.get(0).values().containsKey("logU") && steps.get(0).values().containsKey("objective"));
        }
        int made = steps.size();
        try (FineTuned again = run(objective, data, "run", 2)) {
            assertEquals(made, steps.size(), "a finished run makes no step");
        }
    }

    @Test
    void discriminativeDrawsForAsManyPassesAsItsStepsTake() {
        Objective objective = Discriminative.METHOD.create(new Settings(Map.of("maxNewTokens", 3, "perEpoch", 2, "topK", 3)));
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(SmallModel.write(folder.resolve("base"), DataType.FLOAT)),
                SmallModel.samples("train", 5, 1), objective)
                .train(TrainSettings.builder().maxSteps(7).tokensPerBatch(100).learningRate(1e-3).build()).build();
        assertEquals(List.of(), job.plan().problems());
        List<Double> weights = new ArrayList<>();
        try (FineTuned tuned = job.run(new TrainingListener() {
            @Override
            public void selected(Map<String, String> report) {
                reports.add(report);
            }

            @Override
            public void stepMade(StepEvent event) {
                weights.add(event.values().get("weight"));
            }
        })) {
            assertEquals(7, weights.size());
        }
        String drawn = reports.get(0).get("answers to discriminate against");
        int all = Integer.parseInt(drawn.replaceAll(".* of (\\d+),.*", "$1"));
        assertTrue(all >= 20 && all % 10 == 0, drawn);
        // Answers that are blank are left out, but not all of the last step's.
        assertTrue(weights.get(6) > 0 && weights.stream().filter(weight -> weight > 0).count() >= 5, weights.toString());
    }

    @Test
    void thePlanCountsDrawnAnswersAndTheEngineOfHeldOutSamples() {
        Objective objective = Discriminative.METHOD.create(new Settings(Map.of("maxNewTokens", 3, "perEpoch", 2)));
        FineTuning.Builder job = FineTuning.builder(new BaseModel.Pretrained(SmallModel.write(folder.resolve("base"),
                DataType.FLOAT)), SmallModel.samples("train", 5, 1), objective).train(TrainSettings.builder().epochs(2)
                .tokensPerBatch(256).build());
        Plan plan = job.build().plan();
        assertEquals(List.of(), plan.problems());
        assertTrue(plan.models().contains("the policy as it is before training: at most 20 requests for answers to discriminate "
                + "against, about 80 tokens in and at most 60 out"), plan.models().toString());
        assertEquals(0, plan.memory().passBytes());
        assertTrue(plan.memory().cacheBytes() > 0, "answers are drawn");
        Plan measured = job.evaluation(new Evaluation(SmallModel.samples("heldOut", 3, 9), List.of(), 4)).build().plan();
        assertTrue(measured.memory().passBytes() > 0, "held-out samples have an engine of their own");
        // Two answers lie beside each response.
        Plan alone = FineTuning.builder(new BaseModel.Pretrained(folder.resolve("base")), SmallModel.samples("train", 5, 1),
                new Sft()).train(TrainSettings.builder().epochs(2).tokensPerBatch(256).build()).build().plan();
        assertTrue(plan.steps() > 1.5 * alone.steps(), plan.steps() + " steps after " + alone.steps());
    }

    @Test
    void faultWeightedMarksWhatDiffersFromWrongVariants() {
        List<Sample> samples = new ArrayList<>();
        for (Sample sample : SmallModel.samples("train", 5, 1).samples()) {
            String right = String.valueOf(sample.response());
            String wrong = right.charAt(0) + (right.charAt(1) == 'a' ? "b" : "a");
            Map<String, String> fields = samples.size() == 4 ? Map.of() : Map.of("faulty", "[\"" + wrong + "\", \"quite other\"]");
            samples.add(new Sample(sample.id(), sample.messages(), List.of(), sample.answer(), fields));
        }
        FaultWeighted objective = FaultWeighted.METHOD.create(new Settings(Map.of("minSimilarity", 0.4)));
        try (FineTuned tuned = run(objective, DataSource.of("train", samples), "run", 1)) {
            assertEquals(Map.of("wrong variants", "8", "left out as unlike, no different or too long", "4",
                    "samples without a variant", "1"), reports.get(0));
            double doubt = steps.get(0).values().get("tokenDoubt");
            assertTrue(doubt > 0.2 && doubt < 0.8, "a random model is undecided, but for the sample without a variant: " + doubt);
            assertTrue(steps.get(0).loss() > steps.get(0).values().get("nll"), "marked tokens weigh more");
        }
    }

    /** Marked tokens have three times the weight, so that two losses of one gradient differ by the factor between them. */
    @Test
    void faultWeightedCanDivideByTheWeightsOfAWholeStep() {
        List<Sample> samples = new ArrayList<>();
        for (Sample sample : SmallModel.samples("train", 5, 1).samples()) {
            String right = String.valueOf(sample.response());
            samples.add(new Sample(sample.id(), sample.messages(), List.of(), sample.answer(),
                    Map.of("faulty", right.charAt(0) + (right.charAt(1) == 'a' ? "b" : "a"))));
        }
        List<TrainingListener.StepEvent> first = new ArrayList<>();
        for (String normalise : List.of("labels", "weights")) {
            steps.clear();
            try (FineTuned tuned = run(FaultWeighted.METHOD.create(new Settings(Map.of("minSimilarity", 0.0, "weighting",
                    "constant", "line", 0.0, "token", 2.0, "normalise", normalise))), DataSource.of("train", samples), normalise,
                    1)) {
                first.add(steps.get(0));
                assertTrue(Double.isFinite(tuned.comparisons().get(0).after().value()));
            }
        }
        double ratio = first.get(0).loss() / first.get(1).loss();
        assertTrue(ratio > 1.1 && ratio < 3, "one token of a few weighs 3: " + ratio);
        assertEquals(ratio, first.get(0).gradientNorm() / first.get(1).gradientNorm(), 1e-4 * ratio);
    }

    @Test
    void keyTokensAreThoseThatTellToolsApart() {
        List<JsonText> tools = List.of(new JsonText("{\"function\": {\"name\": \"ab\"}}"),
                new JsonText("{\"name\": \"abc\"}"), new JsonText("{\"name\": \"bca\"}"));
        List<Sample> samples = new ArrayList<>();
        for (String response : List.of("abc(b)", "bca(a)", "none")) {
            samples.add(new Sample("train:" + (samples.size() + 1), new Conversation(List.of(new Message("user", "Turn round"),
                    new Message("assistant", response)), tools, Map.of()), List.of(), null, Map.of()));
        }
        try (FineTuned tuned = run(new KeyTokenSft(9), DataSource.of("train", samples), "run", 1)) {
            assertEquals(Map.of("calls", "2", "turns without a call, with equal weights", "1"), reports.get(0));
            assertTrue(Double.isFinite(steps.get(0).values().get("keyLoss")));
        }
        String message = assertThrows(FinetuneException.class, () -> run(new KeyTokenSft(9),
                SmallModel.samples("train", 3, 1), "other", 1)).getMessage();
        assertTrue(message.contains("none of 3 samples ends with a call"), message);
    }

    @Test
    void samplesThatAreCutAreRefusedAtPlanTime() {
        for (Objective objective : List.of(Poft.METHOD.create(new Settings(Map.of())),
                Discriminative.METHOD.create(new Settings(Map.of())), FaultWeighted.METHOD.create(new Settings(Map.of())))) {
            Plan plan = FineTuning.builder(new BaseModel.Pretrained(SmallModel.write(folder.resolve("base"), DataType.FLOAT)),
                    SmallModel.samples("train", 3, 1), objective)
                    .train(TrainSettings.builder().tooLong(org.finetune4j.data.TooLong.KEEP_START).build()).build().plan();
            assertTrue(plan.problems().stream().anyMatch(problem -> problem.contains("KEEP_START")), plan.problems().toString());
        }
    }
}
