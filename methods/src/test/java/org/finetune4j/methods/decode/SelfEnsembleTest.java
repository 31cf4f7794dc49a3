package org.finetune4j.methods.decode;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.evaluate.ChoiceQuestion;
import org.finetune4j.methods.evaluate.Examinee;
import org.finetune4j.methods.evaluate.Probabilities;
import org.finetune4j.methods.evaluate.Sampling;
import org.finetune4j.model.TokenEncoder.TokenVectors;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** Card {@code self-ensemble}, tests 1 to 5; 6 and 7 are in CalibrationTest. */
class SelfEnsembleTest {
    private static final List<double[]> THREE = List.of(new double[] {.7, .2, .1}, new double[] {.4, .5, .1},
            new double[] {.3, .6, .1});

    /** A model whose logits are the hash of the whole input, and which notes what it was asked. */
    private static class Noting implements Examinee {
        private final List<List<Message>> asked = new ArrayList<>();

        @Override
        public List<Likelihood> likelihoods(List<Continuation> continuations) {
            return continuations.stream().map(one -> {
                List<Message> turns = java.util.Objects.requireNonNull(one.context()).prompt();
                asked.add(turns);
                double logit = new Random((turns.toString() + one.text()).hashCode()).nextGaussian();
                return new Likelihood(logit - 1, 1, logit);
            }).toList();
        }

        @Override
        public int blocks() {
            return 1;
        }

        @Override
        public Examinee exitAt(int block) {
            throw new AssertionError();
        }

        @Override
        public int[] tokens(String text) {
            return text.chars().toArray();
        }

        @Override
        public List<String> answers(List<Sample> samples) {
            throw new AssertionError("nothing is generated");
        }

        @Override
        public List<List<String>> answers(List<Sample> samples, Sampling sampling) {
            throw new AssertionError("nothing is generated");
        }

        @Override
        public List<Likelihood> rollingLikelihoods(List<String> texts, int window, int contextLength) {
            throw new AssertionError("there is no plain text");
        }

        @Override
        public int vocabularySize() {
            return 256;
        }

        @Override
        public List<float[]> embeddings(String folder, List<String> texts) {
            throw new AssertionError("nothing is embedded");
        }

        @Override
        public List<TokenVectors> tokenVectors(String folder, List<String> texts) {
            throw new AssertionError("nothing is embedded");
        }
    }

    private static Sample sample(int i) {
        String label = List.of("up", "down", "left").get(i % 3);
        return new Sample("pool:" + i, List.of(Message.user("item " + i), Message.assistant(label)), List.of(), label, Map.of());
    }

    private static final DataSource POOL = DataSource.of("pool", IntStream.range(0, 12).mapToObj(SelfEnsembleTest::sample)
            .toList());

    private static ChoiceQuestion question(Sample sample, String... labels) {
        return new ChoiceQuestion(sample, List.of(labels), List.of(labels), 0);
    }

    private static SelfEnsemble ensemble(Object... settings) {
        Map<String, Object> values = new HashMap<>(Map.of("pool", POOL));
        for (int i = 0; i < settings.length; i += 2) {
            values.put((String) settings[i], settings[i + 1]);
        }
        return SelfEnsemble.METHOD.create(new Settings(values));
    }

    @Test
    void theThreeRulesDiffer() {
        assertArrayEquals(new double[] {.4667, .4333, .1}, EnsembleRule.MEAN_PROB.combine(THREE), 5e-5);
        assertArrayEquals(new double[] {.5, .4286, .0714}, EnsembleRule.MAX_PROB.combine(THREE), 5e-5);
        assertArrayEquals(new double[] {.35, .55, .1}, EnsembleRule.MAJORITY.combine(THREE), 1e-12);
        assertEquals(List.of(0, 0, 1), List.of(EnsembleRule.MEAN_PROB, EnsembleRule.MAX_PROB, EnsembleRule.MAJORITY).stream()
                .map(rule -> Probabilities.argmax(rule.combine(THREE))).toList());
    }

    @Test
    void confidenceBeatsCount() {
        double[] combined = EnsembleRule.MAJORITY.combine(List.of(new double[] {.99, .01}, new double[] {.98, .02},
                new double[] {.3, .7}, new double[] {.4, .6}, new double[] {.45, .55}));
        assertArrayEquals(new double[] {.985, .015}, combined, 1e-12, "1.97 of two votes against 1.85 of three");
    }

    @Test
    void theMaximumSmooths() {
        assertArrayEquals(new double[] {.5294, .4706}, EnsembleRule.MAX_PROB.combine(List.of(new double[] {.9, .1},
                new double[] {.2, .8})), 5e-5);
    }

    @Test
    void oneMemberOrEqualOnesChangeNothingAndNeitherOrderNorNamesCount() {
        Random random = new Random(2);
        for (EnsembleRule rule : EnsembleRule.values()) {
            double[] p = {.2, .5, .3};
            assertArrayEquals(p, rule.combine(List.of(p)), 1e-12);
            assertArrayEquals(p, rule.combine(Collections.nCopies(7, p)), 1e-12);
            List<double[]> members = new ArrayList<>();
            for (int k = 0; k < 6; k++) {
                members.add(Probabilities.softmax(random.doubles(4, -3, 3).toArray()));
            }
            double[] combined = rule.combine(members);
            assertEquals(1, Arrays.stream(combined).sum(), 1e-9);
            List<double[]> turned = new ArrayList<>(members);
            Collections.reverse(turned);
            assertArrayEquals(combined, rule.combine(turned), 1e-12, rule.toString());
            double[] renamed = rule.combine(members.stream().map(SelfEnsembleTest::rotated).toList());
            assertArrayEquals(rotated(combined), renamed, 1e-12, rule.toString());
        }
    }

    private static double[] rotated(double[] row) {
        double[] rotated = new double[row.length];
        Arrays.setAll(rotated, i -> row[(i + 1) % row.length]);
        return rotated;
    }

    @Test
    void theLogitOfALabelIsTheMeanOfThoseOfItsTokens() {
        // "very good" has the logits 2 and 4, "bad" has 1.
        assertArrayEquals(new double[] {.8808, .1192}, Probabilities.softmax((2 + 4) / 2.0, 1), 5e-5);
        Noting model = new Noting() {
            @Override
            public List<Likelihood> likelihoods(List<Continuation> continuations) {
                return continuations.stream().map(one -> one.text().equals("bad") ? new Likelihood(-9, 1, 1)
                        : new Likelihood(-1, 2, 3)).toList();
            }
        };
        double[] p = ensemble("members", 1).over(model).probabilities(List.of(question(sample(0), "very good", "bad"))).get(0);
        assertArrayEquals(new double[] {.8808, .1192}, p, 5e-5);
    }

    @Test
    void labelsThatBeginAlikeAreRefusedByName() {
        String message = assertThrows(FinetuneException.class, () -> ensemble().over(new Noting()).probabilities(List.of(
                question(sample(0), "positive", "neutral", "perhaps", "no")))).getMessage();
        assertTrue(message.contains("'positive' and 'perhaps', 'neutral' and 'no'"), message);
    }

    @Test
    void everyMemberHasOtherDemonstrationsAndNeverTheQuestionItself() {
        Noting model = new Noting();
        Sample asked = sample(4);
        ensemble("members", 5).over(model).probabilities(List.of(question(asked, "up", "down")));
        assertEquals(10, model.asked.size(), "one pass for each member and label");
        assertEquals(5, model.asked.stream().distinct().count());
        for (List<Message> turns : model.asked) {
            assertEquals(7, turns.size(), "three demonstrations of two turns, and the question");
            assertEquals("item 4", turns.get(6).text());
            assertTrue(turns.subList(0, 6).stream().noneMatch(turn -> turn.text().equals("item 4")));
            for (int shown = 0; shown < 6; shown += 2) {
                int item = Integer.parseInt(turns.get(shown).text().substring(5));
                assertEquals(sample(item).answer(), turns.get(shown + 1).text());
                assertTrue(turns.get(shown + 1).isAssistant());
            }
        }
    }

    @Test
    void membersUseTheSameDemonstrationsForAllQuestions() {
        Noting model = new Noting();
        Sample one = new Sample("a", List.of(Message.user("one")), List.of(), "up", Map.of());
        Sample two = new Sample("b", List.of(Message.user("two")), List.of(), "up", Map.of());
        ensemble("members", 2).over(model).probabilities(List.of(question(one, "up", "down"), question(two, "up", "down")));
        assertEquals(model.asked.get(0).subList(0, 6), model.asked.get(4).subList(0, 6));
        assertNotEquals(model.asked.get(0).subList(0, 6), model.asked.get(2).subList(0, 6));
    }

    @Test
    void templatesAreTheSameForDemonstrationsAndQuestion() {
        Noting model = new Noting();
        SelfEnsemble both = ensemble("vary", "both", "members", 4, "templates", List.of("Say: {prompt}", "{prompt}?"));
        both.over(model).probabilities(List.of(question(sample(0), "up", "down")));
        assertEquals(4, model.asked.stream().distinct().count());
        for (List<Message> turns : model.asked) {
            boolean first = turns.get(6).text().startsWith("Say: ");
            for (int user = 0; user <= 6; user += 2) {
                assertEquals(first, turns.get(user).text().startsWith("Say: "));
                assertEquals(!first, turns.get(user).text().endsWith("?"));
            }
        }
    }

    @Test
    void promptsAloneNeedNoPool() {
        SelfEnsemble prompts = SelfEnsemble.METHOD.create(new Settings(Map.of("vary", "prompt", "templates",
                List.of("a {prompt}", "b {prompt}", "c {prompt}"))));
        prompts.requireUsable();
        assertEquals(3, prompts.count());
        Noting model = new Noting();
        prompts.over(model).probabilities(List.of(question(sample(0), "up", "down")));
        assertEquals(3, model.asked.stream().distinct().count());
        assertTrue(model.asked.stream().allMatch(turns -> turns.size() == 1));
    }

    @Test
    void balancedDemonstrationsHaveAsManyOfEachAnswer() {
        for (long seed = 0; seed < 5; seed++) {
            List<Sample> shown = Demonstrations.draw("m", POOL.samples(), sample(3), 3, Demonstrations.Retrieve.BALANCE, seed);
            assertEquals(3, shown.stream().map(Sample::answer).distinct().count());
            assertFalse(shown.contains(sample(3)));
        }
    }

    private static String refusal(Runnable asked) {
        return assertThrows(FinetuneException.class, asked::run).getMessage();
    }

    @Test
    void whatCannotBeVariedIsRefused() {
        assertTrue(refusal(() -> SelfEnsemble.METHOD.create(new Settings(Map.of())).requireUsable())
                .contains("vary = IC changes the demonstrations, but no pool"));
        assertTrue(refusal(() -> ensemble("demonstrations", 12).requireUsable()).contains("has 12 samples, but must have more"));
        assertTrue(refusal(() -> ensemble("vary", "prompt", "members", 2)).contains("2 members, but only 1 templates"));
        assertTrue(refusal(() -> ensemble("members", -1)).contains("at least 1"));
        assertTrue(refusal(() -> ensemble("templates", List.of("no place"))).contains("with {prompt} in them"));
        assertTrue(refusal(() -> ensemble("retrieve", "nearest")).contains("BALANCE"));
        assertEquals(20, ensemble().count());
        assertEquals(3, ensemble().demonstrations());
        assertEquals(EnsembleRule.MAX_PROB, ensemble().rule());
    }

    @Test
    void batchCalibrationFavoursNoLabel() {
        List<double[]> logits = List.of(new double[] {5, 1}, new double[] {6, 0}, new double[] {7, -4});
        List<double[]> calibrated = BatchCalibration.calibrated(logits);
        double second = Math.sqrt(7);
        double[] expected = Probabilities.softmax(-1, (1 - -1) / second);
        assertArrayEquals(expected, calibrated.get(0), 1e-12);
        assertEquals(1, Probabilities.argmax(calibrated.get(0)), "the label that is rarely told");
        assertArrayEquals(new double[] {.5, .5}, BatchCalibration.calibrated(List.of(new double[] {1, 2}, new double[] {1, 2}))
                .get(0), 1e-12);
        assertTrue(refusal(() -> BatchCalibration.calibrated(List.of(new double[] {1, 2}))).contains("at least 2 questions"));
    }
}
