package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Test;

/** Card {@code evaluation}, test 9. */
class DiversityTest {
    private static final List<String> TEXTS = List.of("the cat sat on the mat", "the cat sat on the rug",
            "a dog ran in the park");

    private static DistinctN distinct(int n, DistinctN.Level level) {
        return new DistinctN(n, level, 1, 0, 1, 0);
    }

    @Test
    void distinctSequences() {
        assertEquals(11 / 18.0, distinct(1, DistinctN.Level.CORPUS).score(TEXTS).value(), 1e-12);
        assertEquals(11 / 15.0, distinct(2, DistinctN.Level.CORPUS).score(TEXTS).value(), 1e-12);
        MetricResult sentences = distinct(1, DistinctN.Level.SENTENCE).score(TEXTS);
        assertEquals(List.of(5 / 6.0, 5 / 6.0, 1.0), sentences.items());
        assertEquals((5 / 6.0 + 5 / 6.0 + 1) / 3, sentences.value(), 1e-12);
    }

    @Test
    void textsThatAreTooShortAreCounted() {
        MetricResult result = distinct(2, DistinctN.Level.SENTENCE).score(List.of("a", "a b a b"));
        assertEquals(1, result.unparsable());
        assertEquals(2 / 3.0, result.value(), 1e-12);
        assertTrue(assertThrows(FinetuneException.class, () -> distinct(3, DistinctN.Level.CORPUS).score(List.of("a b")))
                .getMessage().contains("none of the 1 answers has 3"));
        assertThrows(FinetuneException.class, () -> distinct(1, DistinctN.Level.CORPUS).score(List.of()));
    }

    @Test
    void expectationAdjustedDistinct() {
        List<List<String>> words = TEXTS.stream().map(text -> List.of(text.split(" "))).toList();
        assertEquals(.6163, new Ead(1, 1000, 1, 0, 1, 0).score(words, 1000).value(), 5e-5);
        assertEquals(.7385, new Ead(2, 1000, 1, 0, 1, 0).score(words, 1000).value(), 5e-5);
        MetricResult small = new Ead(1, 2, 1, 0, 1, 0).score(words, 2);
        assertTrue(small.value() > 1 && small.details().get("warning").contains("vocabulary of 2"), small.toString());
        assertTrue(assertThrows(FinetuneException.class, () -> Ead.METHOD.create(new Settings(Map.of("n", 2)))).getMessage()
                .contains("at least 2 where n is above 1"));
        assertThrows(FinetuneException.class, () -> Ead.METHOD.create(new Settings(Map.of("vocabulary", 1))));
    }

    @Test
    void drawsFromAVocabularyScoreOneHoweverManyTheyAre() {
        Random random = new Random(8);
        for (int draws : new int[] {50, 500, 2000}) {
            List<Integer> text = random.ints(draws, 0, 300).boxed().toList();
            assertEquals(1, new Ead(1, 300, 1, 0, 1, 0).score(List.of(text), 300).value(), 0.08, draws + " draws");
        }
    }

    private static SelfBleu selfBleu(BleuSmoothing smoothing, int most) {
        return new SelfBleu(4, smoothing, most, 1, 0, 1, 0);
    }

    @Test
    void selfBleu() {
        assertEquals(52.0165, selfBleu(BleuSmoothing.FLOOR, 500).score(TEXTS).value(), 5e-5);
        assertEquals(53.3613, selfBleu(BleuSmoothing.EXP, 500).score(TEXTS).value(), 5e-5);
        assertEquals(100, selfBleu(BleuSmoothing.FLOOR, 500).score(List.of(TEXTS.get(0), TEXTS.get(0))).value(), 1e-9);
        assertTrue(assertThrows(FinetuneException.class, () -> selfBleu(BleuSmoothing.FLOOR, 500).score(List.of("a")))
                .getMessage().contains("fewer than 2"));
    }

    @Test
    void selfBleuIsTheBleuOfEachAgainstAllOthers() {
        Random random = new Random(5);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            StringBuilder text = new StringBuilder();
            for (int w = 0; w < 4 + random.nextInt(8); w++) {
                text.append((char) ('a' + random.nextInt(4))).append(' ');
            }
            texts.add(text.toString());
        }
        List<Double> items = selfBleu(BleuSmoothing.FLOOR, 500).score(texts).items();
        for (int i = 0; i < texts.size(); i++) {
            List<String> others = new ArrayList<>(texts);
            String own = others.remove(i);
            assertEquals(new Bleu(BleuTokens.MTEVAL_13A, BleuSmoothing.FLOOR, 4, false, "|").score(List.of(own),
                    List.of(String.join("|", others))).value(), items.get(i), 1e-9);
        }
        assertEquals(5, selfBleu(BleuSmoothing.FLOOR, 5).score(texts).count(), "no more are compared than asked for");
    }
}
