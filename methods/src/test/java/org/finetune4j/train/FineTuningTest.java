package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.PreferencePair;
import org.finetune4j.data.Provenance;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.TextListener;
import org.finetune4j.generation.TextStream;
import org.finetune4j.data.TooLong;
import org.finetune4j.data.transform.ChosenOnly;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.evaluate.ExactMatch;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.KlDirection;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Grape;
import org.finetune4j.methods.select.SelectionContext;
import org.finetune4j.methods.select.Selector;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

/** Whole jobs on a small model: from files to a saved folder. */
class FineTuningTest {
    private static final List<Message> TURNS = List.of(new Message("user", "Turn round: ab"));
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
            List<String> heard = new ArrayList<>();
            answer = generate(tuned, greedy -> greedy.maxNewTokens(6), heard, true);
            assertEquals(answer, String.join("", heard));
            assertEquals(answer, tuned.generate("Turn round: ab"));
            drawsAndStops(tuned, answer);
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

    private static String generate(FineTuned tuned, UnaryOperator<GenerationSettings.Builder> settings, List<String> heard,
                                   boolean goesOn) {
        return tuned.generate(TURNS, settings.apply(tuned.generation()).build(), new TextListener() {
            @Override
            public boolean onText(int request, int sample, String piece) {
                heard.add(piece);
                return goesOn;
            }
        }).get(0).text();
    }

    private static String drawn(FineTuned tuned, int most, int topK, double topP, long seed) {
        return generate(tuned, settings -> settings.maxNewTokens(most).temperature(5).topK(topK).topP(topP).seed(seed),
                new ArrayList<>(), true);
    }

    private static void drawsAndStops(FineTuned tuned, String greedy) {
        assertEquals(greedy, drawn(tuned, 6, 1, 1, 3));
        assertEquals(greedy, drawn(tuned, 6, 0, 1e-9, 3));
        String drawn = drawn(tuned, 12, 0, 1, 3);
        assertEquals(drawn, drawn(tuned, 12, 0, 1, 3));
        assertNotEquals(drawn, drawn(tuned, 12, 0, 1, 4));
        // All bytes are about as likely, so that some texts are stopped within a character.
        for (long seed = 0; seed < 20; seed++) {
            long number = seed;
            List<String> heard = new ArrayList<>();
            String text = generate(tuned, settings -> settings.maxNewTokens(12).temperature(1000).seed(number), heard, false);
            assertTrue(heard.size() <= 1, heard.toString());
            assertEquals(String.join("", heard), text);
        }
        try (TextStream stream = tuned.stream(TURNS, tuned.generation().maxNewTokens(6).build())) {
            StringBuilder streamed = new StringBuilder();
            stream.forEachRemaining(streamed::append);
            assertEquals(greedy, streamed.toString());
        }
        tuned.stream(TURNS, tuned.generation().maxNewTokens(6).build()).next();
        assertEquals(greedy, drawn(tuned, 6, 1, 1, 3), "after a stream that nobody read to its end");
        tuned.limitGeneration(new GenerationLimits(1, 64, 1 << 10));
        assertTrue(assertThrows(FinetuneException.class, () -> drawn(tuned, 6, 1, 1, 3)).getMessage().contains("cache"));
        tuned.limitGeneration(GenerationLimits.DEFAULT);
        for (double topP : new double[] {0, 1.1, Double.NaN}) {
            assertTrue(assertThrows(FinetuneException.class, () -> drawn(tuned, 6, 0, topP, 0))
                    .getMessage().startsWith("generation: topP is "));
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
    void candidatesAreScoredOnceForAllRunsOfAFolder() {
        List<String> stages = new ArrayList<>();
        List<Map<String, String>> choices = new ArrayList<>();
        TrainingListener noting = new TrainingListener() {
            @Override
            public void stageBegan(String stage) {
                stages.add(stage);
            }

            @Override
            public void selected(Map<String, String> report) {
                choices.add(report);
            }
        };
        for (int run = 0; run < 2; run++) {
            FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.candidates("pool", 20, 1), new Sft())
                    .selector(new Grape()).train(settings().maxSteps(1).build()).runFolder(folder.resolve("run"))
                    .build().run(noting).close();
        }
        assertEquals(1, stages.stream().filter("score the candidate responses"::equals).count(), stages.toString());
        assertEquals(choices.get(0), choices.get(1));
    }

    private static Map<String, String> hashes(Path folder) throws IOException {
        Map<String, String> hashes = new TreeMap<>();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.toList()) {
                hashes.put(file.getFileName().toString(), Hashes.of(Files.readAllBytes(file)));
            }
        }
        return hashes;
    }

    @Test
    void aFullDiskLeavesAnEarlierSavedModelAsItWas() throws IOException {
        try (FineTuned tuned = job(settings().maxSteps(1)).build().run(listener)) {
            Path out = folder.resolve("out");
            tuned.save(out);
            Map<String, String> before = hashes(out);
            int last = 0;
            for (boolean refused = true; refused; last++) {
                AtomicFiles full = new AtomicFiles(new CrashingDisk(last, CrashingDisk.Fault.FULL));
                try {
                    new ModelExport((TunedModel) tuned).write(out, full);
                    refused = false;
                } catch (FinetuneException refusal) {
                    assertTrue(refusal.getMessage().contains("No space left on device"), refusal.getMessage());
                    assertEquals(before, hashes(out), "full at file operation " + last);
                }
            }
            assertTrue(last > 10, "only " + last + " operations");
            try (Stream<Path> left = Files.list(folder)) {
                assertEquals(List.of(out), left.toList());
            }
        }
    }

    @Test
    void aRunFolderIsOfOneRunAtATime() {
        FineTuning job = job(settings().maxSteps(2)).runFolder(folder).build();
        List<String> refusals = new ArrayList<>();
        job.run(new TrainingListener() {
            @Override
            public void stepMade(StepEvent event) {
                refusals.add(assertThrows(FinetuneException.class, () -> job.run(listener)).getMessage());
            }
        }).close();
        assertEquals(2, refusals.size());
        assertTrue(refusals.get(0).startsWith("the run folder " + folder + " is in use"), refusals.get(0));
        job.run(listener).close();
    }

    /** An objective that is not of the catalogue. */
    private record Own() implements Objective {
        static final Method<Own> METHOD = new Method<>("own", Method.Kind.OBJECTIVE, "Own", "this test",
                settings -> new Own());

        @Override
        public Method<Own> method() {
            return METHOD;
        }

        @Override
        public TokenLoss tokenLoss() {
            return new Sft();
        }
    }

    @Test
    void continuingWithAnObjectiveOfTheUserWarns() {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 4, 1), new Own())
                .train(settings().maxSteps(2).checkpointEvery(1).build()).runFolder(folder).build();
        job.run(listener).close();
        assertEquals(List.of(), warnings);
        job.run(listener).close();
        assertEquals(1, warnings.size());
        assertTrue(warnings.get(0).startsWith("The run continues after step 2, but of the objective 'own'"), warnings.get(0));
        warnings.clear();
        FineTuning known = job(settings().maxSteps(2).checkpointEvery(1)).runFolder(folder.resolve("known")).build();
        known.run(listener).close();
        known.run(listener).close();
        assertTrue(warnings.stream().noneMatch(warning -> warning.startsWith("The run continues")), warnings.toString());
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
                        DataSource.jsonLines(folder.resolve("missing.jsonl"), org.finetune4j.data.format.FieldMapping.standard()),
                        new Sft()).train(settings().clip(0).accumulate(0).build())
                .evaluation(new Evaluation(DataSource.of("held", List.of(new Sample("held:1",
                        List.of(new Message("user", "?")), List.of(), null, Map.of()))), List.of(new ExactMatch()), 0)).build();
        List<String> problems = job.plan().problems();
        for (String expected : List.of("train.clip is 0.0", "train.accumulate is 0", "base: ", "data: ",
                "evaluate.maxNewTokens is 0", "evaluate: exactMatch: held:1 has no reference answer")) {
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
                "data: 1 of 1 samples are longer than the model's context of " + SmallModel.CONTEXT + " tokens");
        assertRefused(job(settings()).evaluation(new Evaluation(DataSource.of("held", List.of(new Sample("held:1",
                        List.of(new Message("user", "word ".repeat(300))), List.of(), "a", Map.of()))),
                        List.of(new ExactMatch()), 4)).build(), "heldOut: the prompt of held:1 has");
        Path mixed = SmallModel.write(folder.resolve("mixed"), DataType.FLOAT);
        Files.writeString(mixed.resolve("config.json"), Files.readString(mixed.resolve("config.json"))
                .replaceFirst("\"vocab_size\" *: *288", "\"vocab_size\": 100"));
        assertRefused(FineTuning.builder(new BaseModel.Pretrained(mixed), SmallModel.samples("train", 4, 1), new Sft())
                .train(settings().build()).build(), "but the model's embedding only 100 rows");
    }

    @Test
    void thePlanRefusesWeightsThatDoNotFit() throws IOException {
        Path mixed = SmallModel.write(folder.resolve("mixed"), DataType.FLOAT);
        String config = Files.readString(mixed.resolve("config.json"));
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(mixed), SmallModel.samples("train", 4, 1), new Sft())
                .train(settings().build()).build();
        Files.writeString(mixed.resolve("config.json"), config.replaceFirst("\"intermediate_size\" *: *48",
                "\"intermediate_size\": 40"));
        assertRefused(job, "but config.json asks for [40, 32]");
        Files.writeString(mixed.resolve("config.json"), config.replaceFirst("\"num_hidden_layers\" *: *2",
                "\"num_hidden_layers\": 3"));
        assertRefused(job, "tensor 'model.layers.2.input_layernorm.weight' of shape [32] is missing from the weights");
        Files.writeString(mixed.resolve("config.json"), config.replaceFirst("\"num_hidden_layers\" *: *2",
                "\"num_hidden_layers\": 1"));
        assertRefused(job, "the weights hold tensors that a model of this config.json does not have: 'model.layers.1.");
        byte[] weights = Files.readAllBytes(mixed.resolve("model.safetensors"));
        Files.writeString(mixed.resolve("config.json"), config);
        Files.write(mixed.resolve("model.safetensors"), Arrays.copyOf(weights, weights.length / 2));
        assertRefused(job, "model.safetensors");
    }

    private static Sample twoCandidates(int number, String first, String second) {
        return new Sample("pool:" + number, List.of(new Message("user", number + "?")),
                List.of(new Candidate(first, "first"), new Candidate(second, "second")), null, Map.of());
    }

    @Test
    void underDropNoResponseIsChosenThatIsTooLong() {
        // LOWEST and not normalised prefers long responses, so that the long one would win and take its prompt with it.
        List<Sample> pool = List.of(twoCandidates(1, "ab", "ba"), twoCandidates(2, "a".repeat(60), "b"),
                twoCandidates(3, "c".repeat(60), "d".repeat(60)));
        FineTuning.Builder job = FineTuning.builder(new BaseModel.Pretrained(base), DataSource.of("pool", pool), new Sft())
                .selector(new Grape("responses", 1, false, 1, Grape.BelowMinimum.REFUSE, Grape.Order.LOWEST, 0));
        TrainSettings.Builder settings = settings().maxSteps(1).maxLength(48);
        assertRefused(job.train(settings.build()).build(), "longer than maxLength 48: pool:2, pool:3");
        FineTuning dropping = job.train(settings.tooLong(TooLong.DROP).build()).build();
        assertEquals(List.of(), dropping.plan().problems());
        assertEquals(3, dropping.plan().samples());
        assertEquals(1, dropping.plan().droppedSamples());
        try (FineTuned tuned = dropping.run(listener)) {
            assertEquals(1, tuned.lastStep().step());
            assertEquals(List.of("pool:1", "pool:2"), ((TunedModel) tuned).data().examples().stream()
                    .map(Example::id).toList());
        }
        assertTrue(warnings.get(0).startsWith("3 responses that make their samples longer than 48 tokens"), warnings.get(0));
        assertEquals("2", reports.get(0).get("prompts"));
    }

    /** Chooses nothing. */
    private record Nothing() implements Selector {
        static final Method<Nothing> METHOD = new Method<>("nothing", Method.Kind.SELECT, "Nothing", "this test",
                settings -> new Nothing());

        @Override
        public Method<Nothing> method() {
            return METHOD;
        }

        @Override
        public Set<Trait> traits() {
            return Set.of();
        }

        @Override
        public Selection select(List<Sample> samples, SelectionContext context) {
            return new Selection(List.of(), Map.of());
        }
    }

    @Test
    void aSelectionThatLeavesNothingIsRefused() {
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.candidates("pool", 3, 1), new Sft())
                .selector(new Nothing()).train(settings().build()).build();
        assertEquals("select: nothing left none of 3 samples to train on. Loosen its settings or give it other data.",
                assertThrows(FinetuneException.class, () -> job.run(listener)).getMessage());
        assertRefused(FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.candidates("pool", 3, 1), new Sft())
                .selector(new Grape()).train(settings().maxLength(8).tooLong(TooLong.DROP).build()).build(),
                "data: no sample is left of 3: each of their 9 responses makes it longer than 8 tokens");
        assertRefused(job(settings().maxLength(8).tooLong(TooLong.DROP)).build(),
                "data: no sample is left of 24: 24 are longer than maxLength 8");
    }

    @Test
    void theBaselineIsMeasuredAgainWithAnotherTemplateOfTheTokenizer() throws IOException {
        Path own = SmallModel.write(folder.resolve("own"), DataType.FLOAT);
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(own), SmallModel.samples("train", 4, 1), new Sft())
                .train(settings().maxSteps(1).build()).runFolder(folder.resolve("run"))
                .evaluation(new Evaluation(SmallModel.samples("held", 2, 2), List.of(new ExactMatch()), 2)).build();
        job.run(listener).close();
        String first = json(folder.resolve("run/baseline.json")).get("key").asText();
        job.run(listener).close();
        assertEquals(first, json(folder.resolve("run/baseline.json")).get("key").asText());
        Path configuration = own.resolve("tokenizer_config.json");
        Files.writeString(configuration, Files.readString(configuration).replace("assistant\\n", "assistant:\\n"));
        job.run(listener).close();
        assertNotEquals(first, json(folder.resolve("run/baseline.json")).get("key").asText());
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
            assertTrue(warnings.get(0).startsWith("5 of 5 held-out prompts ask first what is trained on too, such as held:1"));
            assertEquals(2, tuned.answers().size());
        }
    }

    /** Counts how often its rows are read from the start. */
    private static class Counted implements DataSource {
        final DataSource source;
        int opened;

        Counted(DataSource source) {
            this.source = source;
        }

        @Override
        public RowStream open(DataReport report) {
            opened++;
            return source.open(report);
        }

        @Override
        public String description() {
            return source.description();
        }

        @Override
        public String fingerprint() {
            return source.fingerprint();
        }
    }

    @Test
    void planningAndRunningReadTheDataOnce() {
        Counted data = new Counted(SmallModel.samples("train", 24, 1));
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), data, new Sft()).kernels("nd4j")
                .train(settings().maxSteps(1).build()).dataCache(folder.resolve("cache")).build();
        PreparedRun prepared = job.prepare();
        assertEquals(24, prepared.plan().data().lengths().count());
        try (FineTuned tuned = prepared.run(TrainingListener.NONE)) {
            assertEquals(1, data.opened);
        }
        // Another run with the same data reads what the first one kept; with another limit it encodes again.
        assertEquals(job.plan().tokens(), prepared.plan().tokens());
        assertEquals(prepared.plan().data(), job.plan().data());
        assertEquals(1, data.opened);
        FineTuning.builder(new BaseModel.Pretrained(base), data, new Sft()).kernels("nd4j")
                .train(settings().maxSteps(1).maxLength(60).build()).dataCache(folder.resolve("cache")).build().plan();
        assertEquals(2, data.opened);
    }

    @Test
    void dataThatChangeWhileTheyAreReadAreNotKept() {
        Path cache = folder.resolve("changing");
        Counted data = new Counted(SmallModel.samples("train", 24, 1)) {
            @Override
            public String fingerprint() {
                return super.fingerprint() + opened;
            }
        };
        Plan plan = FineTuning.builder(new BaseModel.Pretrained(base), data, new Sft()).kernels("nd4j")
                .train(settings().maxSteps(1).build()).dataCache(cache).build().plan();
        assertEquals(List.of(), plan.problems());
        assertEquals(1, data.opened);
        assertTrue(plan.data().notes().contains("the encoded data are not kept for other runs: they changed while they "
                + "were read"), plan.data().notes().toString());
        assertTrue(Files.notExists(cache));
    }

    @Test
    void dataThatCannotBeKeptAreTrainedOnAllTheSame() throws IOException {
        Path file = Files.writeString(folder.resolve("file"), "no folder");
        Plan plan = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 24, 1), new Sft())
                .kernels("nd4j").train(settings().maxSteps(1).build()).dataCache(file).build().plan();
        assertEquals(List.of(), plan.problems());
        assertTrue(plan.data().notes().get(0).startsWith("the encoded data are not kept for other runs: " + file),
                plan.data().notes().toString());
    }

    @Test
    void preferencesAreRefusedWithTheMendWhereSingleResponsesAreLearned() {
        DataSource pairs = DataSource.of("pairs.jsonl", List.of(new PreferencePair("pairs.jsonl:1",
                Conversation.of(Message.user("Turn round: ab")), List.of(Message.assistant("ba")), List.of(Message.assistant("ab")), null,
                Map.of(), new Provenance("pairs.jsonl", List.of()))));
        FineTuning.Builder job = FineTuning.builder(new BaseModel.Pretrained(base), pairs, new Sft()).kernels("nd4j")
                .train(settings().maxSteps(1).build());
        assertEquals(List.of("data: pairs.jsonl holds 1 preferences (a chosen and a rejected response), but sft learns from single "
                + "responses or texts. Take chosenOnly() of the data, or choose an objective for them."), job.build().plan().problems());
        assertEquals(List.of(), FineTuning.builder(new BaseModel.Pretrained(base), new ChosenOnly(pairs), new Sft()).kernels("nd4j")
                .train(settings().maxSteps(1).build()).build().plan().problems());
    }
}
