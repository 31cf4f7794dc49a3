package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.select.Grape.BelowMinimum;
import org.finetune4j.methods.select.Grape.Order;
import org.finetune4j.methods.select.Selector.Selection;
import org.finetune4j.tokenizer.JsonText;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.ToolCall;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Card {@code grape}. */
class GrapeTest {
    /** Next-token probabilities of a, b, c and the end, from the start and from a, b and c (card {@code s3ft}). */
    private static final double[][] BIGRAM = {{.6, .2, .1, .1}, {.1, .5, .2, .2}, {.25, .25, .25, .25},
        {.05, .05, .1, .8}};

    private static final ScoringContext BIGRAM_SCORER = conversations -> conversations.stream()
            .map(conversation -> bigram(response(conversation))).toList();

    private static float[] bigram(String response) {
        float[] logProbabilities = new float[response.length() + 1];
        int state = 0;
        for (int i = 0; i <= response.length(); i++) {
            int token = i < response.length() ? response.charAt(i) - 'a' : 3;
            logProbabilities[i] = (float) Math.log(BIGRAM[state][token]);
            state = token + 1;
        }
        return logProbabilities;
    }

    private static ScoringContext table(Map<String, float[]> scores) {
        return conversations -> conversations.stream().map(sample -> scores.get(response(sample))).toList();
    }

    private static String response(Sample sample) {
        Message last = sample.messages().get(sample.messages().size() - 1);
        assertEquals("assistant", last.role());
        return last.content();
    }

    private static Sample sample(String id, String prompt, String... candidates) {
        List<Candidate> list = new ArrayList<>();
        for (String candidate : candidates) {
            list.add(new Candidate(candidate, "source " + list.size()));
        }
        return new Sample(id, List.of(new Message("user", prompt)), list, null, Map.of());
    }

    private static List<String> responses(Selection selection) {
        return selection.samples().stream().map(GrapeTest::response).toList();
    }

    private static Grape grape(Object... settings) {
        Map<String, Object> values = new java.util.HashMap<>();
        for (int i = 0; i < settings.length; i += 2) {
            values.put((String) settings[i], settings[i + 1]);
        }
        return Grape.METHOD.create(new Settings(values));
    }

    @Test
    void lengthIsNormalised() {
        ScoringContext scorer = table(Map.of("A", new float[] {-0.2f, -0.3f},
                "B", new float[] {-0.1f, -0.1f, -0.1f, -0.1f, -0.1f, -0.1f},
                "C", new float[] {-0.05f, -0.05f, -0.05f, -1.0f}));
        List<Sample> samples = List.of(sample("s:1", "x", "A", "B", "C"));

        Selection normalised = new Grape().select(samples, scorer);
        assertEquals(List.of("B"), responses(normalised));
        double[] expected = {-0.25, -0.10, -0.2875};
        double[] perplexities = {1.2840, 1.1052, 1.3331};
        for (int j = 0; j < 3; j++) {
            assertEquals(expected[j], normalised.scored().get(j).score(), 1e-6);
            assertEquals(perplexities[j], Math.exp(-normalised.scored().get(j).score()), 5e-5);
        }

        Selection raw = grape("normalise", false).select(samples, scorer);
        assertEquals(List.of("A"), responses(raw), "sums favour the short response");
        double[] sums = {-0.5, -0.6, -1.15};
        for (int j = 0; j < 3; j++) {
            assertEquals(sums[j], raw.scored().get(j).score(), 1e-6);
        }
    }

    @Test
    void bigramModel() {
        List<Sample> samples = List.of(sample("s:1", "x", "ab", "ac", "cb", "b"));
        Selection best = new Grape().select(samples, BIGRAM_SCORER);
        assertEquals(List.of("ac"), responses(best));
        double[] expected = {-0.863422, -0.781136, -2.228204, -1.497866};
        for (int j = 0; j < 4; j++) {
            assertEquals(expected[j], best.scored().get(j).score(), 1e-6);
            assertEquals(j == 1, best.scored().get(j).chosen());
        }
        assertEquals(List.of("cb"), responses(grape("order", Order.LOWEST).select(samples, BIGRAM_SCORER)));
    }

    @Test
    void promptIsContextOnly() {
        Selection bare = new Grape().select(List.of(sample("s:1", "x", "ab", "ac", "cb")), BIGRAM_SCORER);
        Selection laden = new Grape().select(List.of(sample("s:1", "x" + " zq".repeat(50), "ab", "ac", "cb")),
                BIGRAM_SCORER);
        assertEquals(bare.scored(), laden.scored());
        assertEquals(responses(bare), responses(laden));
    }

    @Test
    void orderOfCandidatesChangesNothingButIndices() {
        List<String> candidates = new ArrayList<>(List.of("ab", "ac", "cb", "b", "abc"));
        List<String> best = responses(grape("topK", 2).select(
                List.of(sample("s:1", "x", candidates.toArray(new String[0]))), BIGRAM_SCORER));
        Random random = new Random(1);
        for (int round = 0; round < 10; round++) {
            Collections.shuffle(candidates, random);
            assertEquals(best, responses(grape("topK", 2).select(
                    List.of(sample("s:1", "x", candidates.toArray(new String[0]))), BIGRAM_SCORER)));
        }
    }

    @Test
    void tiesGoToTheLowestIndex() {
        ScoringContext same = conversations -> conversations.stream().map(sample -> new float[] {-1}).toList();
        List<Sample> samples = List.of(sample("s:1", "x", "p", "q", "r"));
        assertEquals(List.of("p"), responses(new Grape().select(samples, same)));
        assertEquals(List.of("p"), responses(grape("order", Order.LOWEST).select(samples, same)));
        assertEquals(List.of("p", "q"), responses(grape("topK", 2).select(samples, same)));
    }

    @Test
    void singleResponsesGoThroughUnchanged() {
        List<Sample> samples = List.of(sample("s:1", "x", "cb"), sample("s:2", "y", "ab"));
        assertEquals(List.of("cb", "ab"), responses(grape("minCandidates", 1).select(samples, BIGRAM_SCORER)));
        assertEquals(List.of("cb", "ab"), responses(grape("belowMinimum", BelowMinimum.KEEP)
                .select(samples, BIGRAM_SCORER)));
    }

    @Test
    void topKOfAllIsTheWholePool() {
        List<Sample> samples = List.of(sample("s:1", "x", "ab", "ac", "cb"), sample("s:2", "y", "b", "ca"));
        for (Order order : Order.values()) {
            Selection all = grape("topK", 3, "order", order).select(samples, BIGRAM_SCORER);
            assertEquals(java.util.Set.of("ab", "ac", "cb", "b", "ca"), new HashSet<>(responses(all)));
            assertEquals(5, all.samples().size());
            assertEquals(List.of("s:1", "s:1", "s:1", "s:2", "s:2"),
                    all.samples().stream().map(Sample::id).toList());
        }
    }

    @Test
    void lowestIsTheComplementOfTwo() {
        List<Sample> samples = List.of(sample("s:1", "x", "ab", "cb"), sample("s:2", "y", "b", "ac"));
        assertEquals(List.of("ab", "ac"), responses(new Grape().select(samples, BIGRAM_SCORER)));
        assertEquals(List.of("cb", "b"), responses(grape("order", Order.LOWEST).select(samples, BIGRAM_SCORER)));
    }

    @Test
    void randomIsDrawnFromTheSeed() {
        List<Sample> samples = IntStream.range(0, 60)
                .mapToObj(i -> sample("s:" + i, "x" + i, "ab", "ac", "cb")).toList();
        List<String> first = responses(grape("order", Order.RANDOM).select(samples, BIGRAM_SCORER));
        assertEquals(first, responses(grape("order", Order.RANDOM).select(samples, BIGRAM_SCORER)));
        assertNotEquals(first, responses(grape("order", Order.RANDOM, "seed", 1).select(samples, BIGRAM_SCORER)));
        for (String response : List.of("ab", "ac", "cb")) {
            assertTrue(Collections.frequency(first, response) >= 10, response + " in " + first);
        }
    }

    @Test
    void promptsAreNeverCompared() {
        // Every response to the second prompt is less likely than every response to the first.
        Selection selection = new Grape().select(
                List.of(sample("s:1", "x", "ab", "ac"), sample("s:2", "y", "cb", "cbb")), BIGRAM_SCORER);
        assertEquals(List.of("s:1", "s:2"), selection.samples().stream().map(Sample::id).toList());
        assertEquals("2", selection.report().get("prompts"));
    }

    @Test
    void sourcesAreMergedByPromptAndRepetitionsDropped() {
        Sample response = new Sample("b.jsonl:7", List.of(new Message("user", " What \n is it? "),
                new Message("assistant", "cb")), List.of(), "answer of b", Map.of());
        Sample named = new Sample("c.jsonl:3", List.of(new Message("user", "What is it?"),
                new Message("assistant", "ac")), List.of(), null, Map.of("source", "teacher"));
        List<int[]> asked = new ArrayList<>();
        Selection selection = grape("topK", 3).select(
                List.of(sample("a.jsonl:1", "What is it?", "ab", "ab ", "cb"), response, named,
                        sample("a.jsonl:2", "what is it?", "b", "ab")),
                (ScoringContext) conversations -> {
                    asked.add(new int[] {conversations.size()});
                    return BIGRAM_SCORER.tokenLogProbabilities(conversations);
                });
        assertEquals(List.of("ac", "ab", "cb", "ab", "b"), responses(selection));
        assertEquals(List.of("c.jsonl:3", "a.jsonl:1", "a.jsonl:1", "a.jsonl:2", "a.jsonl:2"),
                selection.samples().stream().map(Sample::id).toList());
        assertEquals(List.of("source 0", "source 2", "teacher", "source 0", "source 1"),
                selection.scored().stream().map(Selector.Scored::source).toList());
        assertEquals("2", selection.report().get("repeated responses dropped"));
        assertEquals(1, asked.size());
        assertEquals(5, asked.get(0)[0], "every different response is scored once");
    }

    @Test
    void whatAResponseThinksAndCallsIsKeptAndTellsItApart() {
        Message thought = Message.assistant("b").withReasoning("I know.");
        Message call = new Message("assistant", null).withToolCalls(List.of(ToolCall.of("f", "{\"a\":1}")));
        Message other = new Message("assistant", null).withToolCalls(List.of(ToolCall.of("f", "{\"a\":2}")));
        List<Message> answers = List.of(Message.assistant("b"), thought, call, other, thought);
        List<Sample> samples = IntStream.range(0, answers.size()).mapToObj(i -> new Sample("s:" + i,
                List.of(Message.user("x"), answers.get(i)), List.of(), null, Map.of())).toList();
        ScoringContext same = conversations -> conversations.stream().map(sample -> new float[] {-1}).toList();
        Selection all = grape("topK", 9).select(samples, same);
        assertEquals(answers.subList(0, 4), all.samples().stream().map(sample -> sample.messages().get(1)).toList());
        assertEquals("1", all.report().get("repeated responses dropped"));
        // The same question with other tools is another prompt.
        Sample plain = samples.get(0);
        Sample tooled = new Sample("t:1", plain.conversation().withTools(List.of(new JsonText("{\"name\":\"f\"}"))),
                List.of(), null, Map.of());
        assertEquals("2", grape("minCandidates", 1).select(List.of(plain, tooled), same).report().get("prompts"));
    }

    @Test
    void aResponseWithoutNamedSourceIsFromItsFile() {
        Sample a = new Sample("a.jsonl:7", List.of(new Message("user", "x"), new Message("assistant", "cb")), List.of(),
                "the answer", Map.of());
        Sample b = new Sample("b.jsonl:9", a.messages().subList(0, 1), List.of(new Candidate("ab", "b")), null,
                Map.of());
        Selection lowest = grape("order", "lowest").select(List.of(a, b), BIGRAM_SCORER);
        assertEquals("a.jsonl", lowest.scored().get(0).source());
        assertEquals(List.of(a), lowest.samples(), "with its own answer and fields");
    }

    @Test
    void reportTellsSharesAndScores() {
        Selection selection = new Grape().select(List.of(sample("s:1", "x", "ab", "ac", "cb"),
                sample("s:2", "y", "ac", "b")), BIGRAM_SCORER);
        assertEquals("{prompts=2, candidates=5, repeated responses dropped=0, chosen=2, from source 0=50.0 % (1), "
                + "from source 1=50.0 % (1), mean log-probability a token, chosen=-0.7811, "
                + "mean log-probability a token, rejected=-1.5298}", selection.report().toString());
        assertTrue(selection.samples().stream().allMatch(sample -> sample.candidates().isEmpty()));
    }

    @Test
    void promptsWithTooFewCandidatesAreTheUsersChoice() {
        List<Sample> samples = List.of(sample("s:1", "x", "ab", "ac"), sample("s:2", "y", "cb", "cb"));
        String message = refusal(new Grape(), samples);
        assertTrue(message.contains("1 of 2 prompts have fewer than 2 different responses, such as s:2 with 1"),
                message);
        assertTrue(message.contains("KEEP") && message.contains("DROP") && message.contains("minCandidates"), message);
        assertEquals(List.of("ac", "cb"), responses(grape("belowMinimum", "keep").select(samples, BIGRAM_SCORER)));
        Selection dropped = grape("belowMinimum", "drop").select(samples, BIGRAM_SCORER);
        assertEquals(List.of("ac"), responses(dropped));
        assertEquals("1 left out", dropped.report().get("prompts with fewer than 2 candidates"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"REFUSE", "DROP"})
    void thereMustBeSomethingToChoose(String belowMinimum) {
        String message = refusal(grape("belowMinimum", belowMinimum),
                List.of(sample("s:1", "x", "ab"), sample("s:2", "y", "cb")));
        assertTrue(message.startsWith("grape: nothing to choose: none of the 2 prompts has 2 different responses"),
                message);
    }

    @Test
    void samplesWithoutAnyResponseAreRefused() {
        assertTrue(refusal(grape("candidates", "answers"), List.of(sample("s:1", "x")))
                .contains("'answers'"));
        assertTrue(refusal(new Grape(), List.of()).contains("nothing to choose"));
    }

    @Test
    void emptyCandidatesAreRefused() {
        String message = refusal(new Grape(), List.of(sample("s:1", "x", "ab", " \n")));
        assertTrue(message.startsWith("grape: empty candidate for prompt s:1 from source 1"), message);
    }

    @Test
    void scoresThatAreNotFiniteAreRefused() {
        for (float[] scores : new float[][] {{}, {-1, Float.NaN}, {Float.NEGATIVE_INFINITY}}) {
            String message = assertThrows(FinetuneException.class, () -> new Grape().select(
                    List.of(sample("s:1", "x", "ab", "ac")),
                    table(Map.of("ab", new float[] {-1}, "ac", scores)))).getMessage();
            assertTrue(message.startsWith("grape: a response of s:1 from source 1") && message.contains("'ac'"),
                    message);
        }
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        assertTrue(assertThrows(FinetuneException.class, () -> grape("topK", 0)).getMessage().contains("'topK' is 0"));
        assertTrue(assertThrows(FinetuneException.class, () -> grape("minCandidates", 0)).getMessage()
                .contains("'minCandidates' is 0"));
        assertTrue(assertThrows(FinetuneException.class, () -> grape("order", "best")).getMessage()
                .contains("[HIGHEST, LOWEST, RANDOM]"));
        assertFalse(new Grape().candidates().isEmpty());
    }

    private static String refusal(Grape grape, List<Sample> samples) {
        return assertThrows(FinetuneException.class, () -> grape.select(samples, BIGRAM_SCORER)).getMessage();
    }
}
