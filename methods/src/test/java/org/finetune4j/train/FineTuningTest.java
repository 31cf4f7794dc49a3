package org.finetune4j.train;

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
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.data.Sample.Message;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.KlDirection;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Grape;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

/** Whole jobs on a small model: from files to a saved folder. */
class FineTuningTest {
    @TempDir
    static Path models;

    private static Path base;

    @TempDir
    Path folder;

    private final List<String> warnings = new ArrayList<>();
    private final List<Map<String, String>> reports = new ArrayList<>();

    private final TrainingListener listener = new TrainingListener() {
        @Override
        public void warned(String message) {
            warnings.add(message);
        }

        @Override
        public void selected(Map<String, String> report) {
            reports.add(report);
        }
    };

    @BeforeAll
    static void writeBase() {
        base = SmallModel.write(models.resolve("base"), DataType.FLOAT);
    }

    private static FineTuning.Builder job(TrainSettings.Builder settings) {
        return FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 24, 1), new Sft())
                .train(settings.build())
                .evaluation(new Evaluation(SmallModel.samples("held", 5, 2), List.of(new ExactMatch()), 6));
    }

    private static TrainSettings.Builder settings() {
        return TrainSettings.builder().maxSteps(6).tokensPerBatch(300).learningRate(0.01);
    }

    private static JsonNode json(Path file) throws IOException {
        return new ObjectMapper().readTree(file.toFile());
    }

    @Test
    void aDslLikeJobRunsFromCandidatesToASavedModel() throws IOException {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.candidates("pool", 20, 1),
                        new Asft(0.1, KlDirection.FORWARD, 0)).selector(new Grape()).adapter(new Lora(4))
                .train(settings().build()).runFolder(folder.resolve("run"))
                .evaluation(new Evaluation(SmallModel.samples("held", 5, 2), List.of(new ExactMatch()), 6)).build();
        Plan plan = job.plan();
        assertEquals(List.of(), plan.problems());
        assertEquals(5, plan.stages().size(), plan.stages().toString());
        assertEquals(List.of("reference: the policy with its adapter off"), plan.models().subList(1, 2));
        assertEquals(20, plan.samples());
        assertEquals(6, plan.steps());
        assertTrue(plan.memoryBytes() > 0 && plan.seconds() > 0);
        try (FineTuned tuned = job.run(listener)) {
            assertEquals(1, reports.size());
            assertEquals("60", reports.get(0).get("candidates"));
            assertEquals(6, tuned.lastStep().step());
            assertTrue(tuned.lastStep().values().containsKey("kl"), tuned.lastStep().values().toString());
            assertEquals(List.of("exactMatch", "heldOutLoss"),
                    tuned.comparisons().stream().map(FineTuned.Comparison::name).toList());
            assertEquals(2, tuned.answers().size());
            assertTrue(tuned.comparisons().get(1).after().value() < tuned.comparisons().get(1).before().value());
            tuned.save(folder.resolve("model"));
            tuned.saveAdapter(folder.resolve("adapter"));
        }
        try (SafetensorsFile adapter = SafetensorsFile.open(folder.resolve("adapter/adapter_model.safetensors"))) {
            assertEquals(28, adapter.names().size());
            assertTrue(adapter.contains("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"));
        }
        assertEquals(4, json(folder.resolve("adapter/adapter_config.json")).get("r").asInt());
        JsonNode provenance = json(folder.resolve("model/finetune.json"));
        assertEquals("asft", provenance.at("/objective/name").asText());
        assertEquals(5, provenance.at("/metrics/exactMatch/after/count").asInt());
        assertTrue(Files.readString(folder.resolve("model/README.md")).contains("Anchored Supervised Fine-Tuning"));
        assertTrue(Files.exists(folder.resolve("run/metrics.jsonl")));
    }

    @Test
    void everyWeightIsTrainedAndTheSavedModelIsTheTunedOne() throws IOException {
        FineTuning job = job(settings().maxSteps(120).schedule(Schedule.CONSTANT)).build();
        String answer;
        try (FineTuned tuned = job.run(listener)) {
            assertTrue(tuned.comparisons().get(0).after().value() > tuned.comparisons().get(0).before().value(),
                    tuned.comparisons().toString());
            StringBuilder streamed = new StringBuilder();
            answer = tuned.generate(List.of(new Message("user", "Turn round: ab")), 6, 0, 0, 1, 0, piece -> {
                streamed.append(piece);
                return true;
            });
            assertEquals(answer, streamed.toString());
            assertEquals(answer, tuned.generate("Turn round: ab"));
            assertThrows(FinetuneException.class, () -> tuned.saveAdapter(folder.resolve("adapter")));
            tuned.save(folder.resolve("model"));
        }
        for (String name : List.of("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json",
                "README.md", "finetune.json")) {
            assertTrue(Files.exists(folder.resolve("model").resolve(name)), name);
        }
        assertEquals(1, json(folder.resolve("model/generation_config.json")).get("eos_token_id").size());
        FineTuning again = FineTuning.builder(new BaseModel.Pretrained(folder.resolve("model")),
                        SmallModel.samples("train", 24, 1), new Sft()).train(settings().maxSteps(1).learningRate(0).build())
                .build();
        try (FineTuned reloaded = again.run(listener)) {
            assertEquals(answer, reloaded.generate("Turn round: ab"));
        }
    }

    @Test
    void aModelIsMadeFromNothingOnDocumentsAndStoredAsItsConfigurationSays() {
        Path shape = folder.resolve("shape");
        SmallModel.writeUntrained(shape, DataType.BFLOAT16);
        FineTuning job = FineTuning.builder(new BaseModel.Fresh(shape, 5), SmallModel.documents("corpus", 40), new Sft())
                .train(settings().maxSteps(8).build()).evaluation(new Evaluation(SmallModel.documents("other", 4),
                        List.of(), 1)).build();
        // The first token of a document is not predicted.
        assertTrue(job.plan().supervisedShare() > 0.9);
        try (FineTuned tuned = job.run(listener)) {
            assertEquals(List.of(), tuned.answers());
            assertTrue(tuned.comparisons().get(0).after().value() < tuned.comparisons().get(0).before().value());
            tuned.save(folder.resolve("model"));
        }
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("model"))) {
            assertEquals(DataType.BFLOAT16, file.info("model.embed_tokens.weight").type().dataType());
        }
    }

    @Test
    void anAdapterIsMergedIntoSixteenBitsAndWithAnotherTemplate() throws IOException {
        Path stored = SmallModel.write(folder.resolve("base16"), DataType.BFLOAT16);
        String template = SmallModel.CHAT_ML.replace("assistant\\n", "assistant:\\n");
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(stored), SmallModel.samples("train", 24, 1),
                new Sft()).adapter(new Lora(4)).chatTemplate(template).train(settings().precision(Precision.BF16).build())
                .build();
        try (FineTuned tuned = job.run(listener)) {
            tuned.save(folder.resolve("model"));
        }
        assertEquals(template, Files.readString(folder.resolve("model/chat_template.jinja")));
    }

    @Test
    void savingNeverReplacesWhatItDidNotWrite() throws IOException {
        Path mine = Files.createDirectories(folder.resolve("mine"));
        Files.writeString(mine.resolve("thesis.txt"), "years of work");
        try (FineTuned tuned = job(settings().maxSteps(1)).build().run(listener)) {
            assertTrue(assertThrows(FinetuneException.class, () -> tuned.save(mine)).getMessage()
                    .contains("holds other files"));
            assertTrue(assertThrows(FinetuneException.class, () -> tuned.save(base)).getMessage()
                    .contains("is the base model's own folder"));
            Path out = folder.resolve("deep/out");
            tuned.save(out);
            tuned.save(out);
        }
        assertEquals("years of work", Files.readString(mine.resolve("thesis.txt")));
        try (Stream<Path> left = Files.list(folder.resolve("deep"))) {
            assertEquals(1, left.count());
        }
    }

    @Test
    void aRunThatIsContinuedComparesWithTheSameBaseline() {
        FineTuning job = job(settings().checkpointEvery(2)).runFolder(folder).build();
        List<FineTuned.Comparison> first;
        try (FineTuned tuned = job.run(listener)) {
            first = tuned.comparisons();
        }
        List<Long> resumed = new ArrayList<>();
        List<String> stages = new ArrayList<>();
        try (FineTuned tuned = job.run(new TrainingListener() {
            @Override
            public void resumed(long step, Path checkpoint) {
                resumed.add(step);
            }

            @Override
            public void stageBegan(String stage) {
                stages.add(stage);
            }
        })) {
            assertEquals(first, tuned.comparisons());
        }
        assertEquals(List.of(6L), resumed);
        assertFalse(stages.contains("generate answers with the base model"), stages.toString());
    }

    @Test
    void aRunMayBeginWithTheWeightsOfAnother() {
        double reached;
        try (FineTuned first = job(settings().maxSteps(20).checkpointEvery(20)).runFolder(folder.resolve("first")).build()
                .run(listener)) {
            reached = first.comparisons().get(1).after().value();
        }
        FineTuning.Builder second = job(settings().maxSteps(1).learningRate(0)).runFolder(folder.resolve("second"));
        try (FineTuned continued = second.continueFrom(folder.resolve("first")).build().run(listener)) {
            assertEquals(reached, continued.comparisons().get(1).after().value(), 1e-6);
        }
        assertTrue(assertThrows(FinetuneException.class, () -> second.continueFrom(folder.resolve("none")).build()
                .run(listener)).getMessage().contains("none holds no checkpoint to continue from"));
    }

    @Test
    void thePlanTellsEveryProblemAtOnce() {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(folder.resolve("nowhere")),
                        DataSource.jsonLines(folder.resolve("missing.jsonl"), org.finetune4j.data.FieldMapping.standard()),
                        new Sft()).train(settings().clip(0).accumulate(0).build())
                .evaluation(new Evaluation(DataSource.of("held", List.of(new Sample("held:1",
                        List.of(new Message("user", "?")), List.of(), null, Map.of()))), List.of(new ExactMatch()), 0)).build();
        List<String> problems = job.plan().problems();
        for (String expected : List.of("train.clip is 0.0", "train.accumulate is 0", "base: ", "data: ",
                "evaluate.maxNewTokens is 0", "heldOut: held:1 has no reference answer")) {
            assertTrue(problems.stream().anyMatch(problem -> problem.startsWith(expected)), expected + " in " + problems);
        }
        assertEquals(6, problems.size(), problems.toString());
        FinetuneException refusal = assertThrows(FinetuneException.class, () -> job.run(listener));
        assertEquals(String.join("\n", problems), refusal.getMessage());
    }

    @Test
    void thePlanRefusesWhatDoesNotFitTogether() throws IOException {
        assertRefused(job(settings()).adapter(new Lora(64)).build(), "adapt: lora: rank 64 is larger than");
        assertRefused(job(settings()).kernels("abacus").build(), "kernels: there are no kernels 'abacus'");
        assertRefused(FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.candidates("pool", 3, 1), new Sft())
                .train(settings().build()).build(), "data: 3 of 3 samples have several candidate responses");
        assertRefused(job(settings().maxLength(8)).build(), "data: 24 of 24 samples are longer than maxLength 8");
        assertRefused(FineTuning.builder(new BaseModel.Pretrained(base), DataSource.of("long", List.of(
                        Sample.document("long:1", "word ".repeat(300)))), new Sft()).train(settings().build()).build(),
                "data: 1 of 1 samples are longer than maxLength " + SmallModel.CONTEXT);
        assertRefused(job(settings()).evaluation(new Evaluation(DataSource.of("held", List.of(new Sample("held:1",
                        List.of(new Message("user", "word ".repeat(300))), List.of(), "a", Map.of()))),
                        List.of(new ExactMatch()), 4)).build(), "heldOut: the prompt of held:1 has");
        Path mixed = SmallModel.write(folder.resolve("mixed"), DataType.FLOAT);
        Files.writeString(mixed.resolve("config.json"), Files.readString(mixed.resolve("config.json"))
                .replaceFirst("\"vocab_size\" *: *288", "\"vocab_size\": 100"));
        assertRefused(FineTuning.builder(new BaseModel.Pretrained(mixed), SmallModel.samples("train", 4, 1), new Sft())
                .train(settings().build()).build(), "but the model's embedding only 100 rows");
    }

    private static void assertRefused(FineTuning job, String expected) {
        List<String> problems = job.plan().problems();
        assertEquals(1, problems.size(), problems.toString());
        assertTrue(problems.get(0).contains(expected), problems.get(0));
    }

    @Test
    void warnsOfHeldOutPromptsThatAreTrainedOn() {
        try (FineTuned tuned = job(settings().maxSteps(1)).evaluation(new Evaluation(SmallModel.samples("held", 5, 1),
                List.of(), 4)).build().run(listener)) {
            assertEquals(1, warnings.size());
            assertTrue(warnings.get(0).startsWith("5 of 5 held-out prompts are trained on too, such as held:1"));
            assertEquals(2, tuned.answers().size());
        }
    }
}
