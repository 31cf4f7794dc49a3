package org.finetune4j.methods.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Methods;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.judge.ExactAnswer;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class MetricSettingsTest {
    private static final DataSource GENERAL = DataSource.of("general", List.of(new Sample("g:1", List.of(Message.user("?")),
            List.of(), "yes", Map.of())));

    static Stream<Metric> metrics() {
        return Stream.of(ExactMatch.gsm8kFlexible(), new TokenF1("|"),
                new ClassF1(ClassF1.Average.WEIGHTED, List.of("a", "b")),
                new PassAtK(2, 3, new ExactAnswer(), 0.5, 0.9, 4),
                new Bleu(BleuTokens.CHAR, BleuSmoothing.FLOOR, 3, true, "|"), new Rouge(List.of("rouge3"), true, "|"),
                new Perplexity(Perplexity.Unit.BYTE, 9, 2), MultipleChoice.mmlu(),
                new ChoiceF1(ClassF1.Average.MICRO, "a", List.of("b", "c"), "d", ChoiceForm.LETTERS, " "),
                new Brier("a", List.of("b", "c"), "d", ChoiceForm.LETTERS, " "),
                new BrierBinary("a", List.of("b", "c"), "d", ChoiceForm.LETTERS, " "),
                new Calibration(5, Calibration.Scheme.EQUAL_MASS), new SemanticSimilarity("there"), new BertScore("there", 0.8),
                new DistinctN(2, DistinctN.Level.SENTENCE, 3, 0.5, 0.9, 4), new Ead(2, 50, 3, 0.5, 0.9, 4),
                new SelfBleu(3, BleuSmoothing.EXP, 9, 3, 0.5, 0.9, 4), new Forgetting(GENERAL, new Perplexity()),
                new PerExit(List.of(1, 3), new Perplexity()));
    }

    @ParameterizedTest
    @MethodSource("metrics")
    void settingsMakeTheSameMetricAgain(Metric metric) {
        assertEquals(metric, metric.method().create(new Settings(metric.settings())));
        assertFalse(metric.settings().values().stream().anyMatch(value -> value instanceof Integer));
    }

    @Test
    void everyMetricOfTheCatalogueIsHere() {
        assertEquals(Methods.all().stream().filter(method -> method.kind() == Method.Kind.EVALUATE).collect(Collectors.toSet()),
                metrics().map(Fragment::method).collect(Collectors.toSet()));
    }

    @Test
    void defaultsAreThoseOfTheCard() {
        assertEquals(new Bleu(BleuTokens.MTEVAL_13A, BleuSmoothing.EXP, 4, false, ""), made(Bleu.METHOD));
        assertEquals(new Rouge(List.of("rouge1", "rouge2", "rougeL"), false, ""), made(Rouge.METHOD));
        assertEquals(new Calibration(10, Calibration.Scheme.EQUAL_WIDTH), made(Calibration.METHOD));
        assertEquals(ClassF1.Average.MACRO, made(ClassF1.METHOD).average());
        assertEquals(new PassAtK(1, 1, new ExactAnswer(new ExactMatch()), 0.8, 0.95, 0), made(PassAtK.METHOD));
        assertEquals(new Perplexity(Perplexity.Unit.TOKEN, 0, 1), made(Perplexity.METHOD));
        assertEquals(new SelfBleu(4, BleuSmoothing.FLOOR, 500, 1, 0, 1, 0), made(SelfBleu.METHOD));
        assertEquals(new MultipleChoice(), made(MultipleChoice.METHOD));
        assertEquals(new Brier(), made(Brier.METHOD));
    }

    private static <F extends Fragment> F made(Method<F> method) {
        return method.create(new Settings(Map.of()));
    }

    @Test
    void aMetricIsMeasuredAtEveryExitOrAtThoseThatAreNamed() {
        Examinee model = new FixedExaminee(sample -> List.of("yes"), one -> null);
        List<Sample> samples = GENERAL.samples();
        Metric wanted = new ExactMatch("yes2", ExactMatch.Occurrence.FIRST, List.of(), false, false, false, false, "");
        assertEquals(List.of("exactMatch at 1", "exactMatch at 2", "exactMatch at 3"), new PerExit(List.of(), wanted)
                .measure(samples, model).stream().map(MetricResult::name).toList());
        List<Sample> second = List.of(new Sample("g:2", List.of(Message.user("?")), List.of(), "yes2", Map.of()));
        List<MetricResult> named = new PerExit(List.of(2, 3), new ExactMatch()).measure(second, model);
        assertEquals(List.of(1.0, 0.0), named.stream().map(MetricResult::value).toList());
        assertTrue(named.get(1).signature().endsWith("|exit:3"), named.get(1).signature());
        assertEquals(GENERAL.samples(), new PerExit(List.of(), new Forgetting(GENERAL, wanted)).samples(List.of()));
        assertTrue(assertThrows(FinetuneException.class, () -> new PerExit(List.of(2, 2), wanted)).getMessage()
                .contains("ascending from at least 1, which 2 is not"));
    }

    @Test
    void forgettingMeasuresAnotherMetricOnSamplesOfItsOwn() {
        Forgetting forgetting = new Forgetting(GENERAL, new ExactMatch());
        Examinee model = new FixedExaminee(sample -> List.of("yes"), one -> null);
        List<Sample> own = forgetting.samples(List.of());
        MetricResult result = forgetting.measure(own, model).get(0);
        assertEquals("exactMatch on general", result.name());
        assertEquals(1, result.value());
        assertEquals(1, forgetting.answersPerPrompt());
        assertTrue(assertThrows(FinetuneException.class, () -> made(Forgetting.METHOD).samples(own)).getMessage()
                .contains("by on = ..."));
        assertTrue(assertThrows(FinetuneException.class, () -> Forgetting.METHOD.create(new Settings(Map.of("on", "g.jsonl"))))
                .getMessage().contains("'on' is g.jsonl, but must be a source of samples"));
    }
}
