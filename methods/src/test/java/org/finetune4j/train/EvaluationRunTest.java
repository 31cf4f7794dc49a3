package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.decode.SelfEnsemble;
import org.finetune4j.methods.evaluate.Bleu;
import org.finetune4j.methods.evaluate.Brier;
import org.finetune4j.methods.evaluate.Calibration;
import org.finetune4j.methods.evaluate.ClassF1;
import org.finetune4j.methods.evaluate.DistinctN;
import org.finetune4j.methods.evaluate.Ead;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.evaluate.Forgetting;
import org.finetune4j.methods.evaluate.Metric;
import org.finetune4j.methods.evaluate.MultipleChoice;
import org.finetune4j.methods.evaluate.PassAtK;
import org.finetune4j.methods.evaluate.PerExit;
import org.finetune4j.methods.evaluate.Perplexity;
import org.finetune4j.methods.evaluate.Rouge;
import org.finetune4j.methods.evaluate.SelfBleu;
import org.finetune4j.methods.evaluate.TokenF1;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

/** What a run measures before and after its training, by every metric. */
class EvaluationRunTest {
    @TempDir
    static Path models;

    private static Path base;

    @TempDir
    Path folder;

    @BeforeAll
    static void writeBase() {
        base = SmallModel.write(models.resolve("base"), DataType.FLOAT);
    }

    private static DataSource asked() {
        return DataSource.of("asked", SmallModel.samples("asked", 6, 2).samples().stream().map(sample -> new Sample(sample.id(),
                sample.messages(), List.of(), sample.answer(), Map.of("choices", "[\"" + sample.answer() + "\", \"zz\", \"q\"]")))
                .toList());
    }

    private static List<Metric> everything() {
        Map<String, Object> drawn = Map.of("samples", 2, "temperature", 1.0);
        return List.of(new ExactMatch(), new TokenF1(""), ClassF1.METHOD.create(new Settings(Map.of())),
                new PassAtK(2, 3, new ExactAnswer(), 1, 1, 0), new Bleu(), new Rouge(), new Perplexity(),
                new Perplexity(Perplexity.Unit.BITS_PER_BYTE, 0, 1), new MultipleChoice(), MultipleChoice.mmlu(), new Brier(),
                new Calibration(10, Calibration.Scheme.EQUAL_WIDTH), DistinctN.METHOD.create(new Settings(drawn)),
                Ead.METHOD.create(new Settings(drawn)), SelfBleu.METHOD.create(new Settings(drawn)),
                new Forgetting(SmallModel.documents("pages", 3), new Perplexity()),
                new Forgetting(SmallModel.samples("general", 3, 7), new ExactMatch()),
                new PerExit(List.of(1, 2), new ExactMatch()));
    }

    private static FineTuning.Builder job(List<Metric> metrics) {
        return FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 24, 1), new Sft())
                .adapter(new Lora(4, 8, 0.2, Lora.ALL_LINEAR))
                .train(TrainSettings.builder().maxSteps(4).tokensPerBatch(300).learningRate(0.01).build())
                .evaluation(new Evaluation(asked(), metrics, 6));
    }

    @Test
    void everyMetricIsMeasuredBeforeAndAfterAndKeptWithTheRun() throws IOException {
        FineTuning job = job(everything()).runFolder(folder.resolve("run")).build();
        assertEquals(List.of(), job.plan().problems());
        List<FineTuned.Comparison> first;
        try (FineTuned tuned = job.run(TrainingListener.NONE)) {
            first = tuned.comparisons();
        }
        List<String> names = first.stream().map(FineTuned.Comparison::name).toList();
        assertEquals(List.of("exactMatch", "tokenF1", "classF1", "passAt2", "bleu", "rouge1", "rouge2", "rougeL", "perplexity",
                "bitsPerByte", "multipleChoice", "multipleChoice (2)", "brier", "ece", "mce", "nll", "entropy", "distinct1", "ead1", "selfBleu",
                "perplexity on pages", "exactMatch on general", "exactMatch behind block 1", "exactMatch behind block 2",
                "heldOutLoss"), names);
        for (FineTuned.Comparison comparison : first) {
            assertTrue(Double.isFinite(comparison.before().value()) && Double.isFinite(comparison.after().value()),
                    comparison.toString());
            assertFalse(comparison.after().signature().isBlank());
        }
        assertEquals(first.get(0).after().items(), first.get(names.indexOf("exactMatch behind block 2")).after().items(),
                "the last block is the whole model");
        FineTuned.Comparison perplexity = first.get(8);
        assertTrue(perplexity.after().value() < perplexity.before().value(), perplexity.toString());
        JsonNode summary = new ObjectMapper().readTree(folder.resolve("run/evaluation.json").toFile());
        assertEquals(names, summary.path("metrics").findValuesAsText("name").stream().filter(names::contains).distinct().toList());
        assertEquals(perplexity.after().value(), summary.path("metrics").get(8).path("after").path("value").asDouble());
        assertTrue(summary.path("metrics").get(13).path("after").path("details").size() > 0, "the reliability table");
        List<String> items = Files.readAllLines(folder.resolve("run/evaluation-items.jsonl"));
        assertEquals(6, items.stream().filter(line -> line.contains("\"metric\":\"exactMatch\"")).count());

        List<String> stages = new ArrayList<>();
        try (FineTuned again = job.run(new TrainingListener() {
            @Override
            public void stageBegan(String stage) {
                stages.add(stage);
            }
        })) {
            assertEquals(first, again.comparisons(), "measured again on the same weights, bit for bit");
        }
        assertTrue(stages.stream().noneMatch(stage -> stage.contains("the base model")), stages.toString());
    }

    @Test
    void measuringChangesNothingOfTheTraining() throws IOException {
        assertEquals(-1, Files.mismatch(weights("plain", List.of()), weights("measured", everything())));
    }

    private Path weights(String name, List<Metric> metrics) {
        try (FineTuned tuned = job(metrics).build().run(TrainingListener.NONE)) {
            tuned.saveAdapter(folder.resolve(name));
        }
        return folder.resolve(name).resolve("adapter_model.safetensors");
    }

    @Test
    void thePlanRefusesWhatCannotBeMeasured() {
        Sample plain = new Sample("held:1", List.of(Message.user("?"), Message.assistant("!")), List.of(), "!", Map.of());
        List<String> problems = job(List.of())
                .evaluation(new Evaluation(DataSource.of("held", List.of(plain)), List.of(
                        new Calibration(10, Calibration.Scheme.EQUAL_WIDTH), new ExactMatch(),
                        SelfBleu.METHOD.create(new Settings(Map.of())), Forgetting.METHOD.create(new Settings(Map.of()))), 4))
                .build().plan().problems();
        assertEquals(3, problems.size(), problems.toString());
        assertTrue(problems.get(0).startsWith("evaluate: calibration: held:1 has no field 'choices'"), problems.get(0));
        assertTrue(problems.get(1).startsWith("evaluate: selfBleu: there are fewer than 2 answers"), problems.get(1));
        assertTrue(problems.get(2).startsWith("evaluate: forgetting: no samples of a general task"), problems.get(2));
    }

    @Test
    void metricsThatAskForNoAnswerNeedNoRoomForOne() {
        List<String> stages = new ArrayList<>();
        FineTuning job = job(List.of()).evaluation(new Evaluation(SmallModel.documents("pages", 3), List.of(new Perplexity()), 6))
                .build();
        assertEquals(List.of(), job.plan().problems());
        assertEquals(0, job.plan().memory().cacheBytes());
        try (FineTuned tuned = job.run(new TrainingListener() {
            @Override
            public void stageBegan(String stage) {
                stages.add(stage);
            }
        })) {
            assertEquals(List.of("perplexity", "heldOutLoss"), tuned.comparisons().stream().map(FineTuned.Comparison::name)
                    .toList());
        }
        assertTrue(stages.stream().noneMatch(stage -> stage.startsWith("generate")), stages.toString());
    }

    @Test
    void aDecoderMakesTheProbabilitiesOfChoices() {
        Map<String, Object> settings = Map.of("members", 3, "demonstrations", 1, "pool", SmallModel.samples("pool", 5, 9));
        List<Metric> metrics = List.of(new MultipleChoice(), new Calibration(10, Calibration.Scheme.EQUAL_WIDTH),
                new ExactMatch());
        FineTuning job = job(metrics).evaluation(new Evaluation(choices(), metrics, 6,
                SelfEnsemble.METHOD.create(new Settings(settings)))).build();
        assertEquals(List.of(), job.plan().problems());
        try (FineTuned decoded = job.run(TrainingListener.NONE);
             FineTuned plain = job(metrics).evaluation(new Evaluation(choices(), metrics, 6)).build().run(TrainingListener.NONE)) {
            for (int i = 0; i < decoded.comparisons().size(); i++) {
                FineTuned.Comparison with = decoded.comparisons().get(i);
                boolean asks = !List.of("exactMatch", "heldOutLoss").contains(with.name());
                assertEquals(asks, with.after().signature().contains("|decode:[selfEnsemble{"), with.after().signature());
                if (with.name().equals("nll")) {
                    assertNotEquals(plain.comparisons().get(i).after().value(), with.after().value(), 1e-6);
                }
                if (!asks) {
                    assertEquals(plain.comparisons().get(i), with);
                }
            }
        }
    }

    private static DataSource choices() {
        List<String> words = List.of("ab", "ba", "ca", "dd");
        return DataSource.of("choices", SmallModel.samples("choices", 6, 3).samples().stream().map(sample -> new Sample(
                sample.id(), sample.messages(), List.of(), words.get(sample.id().length() % 4),
                Map.of("choices", "[\"ab\", \"ba\", \"ca\", \"dd\"]"))).toList());
    }

    @Test
    void aDecoderWithoutProbabilitiesOrDemonstrationsIsRefused() {
        List<String> problems = job(List.of()).evaluation(new Evaluation(asked(), List.of(new ExactMatch()), 4,
                SelfEnsemble.METHOD.create(new Settings(Map.of())))).build().plan().problems();
        assertEquals(2, problems.size(), problems.toString());
        assertTrue(problems.get(0).startsWith("decode: selfEnsemble: vary = IC changes the demonstrations"), problems.get(0));
        assertTrue(problems.get(1).startsWith("decode: selfEnsemble makes probabilities of choices, for which no metric asks"),
                problems.get(1));
    }
}
