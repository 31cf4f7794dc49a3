package org.finetune4j.methods.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Example;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.methods.data.exam.AnswerLayout;
import org.finetune4j.methods.data.exam.AnswerLayout.Format;
import org.finetune4j.methods.data.exam.AnswerLayout.Order;
import org.finetune4j.methods.data.exam.AnswerLayout.Parsed;
import org.finetune4j.methods.data.exam.ExamItem;
import org.finetune4j.methods.data.exam.ExamScore;
import org.finetune4j.methods.data.exam.Explanation;
import org.finetune4j.methods.data.exam.IracDistillation;
import org.finetune4j.methods.decode.Demonstrations;
import org.finetune4j.tokenizer.BpeTrainer;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Supervision;
import org.finetune4j.tokenizer.Tokenizer;
import org.finetune4j.tokenizer.TokenizerSettings;
import org.finetune4j.tokenizer.Turns;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The numbered tests of the card llama-bar that need no training. */
class BarExamTest {
    private static final String HARD =
            "He said: \"no\".\n\n# Not a heading\nQuestion: who?\n1. Domain: none\n\\# slash\n{ }, \\ 漢";

    private static ExamItem item(Explanation explanation) {
        return new ExamItem("Civil procedure", "May he sue?", List.of("Yes", "No", "Perhaps", "Never"), 'C',
                explanation);
    }

    private static List<AnswerLayout> layouts() {
        List<AnswerLayout> layouts = new ArrayList<>();
        for (Format format : Format.values()) {
            for (Order order : Order.values()) {
                layouts.add(new AnswerLayout(format, order, true));
                layouts.add(new AnswerLayout(format, order, false));
            }
        }
        return layouts;
    }

    private static Explanation explanation(boolean structured, String text) {
        return structured ? Explanation.irac(text, "The facts: " + text, text + " x", text) : Explanation.of(text);
    }

    @Test
    void test1MalformedAnswersAreWrongButNotCountedByDomain() {
        List<ExamItem> items = new ArrayList<>();
        List<Parsed> answers = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            items.add(item(Explanation.of("x")));
            answers.add(new Parsed("civil Procedure", i < 4 ? null : i < 7 ? 'C' : 'A', Explanation.of("")));
        }
        ExamScore score = ExamScore.of(answers, items, Map.of());
        assertEquals(0.3, score.accuracy(), 1e-12);
        assertEquals(0.4, score.parseFailure(), 1e-12);
        assertEquals(Map.of("Civil procedure", 0.5), score.domainAccuracy());
        assertEquals(0.3, score.combined(), 1e-12);
        assertEquals(3, score.confusion()[2][2]);
        answers.set(6, new Parsed("civ pro", 'C', Explanation.of("")));
        assertEquals(0.2, ExamScore.of(answers, items, Map.of()).combined(), 1e-12);
        assertEquals(0.3, ExamScore.of(answers, items, Map.of("civ pro", "Civil procedure")).combined(), 1e-12);
        assertThrows(FinetuneException.class, () -> ExamScore.of(List.of(), List.of(), Map.of()));
    }

    @Test
    void test2BiasIsTheDistanceOfLettersWhateverIsRight() {
        assertEquals(0.1118, ExamScore.bias(new double[] {0.4, 0.3, 0.2, 0.1}, new double[] {1, 1, 1, 1}), 5e-5);
        assertEquals(0, ExamScore.bias(new double[] {3, 2, 2, 1}, new double[] {3, 2, 2, 1}));
        List<ExamItem> items = new ArrayList<>();
        List<Parsed> permuted = new ArrayList<>();
        for (int i = 0; i < 8; i++) {
            items.add(new ExamItem("d", "q", List.of("a", "b", "c", "d"), "ABCD".charAt(i % 4), Explanation.of("")));
            permuted.add(new Parsed("d", "ABCD".charAt((i + 1) % 4), Explanation.of("")));
        }
        ExamScore score = ExamScore.of(permuted, items, Map.of());
        assertEquals(0, score.accuracy());
        assertEquals(0, score.optionBias(), 1e-12);
        assertEquals(Math.sqrt(0.5), score.optionBias('A'), 1e-12, "given that A is right, always B");
    }

    @Test
    void test3EveryLayoutIsReadBackAsItWasWritten() {
        assertEquals(12, layouts().size());
        for (AnswerLayout layout : layouts()) {
            for (String text : List.of(HARD, "Plain.", "2) two", "a\n\n\nb", "Question: first line")) {
                Explanation explanation = explanation(layout.structured(), text);
                String written = layout.render(item(explanation));
                for (String answer : List.of(written, written + "\n\nQuestion: What else?\nA. x\n## Answer\nA")) {
                    assertEquals(new Parsed("Civil procedure", 'C', explanation), layout.parse(answer), layout + "\n"
                            + answer);
                }
            }
            assertTrue(layout.instruction().contains(layout.format() == Format.JSON ? "\"domain\"" : "Domain"));
        }
    }

    @Test
    void test4AnswersThatAreCutOffKeepWhatIsThere() {
        for (boolean structured : new boolean[] {true, false}) {
            for (Order order : Order.values()) {
                AnswerLayout layout = new AnswerLayout(Format.JSON, order, structured);
                String whole = layout.render(item(explanation(structured, "because \"it\" is so")));
                String third = structured && order == Order.FACT_FIRST ? "\"Fact_Analysis\":\"The f"
                        : structured ? "\"Legal_Concept\":\"bec" : order == Order.ANSWER_FIRST
                        ? "\"explanation\":\"bec" : "\"answer\":\"";
                int cut = whole.indexOf(third) + third.length();
                assertTrue(cut >= third.length(), whole);
                Parsed parsed = layout.parse(whole.substring(0, cut));
                assertEquals("Civil procedure", parsed.domain());
                assertEquals(order == Order.ANSWER_FIRST ? (Character) 'C' : null, parsed.letter(),
                        whole.substring(0, cut));
                assertEquals('C', layout.parse("Sure: " + whole.replace("}", ",}")).letter(), "a comma too many");
            }
        }
    }

    @Test
    void lettersAreReadInManyFormsAndNeverGuessed() {
        AnswerLayout layout = new AnswerLayout(Format.MARKDOWN, Order.ANSWER_FIRST, false);
        Map<String, Character> forms =
                Map.of("B", 'B', "(B)", 'B', "B. A contract", 'B', "Option D", 'D', "The answer is C", 'C',
                "**A**", 'A');
        forms.forEach((text, letter) -> assertEquals(letter, layout.parse("## Domain\nTorts\n\n## Answer\n" + text
                + "\n\n## Explanation\nx").letter(), text));
        for (String text : List.of("A or B", "E", "", "none", "b")) {
            assertNull(layout.parse("## Domain\nTorts\n\n## Answer\n" + text + "\n\n## Explanation\nx").letter(), text);
        }
        assertTrue(layout.parse("I do not know").isMalformed());
        assertTrue(new AnswerLayout(Format.JSON, Order.ANSWER_FIRST, false)
                .parse(layout.render(item(Explanation.of("x"))))
                .isMalformed(), "JSON is not read from Markdown");
    }

    private static final Map<String, Integer> POOL =
            new LinkedHashMap<>(Map.of("Contracts", 320, "Evidence", 272, "Criminal",
            270, "Property", 257, "Constitutional", 240, "Civil procedure", 86, "Torts", 67));

    private static DataSource pool() {
        List<Sample> rows = new ArrayList<>();
        POOL.forEach((domain, count) -> {
            for (int i = 0; i < count; i++) {
                rows.add(new Sample("pool:" + domain + i, List.of(Message.user(domain + " question " + i),
                        Message.assistant("A")), List.of(), "A", Map.of("domain", domain)));
            }
        });
        return DataSource.of("pool", rows);
    }

    private static List<String> subset(int count, long seed) {
        return new PerGroupSubset("domain", count, seed).of(pool()).rows().stream().map(Row::id).toList();
    }

    @Test
    void test5SubsetsAreAsLargeAsTheGroupsAllowAndNested() {
        assertEquals(517, subset(75, 1).size());
        assertEquals(778, subset(125, 1).size());
        assertEquals(1512, subset(PerGroupSubset.ALL, 1).size());
        assertEquals(7, subset(1, 1).size());
        assertEquals(subset(20, 1), subset(20, 1));
        assertNotEquals(subset(20, 1), subset(20, 2));
        assertTrue(subset(75, 1).containsAll(subset(20, 1)));
        DataReport report = new DataReport();
        try (RowStream rows = new PerGroupSubset("domain", 75, 1).of(pool()).open(report)) {
            assertEquals("pool", rows.next() == null ? "" : "pool");
        }
        assertEquals(List.of("Torts has only 67 samples of the 75 that are drawn from every domain"), report.lines());
        Map<String, Long> groups = new PerGroupSubset("domain", 20, 3).of(pool()).samples().stream().collect(
                Collectors.groupingBy(sample -> Objects.requireNonNull(sample.fields().get("domain")),
                Collectors.counting()));
        assertTrue(groups.values().stream().allMatch(count -> count == 20), groups.toString());
        assertThrows(FinetuneException.class, () -> new PerGroupSubset("domain", 0, 1));
        assertThrows(FinetuneException.class, () -> new PerGroupSubset("area", 1, 1).of(pool()).rows());
    }

    @Test
    void samplesAreLaidOut() {
        Map<String, String> fields = new LinkedHashMap<>(explanation(true, "so").parts());
        fields.put("domain", "Torts");
        fields.put("options", "[\"w\", \"x\", \"y\", \"z\"]");
        Sample sample = new Sample("bar:1", List.of(Message.user("Who pays?")), List.of(), "D", fields);
        Sample laidOut = new AnswerTemplate(Format.NUMBERED, Order.FACT_FIRST, true)
                .of(DataSource.of("bar", List.of(sample)))
                .samples().get(0);
        assertEquals(List.of("system", "user", "assistant"), laidOut.messages().stream().map(Message::role).toList());
        assertEquals("Who pays?\nA. w\nB. x\nC. y\nD. z", laidOut.messages().get(1).text());
        assertTrue(Objects.requireNonNull(laidOut.response()).startsWith("1. Domain: Torts\n2. Legal concept: so\n"));
        assertTrue(laidOut.response().endsWith("\n6. Answer: D"), laidOut.response());
        for (String missing : List.of("domain", "options", "Legal_Concept")) {
            Map<String, String> fewer = new LinkedHashMap<>(fields);
            fewer.remove(missing);
            String message = assertThrows(FinetuneException.class, () ->
                    new AnswerTemplate(Format.JSON, Order.FACT_FIRST, true)
                    .of(DataSource.of("bar", List.of(new Sample("bar:1", sample.messages(), List.of(), "D", fewer))))
                    .rows())
                    .getMessage();
            assertTrue(message.contains("bar:1 has no field '" + missing + "'"), message);
        }
        fields.put("options", "[\"w\", \"x\"]");
        assertThrows(FinetuneException.class, () ->
                ExamItem.of(new Sample("bar:1", sample.messages(), List.of(), "D", fields),
                true), "two options");
    }

    @Test
    void theTeachersAnswerIsHeldToItsSchema() throws Exception {
        Explanation structured = explanation(true, "so");
        List<Message> turns = IracDistillation.conversation(item(Explanation.of("It is so.")),
                List.of(new IracDistillation.Shot(item(Explanation.of("y")), structured)));
        assertEquals(List.of("system", "user", "assistant", "user"), turns.stream().map(Message::role).toList());
        assertTrue(turns.get(3).text().endsWith("Correct answer: C\nExplanation: It is so."), turns.get(3).text());
        assertEquals(structured, IracDistillation.read(turns.get(2).text()));
        assertNull(IracDistillation.read("{\"Legal_Concept\": \"x\"}"));
        assertNull(IracDistillation.read("no"));
        assertNull(IracDistillation.read(turns.get(2).text().replace("}", ",\"more\":\"x\"}")));
        assertEquals(Explanation.IRAC, Arrays.asList(StrictJson.mapper().convertValue(
                StrictJson.mapper().readTree(IracDistillation.schema()).path("required"), String[].class)));
    }

    private static Sample question(int number) {
        return new Sample("q:" + number, List.of(Message.user("Question " + number + "?")), List.of(), "B",
                Map.of("domain", "Torts", "options", "[\"one\", \"two\", \"three\", \"four\"]", "explanation",
                        "because " + number));
    }

    /** Test 7: with the prompt's tokens learned, (4 x 3 + 1 + 2) / 6 = 2.5 nats a token; the answer's alone, 1.5. */
    @Test
    void test7ThePromptIsLearnedWhereTheTemplateSaysSo(@TempDir Path folder) {
        new BpeTrainer(270, List.of("<end>"), true).train(Stream.of("pq ab"))
                .save(folder, new TokenizerSettings(null, "<end>", null,
                        "{% for m in messages %}{{ m['content'] }}{% endfor %}", 64));
        Sample sample = new Sample("q:1", List.of(Message.user("pqpq"), Message.assistant("ab")), List.of(), null, Map.of());
        Map<Character, Double> losses = Map.of('p', 3.0, 'q', 3.0, 'a', 1.0, 'b', 2.0);
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            Map<Turns, Double> means = new LinkedHashMap<>();
            for (Turns turns : List.of(Turns.ALL_TEXT, Turns.ASSISTANT)) {
                Example example = new TextEncoding(tokenizer, null, new Supervision(turns, false),
                        tokenizer.vocabularySize()).encode(sample);
                means.put(turns, IntStream.range(0, example.ids().length).filter(i -> example.supervised()[i])
                        .mapToDouble(i -> tokenizer.decode(new int[] {example.ids()[i]}, false).chars()
                                .mapToDouble(c -> losses.get((char) c)).average().orElseThrow()).average().orElseThrow());
            }
            assertEquals(1.5, means.get(Turns.ASSISTANT), 1e-12);
            assertEquals(2.5, means.get(Turns.ALL_TEXT), 1e-12);
        }
    }

    @Test
    void fewShotPromptsShowTheSameExamplesInTheSameLayout() {
        DataSource data = DataSource.of("exam", IntStream.range(0, 6).mapToObj(BarExamTest::question)
                .toList());
        for (AnswerLayout layout : layouts().stream().filter(layout -> !layout.structured()).toList()) {
            DataSource laidOut = new AnswerTemplate(layout.format(), layout.order(), false).of(data);
            List<Sample> made = new InContext(2, Demonstrations.Retrieve.FIXED, 1, 42)
                    .of(laidOut, laidOut).samples();
            assertEquals(6, made.size());
            for (int i = 2; i < 6; i++) {
                List<Message> turns = made.get(i).messages();
                assertEquals(List.of("system", "user", "assistant", "user", "assistant", "user", "assistant"),
                        turns.stream().map(Message::role).toList());
                assertTrue(turns.get(1).text().contains("Question 0?") && turns.get(3).text().contains("Question 1?"));
                assertTrue(turns.get(5).text().contains("Question " + i + "?"));
                Parsed shown = layout.parse(turns.get(2).text());
                assertEquals('B', shown.letter());
                assertEquals("Torts", shown.domain());
            }
            assertTrue(made.get(0).messages().get(1).text().contains("Question 1?"), "a question is no example of itself");
        }
    }
}
