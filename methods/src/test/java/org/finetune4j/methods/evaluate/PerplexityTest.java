package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.evaluate.Examinee.Likelihood;
import org.finetune4j.methods.evaluate.Perplexity.Unit;
import org.finetune4j.methods.evaluate.RollingWindows.Window;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code evaluation}, test 7. */
class PerplexityTest {
    /** 8 words and 40 bytes, 6 words and 25 bytes. */
    private static final List<String> TEXTS = List.of("abcd abcd abcd abcd abcd abcd abcd abcde", "abc abc abc abc abc abcde");
    private static final List<Likelihood> LIKELIHOODS = List.of(new Likelihood(-30, 10, 0), new Likelihood(-12, 6, 0));

    private static double value(Unit unit) {
        return new Perplexity(unit, 0, 1).score(TEXTS, LIKELIHOODS).value();
    }

    @Test
    void sumsOfTheCorpusAreDivided() {
        assertEquals(20.0855, value(Unit.WORD), 5e-5);
        assertEquals(1.9082, value(Unit.BYTE), 5e-5);
        assertEquals(.9322, value(Unit.BITS_PER_BYTE), 5e-5);
        assertEquals(Math.exp(42 / 16.0), value(Unit.TOKEN), 1e-9);
        assertEquals(Math.exp(21), value(Unit.TEXT), 1e-3);
        MetricResult words = new Perplexity(Unit.WORD, 0, 1).score(TEXTS, LIKELIHOODS);
        double meanOfTexts = words.items().stream().mapToDouble(item -> item).average().orElseThrow();
        assertEquals(24.9551, meanOfTexts, 5e-5, "what would be wrong");
    }

    @Test
    void tokensOfTwoTexts() {
        assertEquals(2.3010, new Perplexity().score(List.of("a b", "c d e f"), List.of(new Likelihood(-3, 2, 0),
                new Likelihood(-2, 4, 0))).value(), 5e-5);
    }

    @ParameterizedTest
    @CsvSource({"'a b', 2", "' a b', 3", "'a b ', 3", "'a  b', 2", "'a\u00a0b', 2", "'a', 1"})
    void wordsArePiecesOfTheOriginalText(String text, int words) {
        double value = new Perplexity(Unit.WORD, 0, 1).score(List.of(text), List.of(new Likelihood(-6, 1, 0))).value();
        assertEquals(Math.exp(6.0 / words), value, 1e-9);
    }

    @Test
    void rollingWindowsPredictEveryTokenOnce() {
        List<Window> windows = RollingWindows.of(IntStream.rangeClosed(1, 10).toArray(), 0, 4, 1);
        assertEquals(3, windows.size());
        assertWindow(windows.get(0), new int[] {0, 1, 2, 3}, new int[] {1, 2, 3, 4});
        assertWindow(windows.get(1), new int[] {4, 5, 6, 7}, new int[] {5, 6, 7, 8});
        assertWindow(windows.get(2), new int[] {6, 7, 8, 9}, new int[] {9, 10});
    }

    private static void assertWindow(Window window, int[] inputs, int[] predicted) {
        assertArrayEquals(inputs, window.inputs());
        assertArrayEquals(predicted, window.predicted());
    }

    @Test
    void everyLengthAndContextIsCoveredOnceAndFillsItsWindow() {
        for (int length = 1; length < 30; length++) {
            int[] tokens = IntStream.rangeClosed(1, length).toArray();
            for (int window = 1; window < 9; window++) {
                for (int context = 1; context <= window; context++) {
                    List<Window> windows = RollingWindows.of(tokens, 0, window, context);
                    int[] predicted = windows.stream().flatMapToInt(one -> Arrays.stream(one.predicted())).toArray();
                    assertArrayEquals(tokens, predicted);
                    for (Window one : windows) {
                        int[] inputs = one.inputs();
                        // Tokens are numbered, so that each follows its input.
                        assertEquals(one.predicted()[one.predicted().length - 1], inputs[inputs.length - 1] + 1);
                        assertTrue(inputs.length == window || windows.size() == 1 && inputs.length == length);
                    }
                    if (windows.size() > 2) {
                        assertEquals(window - context + 1, windows.get(1).predicted().length);
                    }
                }
            }
        }
    }

    @Test
    void plainTextsAndResponsesAreMeasuredTogether() {
        Examinee model = FixedExaminee.likely(one -> one.context() == null ? -8.0 : -1.0);
        List<Sample> samples = List.of(new Sample("c:1", List.of(Message.user("?"), Message.assistant("yes")), List.of(), null,
                Map.of()), Sample.document("d:1", "no no"), new Sample("c:2", List.of(Message.user("?"),
                Message.assistant("yes")), List.of(), null, Map.of()));
        MetricResult result = new Perplexity().measure(samples, model).get(0);
        assertEquals(List.of(1.0, 8.0, 1.0), result.items().stream().map(item -> (double) Math.round(Math.log(item))).toList());
        assertTrue(assertThrows(FinetuneException.class, () -> new Perplexity().requireMeasurable(List.of(new Sample("c:3",
                List.of(Message.user("?")), List.of(), "answer", Map.of())))).getMessage().contains("c:3 has no text"));
    }

    @Test
    void windowsOutOfRangeAreRefused() {
        assertThrows(FinetuneException.class, () -> new Perplexity(Unit.TOKEN, -1, 1));
        assertThrows(FinetuneException.class, () -> new Perplexity(Unit.TOKEN, 4, 5));
        assertThrows(FinetuneException.class, () -> new Perplexity(Unit.TOKEN, 4, 0));
    }
}
