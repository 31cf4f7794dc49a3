package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.data.Sample.Candidate;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.select.Selector.Selection;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** Card {@code aft}, training rows. */
class AftTest {
    private static Sample sample(int number, String... drafts) {
        return new Sample("s:" + number, List.of(Message.user("ask " + number)), Arrays.stream(drafts).map(draft ->
                new Candidate(draft, "model")).toList(), null, Map.of());
    }

    private static List<Sample> samples(int count) {
        return IntStream.range(0, count).mapToObj(i -> sample(i, "x" + i, "y" + i)).toList();
    }

    private static Aft aft(Object... settings) {
        Map<String, Object> values = new HashMap<>(Map.of("proposals", 2, "directShare", 0.0, "shuffle", false));
        for (int i = 0; i < settings.length; i += 2) {
            values.put((String) settings[i], settings[i + 1]);
        }
        return Aft.METHOD.create(new Settings(values));
    }

    private static String better(TextRequest request) {
        return "better " + request.id().substring(2);
    }

    @Test
    void learnsOneBetterAnswerFromDrafts() {
        FakeContext context = FakeContext.answering(AftTest::better);
        Selection selection = aft().select(samples(3), context);
        assertEquals(3, context.count("aggregate drafts"));
        Sample second = selection.samples().get(1);
        assertEquals("better 1", second.response());
        assertEquals("system", second.messages().get(0).role());
        assertTrue(second.messages().get(0).text().endsWith("Responses from models:\n1. x1\n2. y1"));
        assertEquals(Message.user("ask 1"), second.messages().get(1));
        assertEquals(context.asked.get("aggregate drafts").get(1).conversation().messages(), second.prompt(),
                "trained as it was asked");
    }

    @Test
    void withoutDraftsItIsPlainFineTuning() {
        Selection selection = aft("directShare", 1.0).select(samples(4), FakeContext.answering(AftTest::better));
        assertEquals(IntStream.range(0, 4).mapToObj(i -> List.of(Message.system("\n"), Message.user("ask " + i),
                Message.assistant("better " + i))).toList(), selection.samples().stream().map(Sample::messages)
                .toList());
        Selection half = aft("directShare", 0.5).select(samples(1000), FakeContext.answering(AftTest::better));
        assertEquals(500, half.samples().stream().filter(sample -> sample.messages().get(0).text().equals("\n"))
                .count(), 50);
        assertEquals(List.of("aft: directShare is 0, so that drafting is not trained"),
                SelectionRules.notes(List.of(aft()), samples(1)));
    }

    @Test
    void copiesAndEmptyAnswersAreLeftOut() {
        FakeContext context = FakeContext.answering(request -> request.id().equals("s:0") ? "y0 " : request.id()
                .equals("s:1")
                ? " " : better(request));
        Selection selection = aft().select(samples(4), context);
        assertEquals(List.of("s:2", "s:3"), selection.samples().stream().map(Sample::id).toList());
        assertEquals("1", selection.report().get("better answers that copy a draft"));
        assertEquals("1", selection.report().get("better answers cut off or empty"));
        assertEquals(3, aft("rejectCopies", false).select(samples(4), context).samples().size());
    }

    @Test
    void readyAnswersAreNotAskedFor() {
        List<Sample> ready = List.of(new Sample("s:0", List.of(Message.user("q")), samples(1).get(0).candidates(), null,
                Map.of("aggregate", "ready")));
        FakeContext context = FakeContext.answering(AftTest::better);
        assertEquals("ready", aft().select(ready, context).samples().get(0).response());
        assertEquals(0, context.count("aggregate drafts"));
        assertEquals(List.of(), aft().work(ready));
    }

    @Test
    void thePolicyDraftsAfterSomeShots() {
        List<Sample> plain = IntStream.range(0, 5).mapToObj(i -> new Sample("s:" + i,
                List.of(Message.system("Be brief."),
                Message.user("ask " + i), Message.assistant("old " + i)), List.of(), null, Map.of())).toList();
        FakeContext context = FakeContext.answering(request -> request.conversation().messages().size() > 2
                ? "draft " + request.seed() : better(request));
        Selection selection = aft("drafts", Aft.Drafts.ON_POLICY, "shots", 2, "proposals", 3).select(plain, context);
        List<TextRequest> drafts = context.asked.get("draft answers");
        assertEquals(15, drafts.size());
        assertEquals(15, drafts.stream().map(TextRequest::seed).distinct().count());
        assertEquals(List.of("Be brief.", "ask 1", "old 1", "ask 2", "old 2", "ask 0"), drafts.get(0).conversation()
                .messages()
                .stream().map(Message::text).toList(), "a sample is never shown its own response");
        assertEquals(List.of("Be brief.", "ask 0", "old 0", "ask 1", "old 1", "ask 4"), drafts.get(14).conversation()
                .messages()
                .stream().map(Message::text).toList());
        assertEquals(5, selection.samples().size());
        assertTrue(selection.samples().get(4).messages().get(0).text().contains("3. draft " + drafts.get(14).seed()
                + "\n\nBe brief."));
        assertEquals("better 4", selection.samples().get(4).response());
    }

    @Test
    void draftsComeInAnOrderOfTheSeed() {
        List<Sample> many = Stream.generate(() -> sample(0, "a", "b", "c", "d")).limit(50).toList();
        Map<Long, List<String>> orders = new HashMap<>();
        for (long seed : new long[] {1, 2}) {
            orders.put(seed, aft("shuffle", true, "proposals", 4, "seed", seed).select(many,
                    FakeContext.answering(AftTest::better)).samples().stream().map(sample -> sample.messages().get(0)
                    .text())
                    .toList());
        }
        assertTrue(orders.get(1L).stream().distinct().count() > 10);
        assertNotEquals(orders.get(1L), orders.get(2L));
    }

    @Test
    void tooFewDraftsAreAnErrorOrSkipped() {
        List<Sample> mixed = List.of(sample(0, "x", "y"), sample(1, "x"), sample(2, "x", "y", "z"));
        assertEquals(List.of("s:1 has 1 drafts in its field 'responses', but 2 are wanted. Lower proposals, let fewer "
                + "be SKIP, or "
                + "let the policy draft by ON_POLICY."), aft().problems(mixed));
        assertEquals(List.of(), aft("fewer", "skip").problems(mixed));
        Selection selection = aft("fewer", "skip").select(mixed, FakeContext.answering(AftTest::better));
        assertEquals(List.of("s:0", "s:2"), selection.samples().stream().map(Sample::id).toList());
        assertEquals("1", selection.report().get("with too few drafts, left out"));
        assertEquals(List.of("shots is 3, but only 0 samples have a response to show. Lower it."),
                aft("drafts", "on_policy").problems(mixed));
        assertThrows(FinetuneException.class, () -> aft("directShare", 1.5));
        assertThrows(FinetuneException.class, () -> aft("proposals", 0));
        assertThrows(FinetuneException.class, () -> aft("drafts", "on_policy", "temperature", 0.0));
    }
}
