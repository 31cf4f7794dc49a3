package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code evaluation}, test 2; the card's numbers are sacrebleu 2.6.0's. */
class BleuTest {
    private static final String CAT = "The cat sat on the mat.";
    private static final String MAT = "The cat is on the mat.";

    private static Bleu with(BleuSmoothing smoothing, boolean effectiveOrder) {
        return new Bleu(BleuTokens.MTEVAL_13A, smoothing, 4, effectiveOrder, "|");
    }

    private static double bleu(Bleu metric, String prediction, String references) {
        return metric.score(List.of(prediction), List.of(references)).value();
    }

    private static BleuCounts counts(String prediction, String... references) {
        return BleuCounts.of(BleuTokens.MTEVAL_13A.of(prediction),
                List.of(references).stream().map(BleuTokens.MTEVAL_13A::of).toList(), 4);
    }

    @Test
    void oneSentence() {
        BleuCounts counts = counts(CAT, MAT);
        assertArrayEquals(new long[] {6, 4, 2, 1}, counts.correct());
        assertArrayEquals(new long[] {7, 6, 5, 4}, counts.total());
        assertEquals(48.8923, bleu(new Bleu(), CAT, MAT), 5e-5);
    }

    @Test
    void aCorpusIsNotTheMeanOfItsSentences() {
        MetricResult result = new Bleu().score(List.of(CAT, "Hello there general Kenobi"), List.of(MAT, "Hello there!"));
        assertEquals(38.9804, result.value(), 5e-5);
        assertEquals(40.4197, result.items().stream().mapToDouble(item -> item).average().orElseThrow(), 5e-5);
        assertNotNull(result.standardError());
        assertEquals("BLEU|tok:13a|smooth:exp|eff:no", result.signature());
    }

    @ParameterizedTest
    @CsvSource({"EXP, 37.9918", "FLOOR, 25.4066", "ADD_K, 48.5492", "NONE, 0"})
    void smoothing(BleuSmoothing smoothing, double expected) {
        assertEquals(expected, bleu(with(smoothing, false), "a b c d e f", "a b x d e f"), 5e-5);
    }

    @Test
    void shortTextsNeedTheEffectiveOrder() {
        assertEquals(0, bleu(with(BleuSmoothing.EXP, false), "Hello there", "Hello there"));
        assertEquals(100, bleu(with(BleuSmoothing.EXP, true), "Hello there", "Hello there"), 1e-9);
        assertEquals(13.5335, bleu(with(BleuSmoothing.EXP, true), "the cat", "the cat sat on the mat"), 5e-5);
    }

    @Test
    void wordsCountAtMostAsOftenAsOneReferenceHasThem() {
        String seven = "the the the the the the the";
        String[] classic = {"the cat is on the mat", "there is a cat on the mat"};
        assertEquals(2, counts(seven, classic).correct()[0]);
        assertEquals(7, counts(seven, classic).total()[0]);
        assertEquals(7.8098, bleu(with(BleuSmoothing.EXP, false), seven, String.join("|", classic)), 5e-5);
    }

    @Test
    void ofTwoEquallyNearReferencesTheShorterCounts() {
        assertEquals(3, counts("a b c d e", "a b c d e f g", "a b c").referenceTokens());
        assertEquals(7, counts("a b c d e f", "a b c d e f g", "a b c").referenceTokens());
    }

    @Test
    void mtevalTokens() {
        assertEquals(List.of("It's 3.5 % of $ 1,000.00 , isn't it ? ( yes ) end .".split(" ")),
                BleuTokens.MTEVAL_13A.of("It's 3.5% of $1,000.00, isn't it? (yes) end."));
        assertEquals(List.of("\"", "a", "\"", "&", "<", "b", ">", "cd", "e", "10", "-", "year", "x-y"),
                BleuTokens.MTEVAL_13A.of("&quot;a&quot; &amp; &lt;b&gt; c-\nd\n<skipped>e 10-year x-y"));
        assertEquals(List.of("a", "b,", "c"), BleuTokens.NONE.of(" a b, \tc"));
        assertEquals(List.of("a", "é", "😀"), BleuTokens.CHAR.of("a é😀"));
    }

    @Test
    void noMatchAtAllIsZeroWhateverTheSmoothing() {
        for (BleuSmoothing smoothing : BleuSmoothing.values()) {
            assertEquals(0, bleu(with(smoothing, true), "a b c d", "e f g h"), smoothing.toString());
        }
        assertEquals(0, bleu(new Bleu(), "", MAT));
    }

    @Test
    void orderOfItemsChangesNothing() {
        Random random = new Random(4);
        List<String> predictions = new ArrayList<>();
        List<String> references = new ArrayList<>();
        for (int i = 0; i < 30; i++) {
            StringBuilder text = new StringBuilder();
            StringBuilder other = new StringBuilder();
            for (int w = 0; w < 5 + random.nextInt(8); w++) {
                text.append((char) ('a' + random.nextInt(4))).append(' ');
                other.append((char) ('a' + random.nextInt(4))).append(' ');
            }
            predictions.add(text.toString());
            references.add(other.toString());
        }
        MetricResult first = new Bleu().score(predictions, references);
        assertEquals(first, new Bleu().score(predictions, references), "the same twice, bit for bit");
        Collections.shuffle(predictions, new Random(2));
        Collections.shuffle(references, new Random(2));
        MetricResult second = new Bleu().score(predictions, references);
        assertEquals(first.value(), second.value(), 1e-9);
        assertEquals(first.standardError(), second.standardError(), first.standardError() * 0.1);
        assertTrue(first.standardError() > 0.5, "a corpus of 30 short texts is far from certain");
    }

    @Test
    void unknownNamesAreRefused() {
        assertTrue(assertThrows(FinetuneException.class, () -> Bleu.METHOD.create(new Settings(Map.of("tokens", "14a"))))
                .getMessage().contains("MTEVAL_13A"));
        assertTrue(assertThrows(FinetuneException.class, () -> Bleu.METHOD.create(new Settings(Map.of("order", 0))))
                .getMessage().contains("at least 1"));
        assertTrue(assertThrows(FinetuneException.class, () -> new Bleu().score(List.of("a"), List.of("a", "b")))
                .getMessage().contains("1 predictions and 2 references"));
    }
}
