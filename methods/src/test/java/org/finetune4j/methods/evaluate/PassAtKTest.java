package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.judge.CodeTests;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code evaluation}, test 1. */
class PassAtKTest {
    @ParameterizedTest
    @CsvSource({"10, 3, 1, .3000", "10, 3, 5, .9167", "5, 1, 2, .4000", "5, 4, 2, 1", "20, 1, 10, .5000", "5, 0, 5, 0",
        "5, 5, 1, 1"})
    void unbiasedEstimate(int n, int right, int k, double expected) {
        assertEquals(expected, PassAtK.estimate(n, right, k), 5e-5);
    }

    @Test
    void thePluggedInEstimateIsAnotherOne() {
        assertEquals(.8319, 1 - Math.pow(1 - 3 / 10.0, 5), 5e-5);
        assertTrue(Math.abs(PassAtK.estimate(10, 3, 5) - .8319) > 0.05);
    }

    @Test
    void itIsTheShareOfDrawsOfKWithARightOne() {
        Random random = new Random(3);
        int hits = 0;
        for (int draw = 0; draw < 100_000; draw++) {
            // 3 of 10 are right; 5 of them are drawn without replacement.
            boolean hit = false;
            int right = 3;
            for (int left = 10; left > 5; left--) {
                if (random.nextInt(left) < right) {
                    hit = true;
                    right--;
                }
            }
            hits += hit ? 1 : 0;
        }
        assertEquals(hits / 100_000.0, PassAtK.estimate(10, 3, 5), 0.005);
    }

    @Test
    void answersAreDrawnAndToldRightFromWrong() {
        PassAtK metric = new PassAtK(2, 5, new ExactAnswer(ExactMatch.gsm8kStrict()), 0.8, 1, 7);
        List<Sample> samples = IntStream.range(0, 2).mapToObj(i -> new Sample("s" + i, List.of(Message.user("?")), List.of(),
                "#### 4", Map.of())).toList();
        Examinee model = new FixedExaminee(sample -> sample.id().equals("s0")
                ? List.of("#### 4", "#### 3", "three", "#### 5", "#### 6")
                : List.of("#### 1", "#### 1", "#### 1", "#### 1", "#### 1"), one -> null);
        MetricResult result = metric.measure(samples, model).get(0);
        assertEquals(List.of(.4, .0), result.items().stream().map(item -> Math.round(item * 1e9) / 1e9).toList());
        assertEquals(.2, result.value(), 1e-9);
        assertTrue(result.signature().startsWith("pass@k|k:2|n:5|samples:5|temperature:0.8|topP:1.0|seed:7|by:exactAnswer"));
        assertEquals(5, metric.answersPerPrompt());
    }

    private static String refusal(Map<String, ?> settings) {
        return assertThrows(FinetuneException.class, () -> PassAtK.METHOD.create(new Settings(settings))).getMessage();
    }

    @Test
    void kAboveNAndManyEqualAnswersAreRefused() {
        assertTrue(refusal(Map.of("k", 2)).contains("k is 2 and n is 1"));
        assertTrue(refusal(Map.of("k", 0)).contains("at least 1"));
        assertTrue(refusal(Map.of("n", 5, "temperature", 0.0)).contains("n is 5 at temperature 0"));
        assertEquals(1, PassAtK.METHOD.create(new Settings(Map.of("temperature", 0.0))).n());
    }

    @Test
    void programsPassTheirTests() {
        PassAtK metric = new PassAtK(1, 2, new CodeTests(List.of("sh", "{file}"), "answer.sh", "tests", 10), 0.8, 1, 7);
        Sample sample = new Sample("c:1", List.of(Message.user("Set x to 3.")), List.of(), null, Map.of("tests", "[ $x = 3 ]"));
        Examinee model = new FixedExaminee(asked -> List.of("```sh\nx=3\n```", "x=4"), one -> null);
        assertEquals(.5, metric.measure(List.of(sample), model).get(0).value(), 1e-12);
        Sample untested = new Sample("c:2", List.of(Message.user("?")), List.of(), null, Map.of());
        assertTrue(assertThrows(FinetuneException.class, () -> metric.requireMeasurable(List.of(untested))).getMessage()
                .contains("passAtK: c:2 has no field 'tests'"));
    }

    @Test
    void aJudgeThatAsksAModelIsRefused() {
        PassAtK metric = PassAtK.METHOD.create(new Settings(Map.of("by", Map.of("method", "llmJudge"))));
        Sample sample = new Sample("c:1", List.of(Message.user("?")), List.of(), "a", Map.of());
        assertTrue(assertThrows(FinetuneException.class, () -> metric.requireMeasurable(List.of(sample))).getMessage()
                .contains("the judge llmJudge asks a model"));
    }

    @Test
    void theJudgeIsASettingLikeAnother() {
        PassAtK metric = PassAtK.METHOD.create(new Settings(Map.of("k", 1, "n", 4, "by", Map.of("method", "codeTests"))));
        assertEquals("codeTests", metric.by().method().name());
        assertEquals(metric, PassAtK.METHOD.create(new Settings(metric.settings())));
        assertTrue(refusal(Map.of("by", new TokenF1(""))).contains("but must be one of [exactAnswer"));
        assertTrue(refusal(Map.of("by", Map.of("trim", true))).contains("with its \"method\""));
        assertTrue(refusal(Map.of("by", Map.of("method", "exactAnswr"))).contains("Did you mean 'exactAnswer'?"));
    }
}
