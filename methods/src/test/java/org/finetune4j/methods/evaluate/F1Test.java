package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.evaluate.ClassF1.Average;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code evaluation}, test 4. */
class F1Test {
    private static double tokens(String prediction, String reference) {
        return new TokenF1("|").score(List.of(prediction), List.of(reference)).value();
    }

    @ParameterizedTest
    @CsvSource({"'The cat sat on a mat.', 'cat on mat', 0.8571", "'', '', 1", "'the', '', 1", "'cat', '', 0", "'', 'cat', 0",
        "'dog', 'cat', 0", "'A  CAT!', 'cat', 1", "'cat cat', 'cat', 0.6667", "'cat', 'dog|the cat', 1",
        "'theatre another', 'theatre another', 1"})
    void tokenF1OfSquad(String prediction, String reference, double expected) {
        assertEquals(expected, tokens(prediction, reference), 5e-5);
    }

    private static MetricResult classes(ClassF1 metric) {
        return metric.score(List.of("0", "1", "1", " 1", "0"), List.of("0", "0", "1", "1\n", "2"));
    }

    @ParameterizedTest
    @CsvSource({"MACRO, 0.4333", "MICRO, 0.6", "WEIGHTED, 0.5200"})
    void classF1(Average average, double expected) {
        MetricResult result = classes(new ClassF1(average, List.of()));
        assertEquals(expected, result.value(), 5e-5);
        assertEquals(List.of(1.0, 0.0, 1.0, 1.0, 0.0), result.items());
        assertEquals(0, result.unparsable());
    }

    @Test
    void aFixedListOfLabelsCountsClassesThatDoNotOccur() {
        MetricResult result = classes(new ClassF1(Average.MACRO, List.of("0", "1", "2", "3")));
        assertEquals(0.4333 * 3 / 4, result.value(), 5e-5);
        MetricResult other = new ClassF1(Average.MACRO, List.of("0", "1")).score(List.of("0", "neither"), List.of("0", "1"));
        assertEquals(0.5, other.value(), 1e-12);
        assertEquals(1, other.unparsable());
        assertTrue(assertThrows(FinetuneException.class, () -> classes(new ClassF1(Average.MACRO, List.of("0", "1"))))
                .getMessage().contains("a reference is '2'"));
        assertThrows(FinetuneException.class, () -> new ClassF1(Average.MACRO, List.of("0", "0")));
    }

    private static Sample sample(String answer, String choices) {
        return new Sample("q:1", List.of(Message.user("?")), List.of(), answer, Map.of("choices", choices));
    }

    /** What samples cannot be measured on is known before any weight is loaded. */
    @Test
    void labelsAndChoicesThatDoNotFitAreRefusedWithThePlan() {
        List<Sample> samples = List.of(sample("yes", "[\"yes\", \"no\"]"), sample("maybe", "[\"no\", \"yes\", \"maybe\"]"));
        List<String> labels = List.of("yes", "no");
        assertTrue(refusal(new ClassF1(Average.MACRO, labels), samples).startsWith("classF1: a reference is 'maybe'"));
        new ClassF1(Average.MICRO, labels).requireMeasurable(samples);
        new ClassF1(Average.MACRO, List.of()).requireMeasurable(samples);
        assertTrue(refusal(new ChoiceF1(Average.WEIGHTED, "choices", labels, "answer", ChoiceForm.TEXTS, ""), samples)
                .startsWith("choiceF1: a reference is 'maybe'"));
        assertTrue(refusal(new Calibration(10, Calibration.Scheme.CLASSWISE), samples)
                .startsWith("calibration: the items have different numbers of choices"));
        new Calibration(10, Calibration.Scheme.EQUAL_MASS).requireMeasurable(samples);
        new Calibration(10, Calibration.Scheme.CLASSWISE).requireMeasurable(samples.subList(0, 1));
    }

    private static String refusal(Metric metric, List<Sample> samples) {
        return String.valueOf(assertThrows(FinetuneException.class, () -> metric.requireMeasurable(samples)).getMessage());
    }
}
