package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.model.TokenEncoder.TokenVectors;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

class BertScoreTest {
    /** Between a first and a last token that a tokenizer adds. */
    private static final TokenVectors ANSWER = new TokenVectors(new float[][] {{-0.8f, -1.32f, -0.25f, 0.42f},
            {1.14f, 0.11f, -0.55f, -0.78f}, {0.75f, 1.63f, 0.27f, -1.23f}, {-0.96f, 1.6f, 0.2f, -1.73f},
            {-0.08f, -1.16f, -0.63f, -0.49f}}, 1, 4);
    private static final TokenVectors REFERENCE = new TokenVectors(new float[][] {{-0.71f, 0.55f, -0.06f, -0.59f},
            {0.41f, 0.83f, -1.64f, -0.26f}, {-0.98f, -0.17f, -1.29f, 0.02f}, {-0.04f, -0.3f, -1.05f, -0.4f},
            {-1.09f, -1.36f, 0.22f, -1.11f}, {1.17f, 0.72f, -2.0f, 0.27f}}, 1, 5);
    private static final TokenVectors EMPTY = new TokenVectors(new float[][] {{1, 0, 0, 0}, {0, 1, 0, 0}}, 1, 1);

    /** The numbers of a NumPy program: with the added tokens averaged over P would be 0.6795, with them unmatched 0.3912. */
    @Test
    void agreesWithNumPy() {
        BertScore.Score score = BertScore.score(ANSWER, REFERENCE);
        assertEquals(0.6744344564368888, score.precision(), 1e-6);
        assertEquals(0.6343951226301958, score.recall(), 1e-6);
        assertEquals(0.6538023537064017, score.f1(), 1e-6);
        List<MetricResult> results = new BertScore("x", 0.3).score(List.of(ANSWER, EMPTY), List.of(REFERENCE, REFERENCE));
        assertEquals(List.of("bertScore", "bertPrecision", "bertRecall"), results.stream().map(MetricResult::name).toList());
        assertEquals(0.5054319338662883, results.get(0).items().get(0), 1e-6);
        assertEquals(-0.3 / 0.7, results.get(0).items().get(1), 1e-12, "an empty answer has 0");
        assertEquals(0.6744344564368888 / 2, results.get(1).value(), 1e-6);
    }

    @Test
    void swappingTextsSwapsPrecisionAndRecall() {
        BertScore.Score one = BertScore.score(ANSWER, REFERENCE);
        BertScore.Score other = BertScore.score(REFERENCE, ANSWER);
        assertEquals(one.precision(), other.recall());
        assertEquals(one.recall(), other.precision());
        assertEquals(1, BertScore.score(ANSWER, ANSWER).f1(), 1e-6);
    }

    @Test
    void measuresAnswersAgainstReferences() {
        Sample same = new Sample("t:1", List.of(Message.user("?")), List.of(), "abc", Map.of());
        Sample other = new Sample("t:2", List.of(Message.user("!")), List.of(), "xyz", Map.of());
        List<MetricResult> results = new BertScore("x", 0).measure(List.of(same, other),
                new FixedExaminee(sample -> List.of(sample.id().equals("t:1") ? "cab" : "z"),
                        one -> new Examinee.Likelihood(0, 1, 0)));
        assertEquals(1, results.get(0).items().get(0), 1e-6);
        assertTrue(results.get(2).items().get(1) < results.get(1).items().get(1), "x and y are not among the answer's");
    }

    @Test
    void refusesWhatItCannotMeasure() {
        assertTrue(assertThrows(FinetuneException.class, () -> new BertScore("", 0).requireMeasurable(List.of())).getMessage()
                .contains("no encoder"));
        assertTrue(assertThrows(FinetuneException.class, () -> new BertScore("x", 1)).getMessage()
                .contains("baseline"));
    }
}
