package org.finetune4j.methods.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.head.SequenceLoss.Member;
import org.finetune4j.head.SequenceLoss.Outcome;
import org.finetune4j.methods.Settings;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code fait}; whole runs are in {@link org.finetune4j.train.PreparedObjectivesTest}. */
class FaultWeightedTest {
    private static final String RIGHT = "def sums(xs):\n    s = 0\n    for x in xs:\n        s += x\n    return s";
    private static final double[] LOSSES = {.10, .20, 1.50, .30};

    private static FaultWeighted objective(Map<String, Object> settings) {
        return FaultWeighted.METHOD.create(new Settings(settings));
    }

    private static String marked(String text, boolean[] marks) {
        return IntStream.range(0, text.length()).filter(i -> marks[i]).mapToObj(i -> String.valueOf(text.charAt(i)))
                .reduce("", String::concat);
    }

    @Test
    void oneOperatorOfOneLineDiffers() {
        String wrong = RIGHT.replace("s += x", "s -= x");
        FaultMasks masks = FaultMasks.of(RIGHT, wrong);
        assertEquals("        s += x\n", marked(RIGHT, masks.lines()));
        assertEquals("+", marked(RIGHT, masks.characters()));
        assertTrue(masks.characters()[RIGHT.indexOf("        s += x") + 10]);
        assertEquals("-", marked(wrong, FaultMasks.of(wrong, RIGHT).characters()));
        assertEquals(0.985294, FaultMasks.similarity(RIGHT, wrong), 1e-6);
    }

    @Test
    void aPureInsertionIsMarkedOnBothSides() {
        FaultMasks masks = FaultMasks.of("if n > 0:", "if n >= 0:");
        assertEquals("> ", marked("if n > 0:", masks.characters()));
        assertTrue(masks.characters()[5] && masks.characters()[6]);
        assertEquals("=", marked("if n >= 0:", FaultMasks.of("if n >= 0:", "if n > 0:").characters()));
    }

    @Test
    void aMissingLineIsMarkedWhereItIsMissing() {
        String without = RIGHT.replace("    s = 0\n", "");
        FaultMasks own = FaultMasks.of(RIGHT, without);
        assertEquals("    s = 0\n", marked(RIGHT, own.lines()));
        FaultMasks other = FaultMasks.of(without, RIGHT);
        assertTrue(marked(without, other.lines()).contains("def sums") && !marked(without, other.characters()).isEmpty());
    }

    @Test
    void charactersThatDifferLieInLinesThatDo() {
        Random random = new Random(4);
        for (int n = 0; n < 300; n++) {
            StringBuilder wrong = new StringBuilder(RIGHT);
            for (int edit = 0; edit < 3; edit++) {
                int place = random.nextInt(wrong.length());
                wrong.replace(place, Math.min(wrong.length(), place + random.nextInt(3)), "ab\n+".substring(random.nextInt(4)));
            }
            FaultMasks masks = FaultMasks.of(RIGHT, wrong.toString());
            boolean same = RIGHT.contentEquals(wrong);
            assertEquals(same, marked(RIGHT, masks.characters()).isEmpty(), wrong.toString());
            assertEquals(!same, IntStream.range(0, RIGHT.length()).anyMatch(i -> masks.lines()[i]), wrong.toString());
        }
    }

    @Test
    void identicalTextsHaveNoMarks() {
        FaultMasks masks = FaultMasks.of(RIGHT, RIGHT);
        assertEquals("", marked(RIGHT, masks.lines()) + marked(RIGHT, masks.characters()));
    }

    @Test
    void tokensThatStraddleAMarkAreMarkedWhole() {
        String response = "s += x";
        boolean[] marks = new boolean[6];
        marks[2] = true;
        byte[][] pieces = Arrays.stream(new String[] {"ask:", "s", " +=", " x", "s ", "+", "= x", "é"})
                .map(piece -> piece.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new);
        Example whole = new Example("a", new int[] {0, 1, 2, 3}, new boolean[] {false, true, true, true});
        assertArrayEquals(new float[] {0, 0, 1, 0}, TokenSpans.marked(whole, response, marks, pieces));
        Example single = new Example("b", new int[] {0, 4, 5, 6}, new boolean[] {false, true, true, true});
        assertArrayEquals(new float[] {0, 0, 1, 0}, TokenSpans.marked(single, response, marks, pieces));
        String message = assertThrows(FinetuneException.class, () -> TokenSpans.marked(
                new Example("c", new int[] {0, 7}, new boolean[] {false, true}), response, marks, pieces)).getMessage();
        assertTrue(message.contains("tokens of c"), message);
    }

    private static Member member(double[] losses, float[] lines, float[] tokens) {
        return new Member(losses, Map.of(FaultWeighted.LINES, lines, FaultWeighted.TOKENS, tokens));
    }

    /** The wrong variant's marked tokens have the mean log-probabilities -0.6 (lines) and -0.7 (tokens). */
    private static Outcome outcome(FaultWeighted objective, float[] lines) {
        return new FaultWeightedLoss(objective).of("s", List.of(member(LOSSES, lines, new float[] {0, 0, 1, 0}),
                member(new double[] {0.3, 0.5, 0.7}, new float[] {0, 1, 1}, new float[] {0, 0, 1})), true);
    }

    @Test
    void weightsOfTheCard() {
        Outcome tokens = outcome(objective(Map.of("line", 0.0)), new float[4]);
        assertEquals(0.689974, tokens.logged().get("tokenDoubt"), 1e-6);
        assertEquals(0.783740, tokens.loss() / tokens.divisor(), 1e-6);
        Outcome both = outcome(objective(Map.of()), new float[] {0, 1, 1, 1});
        assertEquals(0.516660, both.logged().get("lineDoubt"), 1e-5);
        assertArrayEquals(new double[] {1, 1.516660, 2.206635, 1.516660}, both.gradients().get(0), 1e-5);
        assertEquals(1.042071, both.loss() / both.divisor(), 1e-5);
        Outcome normalised = outcome(objective(Map.of("line", 0.0, "normalise", "weights")), new float[4]);
        assertEquals(0.668439, normalised.loss() / normalised.divisor(), 1e-6);
        assertArrayEquals(tokens.gradients().get(0), normalised.gradients().get(0), "the trainer divides over the whole step");
        assertArrayEquals(new double[3], both.gradients().get(1), "nothing is learned from the wrong variant");
    }

    @Test
    void withoutFactorsOrVariantsItIsSupervisedFineTuning() {
        for (Outcome outcome : List.of(outcome(objective(Map.of("line", 0.0, "token", 0.0)), new float[] {0, 1, 1, 1}),
                new FaultWeightedLoss(objective(Map.of())).of("s", List.of(member(LOSSES, new float[4], new float[4])), true))) {
            assertEquals(0.525, outcome.loss() / outcome.divisor(), 1e-12);
            assertArrayEquals(new double[] {1, 1, 1, 1}, outcome.gradients().get(0));
        }
    }

    @Test
    void whoGivesNothingAWeightIsToldSo() {
        assertEquals(List.of("faultWeighted with line 0 and token 0 is sft(): give one of them a weight."),
                objective(Map.of("line", 0.0, "token", 0.0)).notes());
        assertEquals(List.of(), objective(Map.of("line", 0.0)).notes());
    }

    @ParameterizedTest
    @CsvSource({"0, 0.5", "5, 0.006693"})
    void doubtFallsAsTheModelLearns(double gap, double expected) {
        Outcome outcome = new FaultWeightedLoss(objective(Map.of())).of("s", List.of(
                member(new double[] {1}, new float[1], new float[] {1}),
                member(new double[] {1 + gap}, new float[1], new float[] {1})), true);
        assertEquals(expected, outcome.logged().get("tokenDoubt"), 1e-6);
    }

    @Test
    void aConstantWeightIsTheAblation() {
        Outcome outcome = outcome(objective(Map.of("weighting", "constant", "line", 0.0, "token", 3.0)), new float[4]);
        assertArrayEquals(new double[] {1, 1, 4, 1}, outcome.gradients().get(0));
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        for (String name : List.of("line", "token", "minSimilarity")) {
            String message = assertThrows(FinetuneException.class, () -> objective(Map.of(name, -1.0))).getMessage();
            assertTrue(message.contains("'" + name + "' is -1.0"), message);
        }
        assertFalse(objective(Map.of()).problems(new Composition(null, org.finetune4j.train.TrainSettings.builder()
                .tooLong(org.finetune4j.data.TooLong.SPLIT).build(), List.of(), 2)).isEmpty());
    }
}
