package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Encoder;
import org.finetune4j.data.Example;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.data.TooLong;
import org.finetune4j.methods.MaskToken;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.ExamplePreparation;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Demask.Draw;
import org.finetune4j.methods.select.Demask.Mode;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.BpeTrainer;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;
import org.finetune4j.tokenizer.TokenizerSettings;
import org.finetune4j.train.BatchStage;
import org.finetune4j.train.TinyTraining;
import org.finetune4j.train.TrainSettings;
import org.finetune4j.train.TrainingListener;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Card masked-ft: its tests 1 to 6, and that the method fits into a run. */
class DemaskTest {
    /** Four tokens open the user's turn, two lie between the turns, and one ends the answer. */
    private static final String TEMPLATE = "{% for m in messages %}{% if m['role'] == 'user' %}<|a|><|a|><|a|><|a|>"
            + "{{ m['content'] }}<|im_end|>{% else %}<|a|>{{ m['content'] }}<|im_end|>{% endif %}{% endfor %}"
            + "{% if add_generation_prompt %}<|a|>{% endif %}";
    /** With these, nine tokens lie between the copy and the document. */
    private static final String REQUEST = "<|a|>".repeat(4);
    private static final String LEAD_IN = "<|a|>".repeat(3);

    private static final ScoringContext SCORES_NOTHING = conversations -> {
        throw new AssertionError("nothing is scored here");
    };

    @TempDir
    static Path folder;
    private static Tokenizer tokenizer;
    private static int mask;

    @BeforeAll
    static void makeTokenizer() {
        new BpeTrainer(280, List.of("<|a|>", "<|im_end|>", "<|reserved_0|>"), true)
                .train(Stream.of("The mayor of Bern is Anna. ", "Anna leads.")).save(folder,
                        new TokenizerSettings(null, "<|im_end|>", null, TEMPLATE, 96));
        tokenizer = Tokenizer.load(folder);
        mask = tokenizer.idOf("<|reserved_0|>").orElseThrow();
    }

    @AfterAll
    static void closeTokenizer() {
        tokenizer.close();
    }

    private static Demask demask(double lo, double hi, Draw draw) {
        return new Demask(lo, hi, Mode.SAMPLE, draw, "", REQUEST, LEAD_IN, 0.5, true);
    }

    private static List<Example> laidOut(Demask method, int maxLength, List<Sample> samples) {
        Encoder encoder = new Encoder(new TextEncoding(tokenizer, null), maxLength, TooLong.ERROR);
        return method.prepare(new ExamplePreparation(samples, encoder.encode(samples).examples(), encoder, tokenizer,
                Set.of(tokenizer.idOf("<|im_end|>").orElseThrow()), SCORES_NOTHING, 1, 3)).examples();
    }

    private static Example laidOut(String document) {
        return laidOut(demask(0, 1, Draw.PER_BATCH), 96, List.of(Sample.document("d:1", document))).get(0);
    }

    /** Card test 1. */
    @Test
    void theLayoutIsTheCards() {
        int[] document = tokenizer.encode("12345", false).ids();
        assertEquals(5, document.length);
        Example example = laidOut("12345");
        int a = tokenizer.idOf("<|a|>").orElseThrow();
        int end = tokenizer.idOf("<|im_end|>").orElseThrow();
        List<Integer> expected = new ArrayList<>(List.of(a, a, a, a));
        Arrays.stream(document).forEach(expected::add);
        expected.addAll(List.of(a, a, a, a, end, a, a, a, a));
        Arrays.stream(document).forEach(expected::add);
        expected.add(end);
        assertEquals(24, expected.size());
        assertEquals(expected, Arrays.stream(example.ids()).boxed().toList());
        List<Integer> learned = IntStream.range(0, 24).filter(i -> example.supervised()[i]).boxed().toList();
        assertEquals(List.of(18, 19, 20, 21, 22, 23), learned);
        assertEquals(6, TinyTraining.batch(List.of(example)).supervised());
        assertArrayEquals(IntStream.concat(Arrays.stream(document), IntStream.of(end)).toArray(),
                TinyTraining.batch(List.of(example)).labels());
    }

    private static List<Example> visit(Demask method, List<Example> batch, long step, long seed) {
        TrainSettings train = TrainSettings.builder().seed(seed).epochs(1).build();
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             BatchStage stage = method.stage(TinyTraining.context(model, batch, train))) {
            return stage.prepare(List.of(batch), step).get(0);
        }
    }

    private static long masks(Example example) {
        return Arrays.stream(example.ids()).filter(id -> id == mask).count();
    }

    /** Card test 2. */
    @Test
    void theShareOfMaskedTokensIsTheCards() {
        List<Example> batch = List.of(laidOut("12345"));
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             BatchStage stage = demask(.05, .95, Draw.PER_BATCH).stage(TinyTraining.context(model, batch,
                     TinyTraining.settings()))) {
            long masked = 0;
            int none = 0;
            for (int step = 1; step <= 100_000; step++) {
                long found = masks(stage.prepare(List.of(batch), step).get(0).get(0));
                masked += found;
                none += found == 0 ? 1 : 0;
            }
            assertEquals(0.5, masked / 5e5, 0.003);
            assertEquals(0.1361, none / 1e5, 0.004);
        }
    }

    /** Card test 3. */
    @Test
    void everyVisitHasMasksOfItsOwn() {
        List<Example> batch = List.of(laidOut("The mayor of Bern is Anna."));
        Demask half = demask(.5, .5, Draw.PER_BATCH);
        Example once = visit(half, batch, 4, 7).get(0);
        assertArrayEquals(once.ids(), visit(half, batch, 4, 7).get(0).ids());
        assertFalse(Arrays.equals(once.ids(), visit(half, batch, 5, 7).get(0).ids()));
        assertFalse(Arrays.equals(once.ids(), visit(half, batch, 4, 8).get(0).ids()));
        List<String> warnings = new ArrayList<>();
        Demask frozen = new Demask(.5, .5, Mode.SAMPLE, Draw.PER_BATCH, "", REQUEST, LEAD_IN, .5, false);
        assertArrayEquals(visit(frozen, batch, 4, 7).get(0).ids(), visit(frozen, batch, 5, 7).get(0).ids());
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             BatchStage stage = frozen.stage(new BatchContext(model, EngineOptions.DEFAULT, batch,
                     TinyTraining.settings(),
                     new TrainingListener() {
                         @Override
                         public void warned(String message) {
                             warnings.add(message);
                         }
                     }))) {
            assertEquals(1, warnings.size());
            assertTrue(warnings.get(0).startsWith("demask draws its masks only once"), warnings.get(0));
        }
    }

    /** Card tests 4 and 5: at ratio 0 nothing is masked, at 1 the whole copy, and never anything else. */
    @Test
    void nothingButTheCopyIsMasked() {
        Example example = laidOut("The mayor of Bern is Anna.");
        int length = tokenizer.encode("The mayor of Bern is Anna.", false).ids().length;
        assertArrayEquals(example.ids(), visit(demask(0, 0, Draw.PER_BATCH), List.of(example), 1, 1).get(0).ids());
        for (double ratio : new double[] {.4, 1}) {
            Example masked = visit(demask(ratio, ratio, Draw.PER_BATCH), List.of(example), 1, 1).get(0);
            assertEquals(Map.of(), masked.columns());
            assertArrayEquals(example.supervised(), masked.supervised());
            for (int i = 0; i < masked.ids().length; i++) {
                boolean inCopy = i >= 4 && i < 4 + length;
                if (ratio == 1 && inCopy) {
                    assertEquals(mask, masked.ids()[i]);
                }
                if (!inCopy) {
                    assertEquals(example.ids()[i], masked.ids()[i]);
                    assertTrue(masked.ids()[i] != mask);
                }
            }
            assertTrue(masks(masked) > 0 && masks(masked) <= length);
        }
    }

    /** Card test 6: tokens that were not masked count in the loss as those that were do. */
    @Test
    void theLossAveragesAllLabels() {
        Example example = laidOut("12345");
        Example masked = DemaskStage.masked(example, 0.5, 11);
        assertTrue(masks(masked) > 0 && masks(masked) < 5);
        float[] weights = TinyTraining.batch(List.of(masked)).weights();
        assertEquals(6, weights.length);
        for (float weight : weights) {
            assertEquals(1f / 6, weight, 1e-7f);
        }
    }

    @Test
    void ratiosAreDrawnForBatchesOrSamplesOrFollowASchedule() {
        List<Example> batch = IntStream.range(0, 40).mapToObj(i -> laidOut(demask(0, 1, Draw.PER_BATCH), 96,
                List.of(Sample.document("d:" + i, "The mayor of Bern is Anna."))).get(0)).toList();
        int length = tokenizer.encode("The mayor of Bern is Anna.", false).ids().length;
        double ofBatch = spread(visit(demask(0, 1, Draw.PER_BATCH), batch, 3, 2), length);
        double ofSamples = spread(visit(demask(0, 1, Draw.PER_SAMPLE), batch, 3, 2), length);
        assertTrue(ofSamples > 1.5 * ofBatch, ofSamples + " and " + ofBatch);
        Demask schedule = new Demask(0, 1, Mode.SCHEDULE, Draw.PER_BATCH, "", REQUEST, LEAD_IN, .5, true);
        TrainSettings train = TrainSettings.builder().maxSteps(11).build();
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             BatchStage stage = schedule.stage(TinyTraining.context(model, batch, train))) {
            for (int step : new int[] {1, 4, 11}) {
                stage.prepare(List.of(batch), step);
                assertEquals((step - 1) / 10.0, stage.values().get("demask.ratio"), 1e-12);
            }
        }
    }

    private static double spread(List<Example> visited, int length) {
        double[] shares = visited.stream().mapToDouble(example -> (double) masks(example) / length).toArray();
        double mean = Arrays.stream(shares).average().orElseThrow();
        return Math.sqrt(Arrays.stream(shares).map(share -> (share - mean) * (share - mean)).average().orElseThrow());
    }

    /** The variant of tasks: the prompt stands before the masked answer, and a share of the samples stays as it is. */
    @Test
    void answersStandBehindTheirPrompts() {
        List<Sample> samples = IntStream.range(0, 60).mapToObj(i -> new Sample("t:" + i, List.of(Message.user("Who?"),
                Message.assistant("12345")), List.of(), null, Map.of())).toList();
        List<Example> examples = laidOut(demask(0, 1, Draw.PER_BATCH), 96, samples);
        assertEquals(60, examples.size());
        int plain = tokenizer.encode("<|a|>Who?<|im_end|>12345", false).ids().length + 5;
        long left = examples.stream().filter(example -> example.ids().length == plain).count();
        assertTrue(left > 18 && left < 42, left + " of 60");
        Example exercise = examples.stream().filter(example -> example.ids().length != plain).findFirst().orElseThrow();
        String text = tokenizer.decode(exercise.ids(), false);
        assertEquals("<|a|><|a|><|a|><|a|>Who?\n12345" + REQUEST + "<|im_end|><|a|>" + LEAD_IN + "12345<|im_end|>",
                text);
        assertEquals(6, exercise.supervisedTokens());
        // Plain ones are left alone, and one batch may hold both.
        List<Example> visited = visit(demask(1, 1, Draw.PER_BATCH), examples, 1, 1);
        assertEquals(60 - left, visited.stream().filter(example -> masks(example) == 5).count());
        assertEquals(left, visited.stream().filter(example -> masks(example) == 0).count());
    }

    @Test
    void longDocumentsAreSplitBetweenSentences() {
        String text = "The mayor of Bern is Anna. Anna leads. The mayor of Bern leads.";
        int longest = tokenizer.encode("The mayor of Bern is Anna. ", false).ids().length;
        Demask method = demask(0, 1, Draw.PER_BATCH);
        int most = 14 + 2 * (longest + 4);
        int whole = tokenizer.encode(text, true).ids().length;
        List<Example> parts = laidOut(method, Math.max(most, whole + 1), List.of(Sample.document("d:1", text)));
        assertTrue(parts.size() > 1);
        assertEquals("d:1#1", parts.get(0).id());
        StringBuilder all = new StringBuilder();
        for (Example part : parts) {
            int learned = part.supervisedTokens();
            all.append(tokenizer.decode(Arrays.copyOfRange(part.ids(), part.ids().length - learned, part.ids().length
                    - 1),
                    false));
        }
        assertEquals(text, all.toString());
        String tooLong = "a".repeat(60);
        String message = assertThrows(FinetuneException.class, () -> laidOut(method, 70,
                List.of(Sample.document("d:2", tooLong)))).getMessage();
        assertTrue(message.startsWith("demask: a sentence of d:2 has 60 tokens, of which two copies do not fit into "
                + "70 tokens; "
                + "at most 28 do."), message);
    }

    @Test
    void aStoppedRunEndsWithTheSameBits() {
        List<Example> examples = IntStream.range(0, 12).mapToObj(i -> small("d:" + i, i)).toList();
        List<BatchMethod> methods = List.of(demask(.05, .95, Draw.PER_BATCH));
        float[] whole = TinyTraining.train(new Sft(), methods, examples, null, TrainingListener.NONE);
        TinyTraining.stopAfter(1, new Sft(), methods, examples, folder.resolve("run"));
        assertArrayEquals(whole, TinyTraining.train(new Sft(), methods, examples, folder.resolve("run"),
                TrainingListener.NONE));
        assertFalse(Arrays.equals(whole, TinyTraining.train(new Sft(), List.of(demask(0, 0, Draw.PER_BATCH)), examples,
                null,
                TrainingListener.NONE)));
    }

    /** A sample for the tiny model, whose vocabulary is smaller than the tokenizer's. */
    private static Example small(String id, int start) {
        int[] ids = IntStream.range(0, 16).map(i -> (start + i % 8) % 39).toArray();
        boolean[] supervised = new boolean[16];
        Arrays.fill(supervised, 8, 16, true);
        float[] maskable = new float[16];
        Arrays.fill(maskable, DemaskLayout.FIXED);
        Arrays.fill(maskable, 0, 8, 39);
        return new Example(id, ids, supervised).withColumn(DemaskLayout.COLUMN, maskable);
    }

    @Test
    void refusesWhatDoesNotFit() {
        assertEquals("demask: setting 'lo' is -0.1, but must be in [0, 1].", message(Map.of("lo", -.1)));
        assertEquals("demask: setting 'hi' is 0.01, but must be at least 0.05 (lo) and at most 1.",
                message(Map.of("hi", .01)));
        assertEquals("demask: setting 'request' is '', but must be a text that is not empty.",
                message(Map.of("request", "")));
        assertEquals("demask: setting 'leadIn' is '', but must be a text that is not empty.", message(Map.of("leadIn",
                "")));
        assertEquals("demask: setting 'plainShare' is 2.0, but must be in [0, 1].", message(Map.of("plainShare", 2.0)));
        assertEquals(mask, MaskToken.of("demask", "", tokenizer, Set.of()));
        assertEquals(mask, MaskToken.of("demask", "<|reserved_0|>", tokenizer, Set.of()));
        for (String[] refused : new String[][] {{"<|im_end|>", "but it does"}, {"a", "but it is an ordinary one"},
                {"<|none|>", "but there is none of that name"}}) {
            String message = assertThrows(FinetuneException.class, () -> MaskToken.of("demask", refused[0],
                    tokenizer, Set.of()))
                    .getMessage();
            assertTrue(message.contains(refused[1]), message);
        }
        assertTrue(assertThrows(FinetuneException.class, () -> laidOut("Anna <|reserved_0|>")).getMessage()
                .startsWith("demask: d:1 holds the mask token itself."));
    }

    private static String message(Map<String, ?> settings) {
        return assertThrows(FinetuneException.class, () -> Demask.METHOD.create(new Settings(settings))).getMessage();
    }
}
