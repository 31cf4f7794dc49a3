package org.finetune4j.methods.decode;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.decode.ProposeAndAggregate.Tree;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextWindow;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** Card {@code aft}, inference. */
class ProposeAndAggregateTest {
    private static final Conversation QUESTION = Conversation.of(Message.user("first"), Message.assistant("reply"),
            Message.user("What is it?\n"));

    private final List<List<TextRequest>> calls = new ArrayList<>();

    private static ProposeAndAggregate decode(int n, int layers) {
        return new ProposeAndAggregate(n, layers, 0.7, 0.95, 0.6, 1, 20, true, 3);
    }

    /** A model whose answers tell the call and the place. */
    private List<TextAnswer> answer(List<TextRequest> requests) {
        calls.add(requests);
        return IntStream.range(0, requests.size()).mapToObj(i -> new TextAnswer("answer " + calls.size() + "." + i,
                true, 1, 1))
                .toList();
    }

    private Tree one(ProposeAndAggregate decode) {
        calls.clear();
        return decode.answer(List.of(QUESTION), this::answer, Optional.empty()).get(0);
    }

    private static Message system(TextRequest request) {
        return request.conversation().messages().get(0);
    }

    @Test
    void callCounts() {
        int[][] expected = {{5, 1, 6}, {5, 2, 11}, {5, 3, 16}, {4, 2, 9}, {1, 1, 2}};
        for (int[] row : expected) {
            ProposeAndAggregate decode = decode(row[0], row[1]);
            Tree tree = one(decode);
            List<TextRequest> all = calls.stream().flatMap(List::stream).toList();
            assertEquals(row[2], all.size());
            assertEquals(row[2], decode.calls());
            assertEquals(row[1] + 1, calls.size(), "each layer is one call");
            assertEquals(row[0], all.stream().filter(request -> system(request).equals(Message.system("\n"))).count());
            assertEquals(row[1], tree.layers().size());
            assertEquals("answer " + (row[1] + 1) + ".0", tree.answer());
            assertEquals(row[2], all.stream().map(TextRequest::seed).distinct().count(),
                    "every answer has its own draw");
        }
    }

    @Test
    void draftsAreNumberedAndTheQuestionStays() {
        Conversation shown = new AggregationPrompt(true).of(QUESTION, List.of("x", "y"));
        assertTrue(shown.messages().get(0).text().endsWith("\nResponses from models:\n1. x\n2. y"),
                shown.messages().get(0).text());
        one(decode(2, 2));
        for (List<TextRequest> call : calls) {
            for (TextRequest request : call) {
                assertEquals(QUESTION.messages(), request.conversation().messages().subList(1, 4));
            }
        }
        assertTrue(system(calls.get(1).get(0)).text().endsWith("1. answer 1.0\n2. answer 1.1"));
        assertTrue(system(calls.get(2).get(0)).text().endsWith(":\n1. answer 2.0\n2. answer 2.1"),
                "layer 2 sees layer 1 alone");
        assertEquals(0.7, calls.get(1).get(0).decoding().temperature());
        assertEquals(0.6, calls.get(2).get(0).decoding().temperature(), "the last one is drawn by its own settings");
    }

    @Test
    void oneDraftAndOneLayerIsDraftThenRewrite() {
        Tree tree = one(decode(1, 1));
        assertEquals(List.of(List.of("answer 1.0")), tree.layers());
        assertTrue(system(calls.get(1).get(0)).text().endsWith(":\n1. answer 1.0"));
    }

    @Test
    void aSystemTurnIsJoinedAndATemplateWithoutOneIsServed() {
        Conversation polite = Conversation.of(Message.system("Be polite."), Message.user("Who?"));
        assertEquals(polite, new AggregationPrompt(true).plain(polite));
        Conversation shown = new AggregationPrompt(true).of(polite, List.of("x"));
        assertEquals(2, shown.messages().size());
        assertTrue(shown.messages().get(0).text().endsWith("1. x\n\nBe polite."));
        assertEquals(QUESTION, new AggregationPrompt(false).plain(QUESTION));
        Conversation without = new AggregationPrompt(false).of(QUESTION, List.of("x"));
        assertTrue(without.messages().get(0).text().endsWith("1. x\n\nfirst"));
        assertEquals("user", without.messages().get(0).role());
        assertThrows(FinetuneException.class, () -> new AggregationPrompt(false).of(Conversation.of(), List.of("x")));
    }

    @Test
    void aFixedSeedMakesTheSameTree() {
        List<List<Long>> seeds = new ArrayList<>();
        for (long seed : new long[] {3, 3, 4}) {
            one(new ProposeAndAggregate(3, 2, 0.7, 0.95, 0.7, 1, 20, true, seed));
            seeds.add(calls.stream().flatMap(List::stream).map(TextRequest::seed).toList());
        }
        assertEquals(seeds.get(0), seeds.get(1));
        assertNotEquals(seeds.get(0), seeds.get(2));
        calls.clear();
        List<Tree> both = decode(2, 1).answer(List.of(QUESTION, QUESTION), this::answer, Optional.empty());
        assertEquals(2, calls.size(), "questions share their calls");
        assertEquals(List.of("answer 1.2", "answer 1.3"), both.get(1).layers().get(0));
        assertEquals(6, calls.stream().flatMap(List::stream).map(TextRequest::seed).distinct().count());
    }

    private static int words(String text) {
        return text.isBlank() ? 0 : text.strip().split("\\s+").length;
    }

    /** Tokens are words, and every turn has two of the template besides. */
    private static TextWindow words(int tokens) {
        return new TextWindow(tokens, ProposeAndAggregateTest::words, (text, most) ->
                String.join(" ", Arrays.asList(text.strip().split("\\s+")).subList(0, most)),
                asked -> asked.messages().stream().mapToInt(turn -> 2 + words(turn.text())).sum());
    }

    @Test
    void draftsThatDoNotFitAreCutAlike() {
        assertEquals(1158, AggregationPrompt.cap(8192, 150 + 200, 2048, 5));
        AggregationPrompt prompt = new AggregationPrompt(true);
        Conversation question = Conversation.of(Message.user("one two three"));
        // Two turns with two tokens each, the question's words, and a number before every draft.
        int frame = words(AggregationPrompt.ROLE) + 2 * 2 + 3 + 3;
        List<String> drafts = List.of("a b c d e f", "g", "h i j k l m n");
        assertEquals(drafts, prompt.fitting(question, drafts, 5, words(frame + 5 + 14)));
        assertEquals(List.of("a b c d", "g", "h i j k"), prompt.fitting(question, drafts, 5, words(frame + 5 + 13)));
        String message = assertThrows(FinetuneException.class, () -> decode(5, 1).answer(List.of(question),
                this::answer,
                Optional.of(words(frame + 2 + 20 + 4)))).getMessage();
        assertTrue(message.contains("leaves no room for 5 drafts"), message);
        assertTrue(calls.isEmpty(), "nothing was generated");
        decode(5, 1).answer(List.of(question), this::answer, Optional.of(words(frame + 2 + 20 + 5)));
        assertTrue(system(calls.get(1).get(0)).text()
                .endsWith("1. answer\n2. answer\n3. answer\n4. answer\n5. answer"));
    }

    @Test
    void aMajorityOfDraftsIsRightAsOftenAsTheCardSays() {
        double closed = 0;
        for (int right = 3; right <= 5; right++) {
            int ways = right == 5 ? 1 : right == 4 ? 5 : 10;
            closed += ways * Math.pow(.6, right) * Math.pow(.4, 5 - right);
        }
        assertEquals(.68256, closed, 1e-12);
        ProposeAndAggregate decode = decode(5, 1);
        List<Conversation> questions = java.util.Collections.nCopies(20_000, QUESTION);
        List<Tree> trees = decode.answer(questions, requests -> requests.stream().map(request -> {
            String shown = system(request).text();
            boolean drafts = shown.equals("\n");
            boolean right = drafts ? new Random(request.seed()).nextDouble() < .6
                    : shown.split("right", -1).length > shown.split("wrong", -1).length;
            return new TextAnswer(right ? "right" : "wrong", true, 1, 1);
        }).toList(), Optional.empty());
        assertEquals(.68256, trees.stream().filter(tree -> tree.answer().equals("right")).count() / 20_000.0, .01);
    }

    @Test
    void settingsOutOfRangeAreRefused() {
        assertThrows(FinetuneException.class, () -> decode(0, 1));
        assertThrows(FinetuneException.class, () -> decode(1, 0));
        assertThrows(FinetuneException.class, () -> new ProposeAndAggregate(1, 1, -1, 1, 0, 1, 1, true, 0));
        assertThrows(FinetuneException.class, () -> new ProposeAndAggregate(1, 1, 0, 1, 0, 0, 1, true, 0));
        assertEquals("proposeAndAggregate: 5 drafts at temperature 0 are all the same.", new ProposeAndAggregate(5, 1,
                0, 1, 0, 1,
                1, true, 0).note().orElseThrow());
        assertTrue(decode(5, 1).note().isEmpty());
    }
}
