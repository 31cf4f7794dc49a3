package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.PreferencePair;
import org.finetune4j.data.Sample;
import org.finetune4j.data.format.FieldMapping;
import org.finetune4j.data.format.Part;
import org.finetune4j.data.format.RecordFormat;
import org.finetune4j.methods.generate.AnswerCache;
import org.finetune4j.methods.generate.CachedTextModel;
import org.finetune4j.methods.generate.LocalModel;
import org.finetune4j.methods.generate.Policy;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.judge.LlmRating;
import org.finetune4j.methods.judge.Rating;
import org.finetune4j.methods.select.Selector.Selection;
import org.finetune4j.methods.select.Pika.Choose;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Card {@code pika}. */
class PikaTest {
    @TempDir
    Path folder;

    private static List<Sample> personas(int count) {
        return IntStream.range(0, count).mapToObj(i -> Sample.document("persona:" + i, "An expert of kind " + i))
                .toList();
    }

    private static Pika pika(int answers, int size, Choose choose) {
        return new Pika(new LocalModel("writer"), new LocalModel("answerer"), new LlmRating(new LocalModel("judge")),
                answers,
                size, answers == 1 ? 0 : 0.8, 50, choose, false, false, 4);
    }

    private static String first(TextRequest request) {
        return request.conversation().messages().get(0).text();
    }

    /** Writes a task out of the persona's number, answers with the seed, and rates by the seed in the answer. */
    private static String model(TextRequest request) {
        String text = first(request);
        if (text.startsWith("Here is somebody")) {
            String number = text.replaceAll("(?s).*kind ([0-9]+).*", "$1");
            return "Task " + words(Long.parseLong(number));
        }
        if (text.startsWith("Rate an answer")) {
            long seed = Long.parseLong(text.replaceAll("(?s).*word (-?[0-9]+).*", "$1"));
            return String.valueOf(1 + Math.floorMod(seed, 9));
        }
        return "word " + request.seed();
    }

    /** Words that share no triple with those of another number. */
    private static String words(long number) {
        Random random = new Random(number);
        return IntStream.range(0, 8).mapToObj(i -> "w" + random.nextInt(100_000)).reduce("", (a, b) -> a + " " + b);
    }

    @Test
    void bestAndWorst() {
        BestAndWorst one = BestAndWorst.of(List.of(1.2, 3.4, 2.9));
        assertEquals(List.of(1, 0), List.of(one.best(), one.worst()));
        assertEquals(2.2, one.gap(), 1e-12);
        BestAndWorst tie = BestAndWorst.of(List.of(0.1, -0.5, 0.1));
        assertEquals(List.of(0, 1), List.of(tie.best(), tie.worst()));
        assertEquals(0.6, tie.gap(), 1e-12);
        assertEquals(new BestAndWorst(0, 0, 0), BestAndWorst.of(List.of(2.0, 2.0, 2.0)));
        assertEquals(new BestAndWorst(1, 1, 0), BestAndWorst.of(List.of(Double.NaN, 2.0)));
        assertTrue(!BestAndWorst.of(List.of(Double.NaN)).rated());
    }

    @Test
    void theScorerSaysHowHardInstructionsAre() {
        Pika pika = new Pika(new LocalModel("writer"), new LocalModel("answerer"), new LlmRating(new LocalModel("judge")), 2, 6,
                0.8, 50, Choose.BEST, false, true, 4);
        List<String> asked = new ArrayList<>();
        Selection selection = pika.select(personas(6), context(request -> {
            if (!first(request).startsWith("Rate how hard a task is")) {
                return model(request);
            }
            synchronized (asked) {
                asked.add(first(request));
                return asked.size() == 3 ? "no idea" : asked.size() % 2 == 0 ? "8" : "It is a 5.";
            }
        }));
        assertEquals(6, asked.size());
        assertTrue(asked.stream().allMatch(text -> text.contains("Task:\nTask ")), asked.get(0));
        assertEquals("6.8000, of 5 that were rated", selection.report().get("mean difficulty, 1 to 10"));
        List<Integer> kept = DataSource.jsonLines(folder.resolve("pika.jsonl"), FieldMapping.standard().as(
                RecordFormat.PROMPT_RESPONSE)).samples().stream().map(sample -> sample.fields().getOrDefault("difficulty", ""))
                .filter(text -> !text.isEmpty()).map(text -> (int) Double.parseDouble(text)).sorted().toList();
        assertEquals(List.of(5, 5, 8, 8, 8), kept);
        assertTrue(pika.work(personas(6)).stream().anyMatch(work -> work.toString().contains("difficulties")));
    }

    private FakeContext context(Function<TextRequest, String> texts) {
        return new FakeContext(FakeContext.model("fake", texts), BigramModel.CARD, folder);
    }

    private List<PreferencePair> pairs() {
        return DataSource.jsonLines(folder.resolve("pika.jsonl"), new FieldMapping(Map.of(Part.PROMPT, "prompt",
                Part.CHOSEN,
                "response", Part.REJECTED, "worst", Part.MARGIN, "gap"), RecordFormat.PREFERENCE,
                FieldMapping.standard()
                .alpaca())).rows().stream().map(PreferencePair.class::cast).toList();
    }

    @Test
    void bothViewsReadOneFile() {
        Selection selection = pika(3, 20, Choose.BEST).select(personas(20), context(PikaTest::model));
        assertEquals(20, selection.samples().size());
        List<Sample> read = DataSource.jsonLines(folder.resolve("pika.jsonl"), FieldMapping.standard().as(
                RecordFormat.PROMPT_RESPONSE)).samples();
        List<PreferencePair> pairs = pairs();
        assertEquals(20, pairs.size());
        int apart = 0;
        for (int i = 0; i < 20; i++) {
            assertEquals(selection.samples().get(i).messages(), read.get(i).messages());
            assertEquals(read.get(i).response(), pairs.get(i).chosen().get(0).text());
            apart += pairs.get(i).chosen().equals(pairs.get(i).rejected()) ? 0 : 1;
        }
        assertEquals(String.valueOf(apart), selection.report().get("pairs, best above worst"));
        assertTrue(apart > 10);
    }

    /** A rating that is a function of the answer's text. */
    private record Numbers(Map<String, Double> ratings) implements Rating {
        @Override
        public org.finetune4j.methods.Method<Numbers> method() {
            return new org.finetune4j.methods.Method<>("numbers", org.finetune4j.methods.Method.Kind.JUDGE, "Numbers",
                    "this test", settings -> this);
        }

        @Override
        public Map<String, Object> settings() {
            return Map.of();
        }

        @Override
        public List<Double> rate(List<org.finetune4j.methods.judge.Reply> replies,
                                 org.finetune4j.methods.generate.Asker asker) {
            return replies.stream().map(reply -> ratings.get(reply.text())).toList();
        }

        @Override
        public boolean isBy(org.finetune4j.methods.generate.TextSource source) {
            return false;
        }

        @Override
        public List<org.finetune4j.methods.generate.TextWork> work(List<Sample> samples) {
            return List.of();
        }
    }

    @Test
    void theBestOfMoreAnswersIsBetter() {
        double[] expected = {0.56, 1.03, 1.42};
        double[] found = new double[3];
        for (int k = 0; k < 3; k++) {
            Random random = new Random(9);
            Map<String, Double> ratings = new HashMap<>();
            Pika pika = new Pika(new Policy(), new Policy(), new Numbers(ratings), 2 << k, 4000, 1, 50, Choose.BEST,
                    false, false, 4);
            Selection selection = pika.select(personas(4000), FakeContext.answering(request -> {
                String text = model(request);
                ratings.putIfAbsent(text, random.nextGaussian());
                return text;
            }));
            found[k] = selection.samples().stream().mapToDouble(sample ->
                    ratings.get(String.valueOf(sample.response())))
                    .average().orElseThrow();
        }
        assertArrayEquals(expected, found, 0.02);
    }

    @Test
    void onlyTheWriterSeesThePersona() {
        FakeContext context = context(PikaTest::model);
        pika(2, 10, Choose.BEST).select(personas(10), context);
        assertTrue(context.asked.get("write instructions").stream().allMatch(request -> first(request)
                .contains("An expert of "
                + "kind")));
        assertEquals(10, context.asked.get("write instructions").stream().map(PikaTest::model).distinct().count());
        List<TextRequest> answered = context.asked.get("answer the instructions");
        assertTrue(answered.stream().allMatch(request -> first(request).startsWith("Task ") && !first(request).contains(
                "expert")));
        assertEquals(20, answered.stream().map(TextRequest::seed).distinct().count(), "each answer has its own draw");
    }

    @Test
    void identicalAnswersAreRefused() {
        assertEquals("pika: 4 answers at temperature 0 are identical answers. Choose a temperature above 0, or one "
                + "answer.",
                assertThrows(FinetuneException.class, () -> new Pika(new Policy(), new Policy(),
                new LlmRating(new Policy()), 4,
                        1, 0, 1, Choose.BEST, true, false, 0)).getMessage());
        assertThrows(FinetuneException.class, () -> pika(0, 1, Choose.BEST));
        assertThrows(FinetuneException.class, () -> pika(1, 0, Choose.BEST));
    }

    /** A model that fails after so many answers. */
    private static TextModel failing(int[] asked, int after) {
        TextModel whole = FakeContext.model("fake", PikaTest::model);
        return new TextModel() {
            @Override
            public void answer(List<TextRequest> requests, Listener listener) {
                whole.answer(requests, (request, answer) -> {
                    if (asked[0] == after) {
                        throw new IllegalStateException("killed");
                    }
                    asked[0]++;
                    listener.answered(request, answer);
                });
            }

            @Override
            public String identity() {
                return "fake";
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        };
    }

    @Test
    void aRunThatWasKilledGoesOnAndAsksNothingTwice() throws IOException {
        int[] uninterrupted = {0};
        pika(3, 20, Choose.BEST).select(personas(20), new FakeContext(failing(uninterrupted, -1), BigramModel.CARD,
                folder));
        String whole = Files.readString(folder.resolve("pika.jsonl"));
        assertEquals(20, whole.lines().count());
        Files.delete(folder.resolve("pika.jsonl"));

        Path cache = folder.resolve("answers.jsonl");
        // After the instructions and all answers to 17 of them.
        int[] killed = {0};
        assertThrows(IllegalStateException.class, () -> pika(3, 20, Choose.BEST).select(personas(20), new FakeContext(
                new CachedTextModel(failing(killed, 20 + 17 * 3), new AnswerCache(cache)), BigramModel.CARD, folder)));
        assertEquals(71, killed[0]);
        int[] rest = {0};
        pika(3, 20, Choose.BEST).select(personas(20), new FakeContext(new CachedTextModel(failing(rest, -1),
                new AnswerCache(cache)), BigramModel.CARD, folder));
        assertEquals(whole, Files.readString(folder.resolve("pika.jsonl")));
        assertEquals(uninterrupted[0], killed[0] + rest[0]);
    }

    @Test
    void whatIsNoInstructionIsLeftOutAndReplaced() {
        FakeContext context = context(request -> {
            String text = first(request);
            int number = text.startsWith("Here is somebody")
                    ? Integer.parseInt(text.replaceAll("(?s).*kind ([0-9]+).*", "$1"))
                    : -1;
            return number == 0 ? " " : number == 1 ? "I\u2019m sorry, I cannot do that." : number == 2 ? model(request)
                    .repeat(1)
                    : number == 3 ? "Task " + words(2) : text.equals("Task " + words(4))
                    ? "\u043e\u0442\u0432\u0435\u0442"
                    : model(request);
        });
        Selection selection = pika(2, 30, Choose.BEST).select(personas(12), context);
        assertEquals(8, selection.samples().size());
        Map<String, String> report = selection.report();
        assertEquals("12", report.get("personas"));
        assertEquals("8", report.get("kept"));
        assertEquals("2", report.get("left out: instructions empty or refused"));
        assertEquals("1", report.get("left out: instructions like an earlier one"));
        assertEquals("1", report.get("left out: instructions without a whole answer"));
        assertEquals(List.of("pika: only 8 of 30 instructions came of 12 personas. Give more personas, or a smaller "
                + "size."),
                context.warnings);
        FakeContext enough = context(request -> first(request).contains("kind 0") ? "" : model(request));
        assertEquals(5, pika(2, 5, Choose.BEST).select(personas(12), enough).samples().size(), "topped up");
        assertEquals(List.of(), enough.warnings);
    }

    @Test
    void anAnswerIsInTheLettersOfItsInstructionOrHasNone() {
        assertTrue(InstructionFilter.mayBeChosen("How many are left?", new TextAnswer("74 - 18 = 56.", true, 1, 1)));
        assertTrue(InstructionFilter.mayBeChosen("How many are left?", new TextAnswer("There are 56.", true, 1, 1)));
        assertFalse(InstructionFilter.mayBeChosen("How many are left?", new TextAnswer("\u041e\u0441\u0442\u0430\u043b\u043e\u0441\u044c 56.", true, 1, 1)));
        assertFalse(InstructionFilter.mayBeChosen("How many are left?", new TextAnswer("74 - 18", false, 1, 1)));
    }

    @Test
    void oneAnswerNeedsNoRatingAndMakesNoPair() {
        FakeContext context = context(PikaTest::model);
        Selection selection = pika(1, 5, Choose.BEST).select(personas(5), context);
        assertEquals(0, context.count("rate the answers"));
        assertEquals("0", selection.report().get("pairs, best above worst"));
    }

    @Test
    void answersThatWereCutOffAreNotChosen() {
        TextModel model = new TextModel() {
            @Override
            public void answer(List<TextRequest> requests, Listener listener) {
                for (int i = 0; i < requests.size(); i++) {
                    boolean answers = first(requests.get(i)).startsWith("Task");
                    listener.answered(i, new TextAnswer(PikaTest.model(requests.get(i)), !answers || i % 2 == 0, 1, 7));
                }
            }

            @Override
            public String identity() {
                return "cut";
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        };
        FakeContext context = new FakeContext(model, BigramModel.CARD, null);
        Selection selection = pika(2, 6, Choose.BEST).select(personas(6), context);
        assertEquals(6, context.count("rate the answers"));
        assertEquals("mean 7, half at most 7, 90 % at most 7", selection.report().get("tokens of a chosen answer"));
    }

    @Test
    void allAnswersCanGoOnAsCandidates() {
        Pika all = pika(3, 6, Choose.ALL);
        Selection selection = all.select(personas(6), context(PikaTest::model));
        assertTrue(selection.samples().stream().allMatch(sample -> sample.candidates().size() == 3
                && sample.response() == null));
        assertEquals(List.of(), SelectionRules.problems(List.of(all, new Grape()), personas(6), "personas"));
        assertTrue(SelectionRules.problems(List.of(pika(3, 6, Choose.BEST), new Grape()), personas(6), "personas")
                .get(0)
                .startsWith("grape comes after pika, which leaves one response"));
    }

    @Test
    void domainsAreTakenAlike() {
        List<Sample> personas = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            personas.add(new Sample("persona:" + i, List.of(org.finetune4j.tokenizer.Message.user("An expert of kind "
                    + i)),
                    List.of(), null, Map.of("domain", i < 24 ? "biology" : "law")));
        }
        List<Sample> order = new PersonaOrder(1).of(personas);
        assertEquals(6, order.subList(0, 12).stream().filter(sample -> "law".equals(sample.fields().get("domain")))
                .count());
        assertEquals(30, order.stream().distinct().count());
        assertNotEquals(order, new PersonaOrder(2).of(personas));
    }

    @Test
    void aWriterThatRatesItselfIsRefused() {
        List<String> problems = new Pika(new Policy(), new LocalModel("a"), new LlmRating(new Policy()), 4, 1, 1, 1,
                Choose.BEST,
                false, false, 0).problems(personas(1));
        assertEquals(List.of("one model both writes and rates, which favours its own habits. Give another scorer, or "
                + "set "
                + "allowSameJudge = true."), problems);
        assertEquals(List.of(), pika(4, 1, Choose.BEST).problems(personas(1)));
        assertEquals(3, pika(1, 1, Choose.BEST).work(personas(3)).get(0).requests());
    }
}
