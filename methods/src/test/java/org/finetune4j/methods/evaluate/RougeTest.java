package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.junit.jupiter.api.Test;

/** Card {@code evaluation}, test 3. */
class RougeTest {
    private static final String TARGET = "The quick brown fox jumps over the lazy dog";
    private static final String PREDICTION = "The quick brown dog jumps on the log.";

    private static RougeScores scores(String type, String target, String prediction) {
        return new Rouge(List.of(type), false, "").score(type, target, prediction);
    }

    @Test
    void sequencesAndTheLongestOne() {
        RougeScores one = scores("rouge1", TARGET, PREDICTION);
        assertEquals(0.75, one.precision(), 1e-12);
        assertEquals(0.6667, one.recall(), 5e-5);
        assertEquals(0.7059, one.f(), 5e-5);
        assertEquals(0.2667, scores("rouge2", TARGET, PREDICTION).f(), 5e-5);
        RougeScores longest = scores("rougeL", TARGET, PREDICTION);
        assertEquals(0.625, longest.precision(), 1e-12);
        assertEquals(0.5556, longest.recall(), 5e-5);
        assertEquals(0.5882, longest.f(), 5e-5);
        RougeScores swapped = scores("rouge1", PREDICTION, TARGET);
        assertEquals(one.recall(), swapped.precision(), 1e-12, "precision is over the prediction");
    }

    @Test
    void tokensAreRunsOfAsciiLettersAndDigits() {
        assertEquals(List.of("don", "t", "stop"), RougeTokens.of("Don't stop", false));
        assertEquals(0.4, scores("rougeL", "Don't stop", "dont stop").f(), 1e-12);
        assertEquals(List.of("caf", "24h"), RougeTokens.of("café 24h", false));
        assertEquals(List.of("i", "title"), RougeTokens.of("I TITLE", false), "whatever the machine's language");
    }

    @Test
    void linesUniteTheirLongestCommonSubsequences() {
        String target = "w1 w2 w3 w4 w5";
        String prediction = "w1 w2 w6 w7 w8\nw1 w3 w8 w9 w5";
        RougeScores union = scores("rougeLsum", target, prediction);
        assertEquals(0.4, union.precision(), 1e-12);
        assertEquals(0.8, union.recall(), 1e-12);
        assertEquals(scores("rougeL", target, "w1 w2 w9"), scores("rougeLsum", target, "w1 w2 w9"), "of one line it is rougeL");
        // Both lines of the target find the prediction's only "a", which counts once.
        assertEquals(1.0, scores("rougeLsum", "a b\na c", "a").precision(), 1e-12);
        assertEquals(0.25, scores("rougeLsum", "a b\na c", "a").recall(), 1e-12);
    }

    @Test
    void stemsOfLongerTokensAreCompared() {
        Rouge stemming = new Rouge(List.of("rouge1"), true, "");
        assertEquals(1, stemming.score("rouge1", "running cats", "run cat").recall(), 0.51);
        assertEquals(List.of("run", "cat", "was", "gas", "relat"), RougeTokens.of("running cats was gas relational", true));
        assertEquals(List.of("running"), RougeTokens.of("running", false));
        assertEquals(1, stemming.score("rouge1", "nationally connected", "national connections").f(), 1e-12);
        assertEquals(0, scores("rouge1", "nationally connected", "national connections").f());
    }

    @Test
    void everyTypeIsAResultAndTheBestReferenceCounts() {
        List<MetricResult> results = new Rouge(List.of("rouge1", "rougeL"), false, "|").scores(
                List.of(PREDICTION, "nothing alike"), List.of("zzz|" + TARGET, "something else"));
        assertEquals(List.of("rouge1", "rougeL"), results.stream().map(MetricResult::name).toList());
        assertEquals(0.7059 / 2, results.get(0).value(), 5e-5);
        assertEquals(List.of(0.0), results.get(1).items().subList(1, 2));
        assertEquals("0.3750", results.get(0).details().get("precision"));
    }

    @Test
    void wrongTypesAndListsAreRefused() {
        assertTrue(assertThrows(FinetuneException.class, () -> new Rouge(List.of("rouge0"), false, "")).getMessage()
                .contains("rougeLsum"));
        assertThrows(FinetuneException.class, () -> new Rouge(List.of(), false, ""));
        assertTrue(assertThrows(FinetuneException.class, () -> new Rouge().scores(List.of("a"), List.of())).getMessage()
                .contains("1 predictions and 0 references"));
    }

    @Test
    void emptyTextsScoreNothing() {
        assertEquals(0, scores("rouge1", "", "").f());
        assertEquals(0, scores("rougeL", "a", "").f());
        assertEquals(0, scores("rougeLsum", "", "a").f());
        assertEquals(0, scores("rouge9", "a b", "a b").f());
    }
}
