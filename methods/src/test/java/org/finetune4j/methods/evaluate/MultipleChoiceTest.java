package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.evaluate.MultipleChoice.Normalise;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code evaluation}, test 6. */
class MultipleChoiceTest {
    private static final List<String> TEXTS = List.of("yes", "no, it is not", "maybe é");
    private static final double[] LIKELIHOODS = {-4, -6, -5.5};
    private static final double[] WITHOUT = {-2, -9, -3};

    private static Sample sample(String choices, String answer) {
        return new Sample("q:1", List.of(Message.user("Is it? ")), List.of(), answer, Map.of("choices", choices));
    }

    private static final Sample QUESTION = sample("[\"yes\", \"no, it is not\", \"maybe é\"]", "1");

    private static Examinee model() {
        return FixedExaminee.likely(one -> (one.context() == null ? WITHOUT : LIKELIHOODS)[TEXTS.indexOf(one.text().strip())]);
    }

    private static MultipleChoice with(Normalise normalise) {
        return MultipleChoice.METHOD.create(new Settings(Map.of("normalise", normalise, "delimiter", " ")));
    }

    @ParameterizedTest
    @CsvSource({"NONE, 0", "CHARACTERS, 1", "BYTES, 1", "MUTUAL_INFORMATION, 1"})
    void theChoiceThatWins(Normalise normalise, int expected) {
        assertEquals(expected, with(normalise).chosen(LIKELIHOODS, WITHOUT, TEXTS));
        assertEquals(expected == 1 ? 1.0 : 0.0, with(normalise).measure(List.of(QUESTION), model()).get(0).value());
    }

    @Test
    void lengthsAreThoseOfTheChoiceWithoutDelimiter() {
        double[] perCharacter = {-4 / 3.0, -6 / 13.0, -5.5 / 7};
        assertArrayEquals(new double[] {-1.3333, -.4615, -.7857}, perCharacter, 5e-5);
        // Two likelihoods between which bytes and characters, or code points and chars, decide otherwise.
        MultipleChoice characters = with(Normalise.CHARACTERS);
        MultipleChoice bytes = with(Normalise.BYTES);
        assertEquals(0, characters.chosen(new double[] {-4, -4.2}, WITHOUT, List.of("abcd", "😀😀😀a")));
        assertEquals(1, bytes.chosen(new double[] {-4, -4.2}, WITHOUT, List.of("abcd", "😀😀😀a")));
        assertEquals(0, with(Normalise.NONE).chosen(new double[] {-4, -4}, WITHOUT, List.of("a", "b")), "the first of equals");
    }

    @Test
    void probabilitiesOfTheChoices() {
        double[] p = Probabilities.softmax(LIKELIHOODS);
        assertArrayEquals(new double[] {.7361, .0996, .1643}, p, 5e-5);
        assertEquals(1.3795, new Brier().score(List.of(p), 1).value(), 5e-5);
        Brier asked = Brier.METHOD.create(new Settings(Map.of("delimiter", " ")));
        assertEquals(1.3795, asked.measure(List.of(QUESTION), model()).get(0).value(), 5e-5);
        assertArrayEquals(new double[] {0, 1}, Probabilities.softmax(-1e4, 1e4), "large numbers do not overflow");
    }

    @Test
    void theOneSidedBrierScoreIsHalfOfTheOther() {
        Examinee model = FixedExaminee.likely(one -> one.text().equals("no") ? Math.log(.8) : Math.log(.2));
        List<Sample> samples = List.of(sample("[\"yes\", \"no\"]", "no"), sample("[\"yes\", \"no\"]", "yes"));
        MetricResult one = BrierBinary.METHOD.create(new Settings(Map.of())).measure(samples, model).get(0);
        assertEquals((.04 + .64) / 2, one.value(), 1e-9);
        assertEquals(2 * one.value(), new Brier().measure(samples, model).get(0).value(), 1e-9);
        assertTrue(assertThrows(FinetuneException.class, () -> BrierBinary.METHOD.create(new Settings(Map.of()))
                .requireMeasurable(List.of(QUESTION))).getMessage().contains("has 3 choices, but must have 2"));
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "B, 1", "maybe, 2", "' C ', 2", "yes, 0"})
    void theRightChoiceIsAPlaceALetterOrAText(String answer, int expected) {
        assertEquals(expected, question("[\"yes\", \"no\", \"maybe\"]", answer).gold());
    }

    private static ChoiceQuestion question(String choices, String answer) {
        return new Choices("choices", List.of(), "answer", ChoiceForm.TEXTS, "").questions("m",
                List.of(sample(choices, answer))).get(0);
    }

    @Test
    void labelsOfTheDataCountBeforeLetters() {
        String arc = "{\"text\": [\"air\", \"sea\", \"land\"], \"label\": [\"1\", \"2\", \"3\"]}";
        assertEquals(1, question(arc, "2").gold(), "the label 2, not the place 2");
        assertEquals(List.of("air", "sea", "land"), question(arc, "2").choices());
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', value = {"['only'];0;has 1 choice", "['a', 'b'];7;none of its choices",
        "['1', '2'];1;more than one of its choices", "'no list';0;Give a list of texts", "['a', ''];0;Give a list of texts"})
    void whatIsNotClearIsRefused(String choices, String answer, String expected) {
        String message = assertThrows(FinetuneException.class, () -> question(choices.replace('\'', '"'), answer)).getMessage();
        assertTrue(message.contains("q:1") && message.contains(expected), message);
    }

    @Test
    void itemsWithoutChoicesAreRefused() {
        Sample plain = new Sample("q:2", List.of(Message.user("?")), List.of(), "a", Map.of("level", "3"));
        for (Metric metric : List.of(new MultipleChoice(), new Brier(), new Calibration(10, Calibration.Scheme.EQUAL_WIDTH))) {
            String message = assertThrows(FinetuneException.class, () -> metric.requireMeasurable(List.of(plain))).getMessage();
            assertTrue(message.contains("q:2 has no field 'choices' with choices; it has [level]"), message);
        }
        MultipleChoice labelled = MultipleChoice.METHOD.create(new Settings(Map.of("labels", List.of("a", "b"))));
        labelled.requireMeasurable(List.of(plain));
        assertThrows(FinetuneException.class, () -> MultipleChoice.METHOD.create(new Settings(Map.of("labels", List.of("a")))));
        assertThrows(FinetuneException.class, () -> new MultipleChoice().requireMeasurable(List.of()));
        assertThrows(FinetuneException.class, () -> labelled.requireMeasurable(List.of(Sample.document("d", "text"))));
    }

    @Test
    void otherFieldsMayHoldChoicesAndAnswer() {
        Map<String, Object> settings = new LinkedHashMap<>();
        settings.put("choices", "endings");
        settings.put("gold", "label");
        Sample hellaswag = new Sample("h", List.of(Message.user("He")), List.of(), null,
                Map.of("endings", "[\"runs\", \"flies\"]", "label", "1"));
        MultipleChoice metric = MultipleChoice.METHOD.create(new Settings(settings));
        assertEquals(1, metric.measure(List.of(hellaswag), FixedExaminee.likely(one -> one.text().equals("flies") ? -1.0 : -2.0))
                .get(0).value());
        settings.put("gold", "nowhere");
        assertTrue(assertThrows(FinetuneException.class, () -> MultipleChoice.METHOD.create(new Settings(settings))
                .requireMeasurable(List.of(hellaswag))).getMessage().contains("has no 'nowhere'"));
    }

    @Test
    void theMostProbableChoicesAreClasses() {
        // References 0, 0, 1, 1, 2 and choices 0, 1, 1, 1, 0, as in test 4 of the card.
        List<String> golds = List.of("0", "0", "1", "1", "2");
        List<String> chosen = List.of("0", "1", "1", "1", "0");
        List<Sample> samples = java.util.stream.IntStream.range(0, 5).mapToObj(i -> new Sample("q:" + i,
                List.of(Message.user("?")), List.of(), golds.get(i), Map.of())).toList();
        Examinee model = FixedExaminee.likely(one -> one.text().equals(chosen.get(Integer.parseInt(
                java.util.Objects.requireNonNull(one.context()).id().substring(2)))) ? -1.0 : -2.0);
        Map<String, Object> settings = Map.of("labels", List.of("0", "1", "2"));
        MetricResult result = ChoiceF1.METHOD.create(new Settings(settings)).measure(samples, model).get(0);
        assertEquals("choiceF1", result.name());
        assertEquals(.4333, result.value(), 5e-5);
    }

    @Test
    void mmluListsTheChoicesAndAsksForALetter() {
        ChoiceQuestion question = new Choices("choices", List.of(), "answer", ChoiceForm.LETTERS, "").questions("m",
                List.of(QUESTION)).get(0);
        assertEquals("Is it?\nA. yes\nB. no, it is not\nC. maybe é\nAnswer:", question.prompt().prompt().get(0).text());
        assertEquals(List.of("A", "B", "C"), question.continuations());
        assertEquals(MultipleChoice.mmlu(), MultipleChoice.METHOD.create(new Settings(Map.of("form", "letters"))));
    }
}
