package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code evaluation}. */
class ExactMatchTest {
    private static ExactMatch exactMatch(Object... settings) {
        Map<String, Object> values = new HashMap<>();
        for (int i = 0; i < settings.length; i += 2) {
            values.put((String) settings[i], settings[i + 1]);
        }
        return ExactMatch.METHOD.create(new Settings(values));
    }

    private static boolean matches(ExactMatch metric, String prediction, String reference) {
        return metric.score(List.of(prediction), List.of(reference)).value() == 1;
    }

    @ParameterizedTest
    @CsvSource({"'work #### 1,234.', true, true", "'The answer is 1234', false, true",
        "'I get 12 then 1234.', false, true", "'work #### 1,235', false, false",
        "'#### 1234 and later 9', true, false", "'no number', false, false"})
    void gsm8k(String prediction, boolean strict, boolean flexible) {
        String gold = "Half of 2,468 is 2468/2.\nSo it is\n#### 1,234";
        assertEquals(strict, matches(ExactMatch.gsm8kStrict(), prediction, gold), "strict");
        assertEquals(flexible, matches(ExactMatch.gsm8kFlexible(), prediction, gold), "flexible");
    }

    @Test
    void gsm8kTakesTheFirstStrictAndTheLastFlexibleMatch() {
        assertEquals("1,234.", ExactMatch.gsm8kStrict().answer("a #### 1,234. b #### 5").orElseThrow());
        assertEquals("7", ExactMatch.gsm8kFlexible().answer("a #### 1,234. b $15 7").orElseThrow());
        // The harness's pattern takes a sign or a dollar together with a digit as one number.
        assertEquals("$15", ExactMatch.gsm8kFlexible().answer("it costs $15").orElseThrow());
    }

    @Test
    void answersThatAreNotFoundAreCounted() {
        MetricResult result = ExactMatch.gsm8kStrict().score(List.of("#### 5", "five", "#### 6", "[invalid]"),
                List.of("#### 5", "#### 5", "#### 5", "[invalid]"));
        assertEquals(0.25, result.value(), 1e-12);
        assertEquals(List.of(1.0, 0.0, 0.0, 0.0), result.items());
        assertEquals(2, result.unparsable());
        assertEquals(4, result.count());
    }

    @Test
    void standardErrorOfSevenOnesAndThreeZeros() {
        List<String> predictions = new ArrayList<>(Collections.nCopies(7, "a"));
        predictions.addAll(Collections.nCopies(3, "b"));
        MetricResult result = new ExactMatch().score(predictions, Collections.nCopies(10, "a"));
        assertEquals(0.7, result.value(), 1e-12);
        assertEquals(0.1528, result.standardError(), 5e-5);
        double withN = Math.sqrt(0.7 * 0.3 / 10);
        assertTrue(Math.abs(withN - result.standardError()) > 5e-3, "n instead of n - 1 gives 0.1449");
        assertNull(new ExactMatch().score(List.of("a"), List.of("a")).standardError());
    }

    @Test
    void textsAreComparedAsTheyStandUnlessAsked() {
        assertTrue(matches(new ExactMatch(), "Paris", "Paris"));
        assertTrue(!matches(new ExactMatch(), "paris", "Paris"));
        assertTrue(!matches(new ExactMatch(), " Paris", "Paris"));
        assertTrue(!matches(new ExactMatch(), "Paris.", "Paris"));
        assertTrue(matches(exactMatch("ignoreCase", true), "pARIS", "Paris"));
        assertTrue(matches(exactMatch("trim", true), " Paris\n", "Paris"));
        assertTrue(matches(exactMatch("ignorePunctuation", true), "Pa-r[i]s.", "P\"aris!"));
        assertTrue(!matches(exactMatch("ignorePunctuation", true), "Paris…", "Paris"), "ASCII punctuation only");
        assertTrue(matches(exactMatch("ignoreNumbers", true), "Paris 75000", "Paris 1"));
        assertTrue(matches(exactMatch("regexesToIgnore", List.of("the ", "[aeiou]")), "the cat", "the cut"));
    }

    @Test
    void allAsciiPunctuationIsDeleted() {
        assertTrue(matches(exactMatch("ignorePunctuation", true), "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~x", "x"));
    }

    @Test
    void optionsComeInTheCardsOrder() {
        // The regular expression sees the text before its case is lowered, and trimming comes last.
        ExactMatch metric = exactMatch("regexesToIgnore", List.of("A"), "ignoreCase", true, "ignorePunctuation", true,
                "trim", true);
        assertTrue(matches(metric, "Aab.", "ab"));
        assertTrue(matches(metric, ". ab", "ab"));
    }

    @Test
    void oneOfSeveralReferencesIsEnough() {
        ExactMatch metric = exactMatch("referenceSeparator", "|");
        assertTrue(matches(metric, "cab", "taxi|cab"));
        assertTrue(!matches(metric, "bus", "taxi|cab"));
        assertTrue(!matches(new ExactMatch(), "cab", "taxi|cab"));
    }

    @Test
    void orderOfItemsChangesNothing() {
        Random random = new Random(1);
        List<String> predictions = new ArrayList<>();
        List<String> references = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            predictions.add("#### " + random.nextInt(3));
            references.add("#### " + random.nextInt(3));
        }
        MetricResult first = ExactMatch.gsm8kStrict().score(predictions, references);
        Collections.shuffle(predictions, new Random(2));
        Collections.shuffle(references, new Random(2));
        MetricResult second = ExactMatch.gsm8kStrict().score(predictions, references);
        assertEquals(first.value(), second.value(), 0);
        assertEquals(first.standardError(), second.standardError(), 1e-12);
    }

    @Test
    void signatureNamesTheConventions() {
        assertEquals("exact_match|filter:gsm8k-strict", ExactMatch.gsm8kStrict().signature());
        assertEquals("exact_match|filter:gsm8k-flexible", ExactMatch.gsm8kFlexible().signature());
        assertEquals("exact_match|extract:all|case:kept|punctuation:kept|numbers:kept|trim:no",
                new ExactMatch().signature());
        assertEquals("exact_match|extract:last [0-9]+|without:,|case:ignored|punctuation:kept|numbers:kept|trim:yes",
                exactMatch("extract", "[0-9]+", "occurrence", "last", "regexesToIgnore", List.of(","), "ignoreCase",
                        true, "trim", true).signature());
    }

    @Test
    void nothingToScoreIsRefused() {
        assertTrue(assertThrows(FinetuneException.class, () -> new ExactMatch().score(List.of(), List.of()))
                .getMessage().contains("nothing to score"));
        assertTrue(assertThrows(FinetuneException.class, () -> new ExactMatch().score(List.of("a", "b"), List.of("a")))
                .getMessage().contains("2 predictions and 1 references"));
    }

    @Test
    void invalidRegularExpressionsAreRefused() {
        assertTrue(assertThrows(FinetuneException.class, () -> exactMatch("extract", "([0-9")).getMessage()
                .contains("'([0-9'"));
    }
}
