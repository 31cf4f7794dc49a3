package org.finetune4j.methods.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.data.tool.ErrorPhrases;
import org.finetune4j.methods.data.tool.KeyTokens;
import org.finetune4j.methods.data.tool.ToolReward;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.ToolCall;
import org.junit.jupiter.api.Test;

/** The numbered tests of the card tl-training that belong to its data. */
class ToolTrainingTest {
    private static double weight(int others, int key, double cap) {
        Set<Integer> positions = new TreeSet<>();
        for (int i = 0; i < key; i++) {
            positions.add(i);
        }
        double[] weights = KeyTokens.weights(others + key, positions, Set.of(), cap);
        assertEquals(1, weights[others + key - 1]);
        return weights[0];
    }

    @Test
    void test1WeightsAreTheOthersForEachKeyTokenWithinTheCap() {
        assertEquals(9, weight(22, 2, 9));
        assertEquals(11.0, weight(22, 2, 20));
        assertEquals(20, weight(49, 1, 20));
        assertEquals(1, weight(3, 4, 9));
        assertEquals(5, KeyTokens.weights(8, Set.of(0), Set.of(1, 2), 9)[0], "the published code leaves two out");
        assertThrows(FinetuneException.class, () -> KeyTokens.weights(3, Set.of(0), Set.of(), 0.5));
        assertArrayEquals(new double[] {1, 1, 1}, KeyTokens.weights(3, Set.of(0), Set.of(), 1),
                "a cap of 1 is plain training");
    }

    @Test
    void test2KeyTokensAreWhereNamesPart() {
        List<String> papers = List.of("get", "P", "apers", "By", "Key", "words");
        List<String> details = List.of("get", "P", "aper", "Details");
        List<String> finish = List.of("finish");
        assertEquals(Set.of(0, 2), KeyTokens.positions(0, papers, List.of(details, finish)));
        assertEquals(Set.of(0, 2), KeyTokens.positions(0, details, List.of(papers, finish)));
        assertEquals(Set.of(0), KeyTokens.positions(0, finish, List.of(papers, details)));
        assertEquals(Set.of(0, 1, 2), KeyTokens.positions(0, List.of("get", "User"),
                List.of(List.of("get", "User", "Name"), List.of("get", "Item"))));
        assertEquals(Set.of(4, 6), KeyTokens.positions(4, papers, List.of(details)),
                "a name may begin later in its call");
    }

    @Test
    void test3TheKeyTokenHasHalfTheGradient() {
        double[] losses = {2.0, 0.5, 1.0, 0.1, 0.4};
        double[] weights = KeyTokens.weights(5, Set.of(0), Set.of(), 9);
        assertArrayEquals(new double[] {4, 1, 1, 1, 1}, weights);
        double sum = 0;
        double total = 0;
        for (int i = 0; i < losses.length; i++) {
            sum += weights[i] * losses[i];
            total += weights[i];
        }
        assertEquals(1.25, sum / total, 1e-12);
        assertEquals(0.5, weights[0] / total);
    }

    private static Message call(String name) {
        return Message.assistant(name + "()");
    }

    private static Message observation(String text) {
        return Message.tool(text, null, null);
    }

    @Test
    void test4FailedCallsAreSeenButNotLearned() {
        ErrorPhrases errors = new ErrorPhrases(ErrorPhrases.DEFAULT);
        assertTrue(errors.isError("name 'x' is not defined"));
        assertTrue(errors.isError("missing 1 required positional argument"));
        assertFalse(errors.isError("{\"data\":{\"id\":3}}"));
        assertTrue(errors.isError("{\"note\":\"terror alert\"}"), "within a word, too");
        assertTrue(new ErrorPhrases(List.of("失败")).isError("请求失败。"));
        assertThrows(FinetuneException.class, () -> new ErrorPhrases(List.of("...")));
        assertThrows(FinetuneException.class, () -> new ToolTrajectories(true, List.of()));

        List<Message> turns =
                List.of(Message.user("Find it."), call("first"), observation("ConnectionError"), call("second"),
                observation("fine"), observation("also fine"), Message.assistant("Nearly."), Message.user("And?"),
                call("third"),
                observation("'error'"), Message.assistant("Done."));
        DataSource data = DataSource.of("t", List.of(new Sample("t:1", turns, List.of(), "Done.", Map.of())));
        ToolTrajectories masked = new ToolTrajectories(true, ErrorPhrases.DEFAULT);
        List<Sample> samples = masked.of(data).samples();
        assertEquals(List.of(4, 11), samples.stream().map(sample -> sample.messages().size()).toList());
        assertEquals(turns.subList(0, 4), samples.get(0).messages(), "with the failed call before it");
        assertEquals(List.of("t:1/1", "t:1/2"), samples.stream().map(Sample::id).toList());
        assertEquals(List.of("t:1"), samples.get(1).provenance().origins());
        assertEquals(List.of(2, 4, 9, 11), new ToolTrajectories(false, List.of()).of(data).samples().stream()
                .map(sample -> sample.messages().size()).toList());
        DataReport report = new DataReport();
        try (RowStream rows = masked.of(data).open(report)) {
            while (rows.next() != null) {
                // Only the report counts.
            }
        }
        assertEquals(List.of("calls that failed, left out of what is learned: 2"), report.lines());
        String message = assertThrows(FinetuneException.class, () ->
                masked.of(DataSource.of("plain", List.of(new Sample("p:1",
                List.of(Message.user("?"), Message.assistant("!")), List.of(), null, Map.of())))).rows()).getMessage();
        assertTrue(message.contains("plain holds no answer of a tool"), message);
    }

    private static final Map<String, Set<String>> TOOLS =
            Map.of("search", Set.of("query", "limit", "page"), "open", Set.of("id"));
    private static final ToolCall GOLD = ToolCall.of("search", "{\"query\":\"old maps\",\"limit\":3}");

    private static double reward(String call) {
        return ToolReward.of(call, GOLD, TOOLS).reward();
    }

    @Test
    void test5EveryErrorHasItsReward() {
        assertEquals(-2.0, reward("search(query='old maps'"));
        assertEquals(-2.0, reward("I would search."));
        assertEquals(-2.0, reward("find(topic='x')"), "an unknown tool, whatever its arguments");
        assertEquals(-1.5, reward("open(id=1)"));
        assertEquals(-1.8, reward("search(topic='x', page=1, limit=3)"));
        assertEquals(-1.3, reward("search(topic='x', query='old maps', limit=3, page=1)"));
        assertEquals(-1.3, reward("search(topic='old maps', limit=3)"),
                "a misnamed argument is unknown, and one is missing");
        assertEquals(-1.0, reward("search(query='old maps', page=1)"));
        assertEquals(-0.8, reward("search(query='old maps', limit=3, topic='x')"));
        assertEquals(-0.5, reward("search(query='old maps', limit=3, page=1)"));
        assertEquals(-0.5, reward("search(query='old maps')"));
        assertEquals(-0.25, reward("search(query='old maps', limit=4)"));
        assertEquals(-0.25, reward("search(query='old maps', limit='3')"), "a text is no number");
        assertEquals(1.0, reward(" search( limit = 3.0, query = \"old maps\" ) "));
        assertEquals(10, ToolReward.values().length);
        assertTrue(ToolReward.VALUE.identifiesParameters() && ToolReward.ARGUMENT_COUNT.selectsTool()
                && !ToolReward.OTHER_TOOL.selectsTool());
        assertThrows(FinetuneException.class, () -> ToolReward.of("x()", ToolCall.of("other", "{}"), TOOLS));
    }

    @Test
    void literalsOfManyKindsAreRead() {
        Map<String, Set<String>> tools = Map.of("f", Set.of("a", "b", "c", "d"));
        ToolCall gold = ToolCall.of("f",
                "{\"a\":[1,-2.5,\"x\"],\"b\":{\"k\":true},\"c\":null,\"d\":\"it's \\\"so\\\"\\n\"}");
        assertEquals(ToolReward.RIGHT,
                ToolReward.of("f(a=[1, -2.50, 'x'], b={'k': True}, c=None, d='it\\'s \"so\"\\n')", gold, tools));
        assertEquals(ToolReward.RIGHT,
                ToolReward.of("f(a=[1, -25e-1, 'x',], b={\"k\": true}, c=null, d=\"it's \\\"so\\\"\\n\")",
                gold, tools));
        for (String wrong : List.of("f(a=[1, -2.5, 'x')", "f(a=x)", "f(a=1, a=1)", "f(1)", "f(a=1))", "f(a='x)",
                "f(a={1: 2})",
                "f(a=" + "[".repeat(10_000) + ")", "", "f")) {
            assertEquals(ToolReward.UNREADABLE, ToolReward.of(wrong, gold, tools),
                    wrong.substring(0, Math.min(30, wrong.length())));
        }
        assertEquals(ToolReward.RIGHT, ToolReward.of("f()", ToolCall.of("f", "{}"), tools));
    }
}
