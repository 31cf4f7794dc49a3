package org.finetune4j.methods.objective;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.head.SequenceLoss.Member;
import org.finetune4j.head.SequenceLoss.Outcome;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.Intuitive.Draft;
import org.finetune4j.methods.objective.Intuitive.Form;
import org.finetune4j.methods.objective.Intuitive.Norm;
import org.finetune4j.methods.objective.Intuitive.Side;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.train.TinyTraining;
import org.finetune4j.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Card {@code ift}; blending is in {@code BlendTest}, and the engine in {@link org.finetune4j.train.RealTrainingTest}. */
class IntuitiveTest {
    @TempDir
    Path folder;

    private static final double[] LOSSES = {0.440190, 1.536592, 2.185182};

    private static Outcome outcome(Intuitive settings, double... losses) {
        return new IntuitiveLoss(settings).of("s", List.of(new Member(losses, Map.of())), true);
    }

    private static Intuitive with(double gamma, Norm norm, Side side, boolean detached) {
        return new Intuitive(0.2, gamma, norm, side, Form.SUFFIX_WEIGHTS, detached, Draft.GREEDY, 0.2, 0);
    }

    @ParameterizedTest
    @CsvSource({"0.95, L1, 1.244127", "1, L1, 1.224156", "0.95, L2, 1.130070", "0.95, LOG, 1.280936",
        "0.95, SOFTMAX, 1.244365", "0, L1, 1.387321"})
    void lossOfTheCard(double gamma, Norm norm, double expected) {
        assertEquals(expected, outcome(with(gamma, norm, Side.LEFT, false), LOSSES).loss(), 2e-6);
    }

    @Test
    void derivativesOfTheCard() {
        assertArrayEquals(new double[] {0.317292, 0.324851, 0.277000},
                outcome(new Intuitive(0.2, 0.95), LOSSES).gradients().get(0), 1e-6);
        assertArrayEquals(new double[] {0.400431, 0.373588, 0.225981},
                outcome(with(0.95, Norm.L1, Side.LEFT, true), LOSSES).gradients().get(0), 1e-6);
    }

    @Test
    void derivativesAgreeWithCentralDifferences() {
        double[] losses = new Random(3).doubles(6, 0.1, 3).toArray();
        for (Norm norm : Norm.values()) {
            for (Side side : Side.values()) {
                for (double gamma : new double[] {0, 0.7, 1}) {
                    Intuitive settings = with(gamma, norm, side, false);
                    double[] gradient = outcome(settings, losses).gradients().get(0);
                    for (int t = 0; t < losses.length; t++) {
                        double[] moved = losses.clone();
                        moved[t] += 1e-6;
                        double above = outcome(settings, moved).loss();
                        moved[t] -= 2e-6;
                        assertEquals((above - outcome(settings, moved).loss()) / 2e-6, gradient[t], 1e-8, settings.toString());
                    }
                }
            }
        }
    }

    @Test
    void theDoubleSumOfTheCard() {
        Outcome outcome = outcome(new Intuitive(0.2, 0.95, Norm.L1, Side.LEFT, Form.DOUBLE_SUM, false, Draft.GREEDY,
                0.2, 0), LOSSES);
        assertEquals(9.669777, outcome.loss(), 2e-6);
        assertArrayEquals(new double[] {1, 1.95, 2.8525}, outcome.gradients().get(0), 1e-12);
    }

    @Test
    void theFirstWordOfAResponseIsDraftedAndPromptsAndOtherSequencesAreNot() {
        int[] ids = {5, 6, 7, 8, 9, 10, 11};
        PackedBatch batch = new PackedBatch(ids, new int[] {0, 1, 2, 3, 0, 1, 2}, new int[] {0, 4, 7},
                new int[] {1, 2, 3, 5, 6}, new int[] {7, 8, 30, 11, 31}, new float[5]);
        assertArrayEquals(new int[] {5, 6, 20, 21, 9, 10, 23}, DraftingEngine.drafts(batch, new float[] {20, 21, 22, 23, 24}));
    }

    private static Intuitive scheduled(double startLambda, double disturbance, Draft draft) {
        return new Intuitive(0.5, 0.95, Norm.L1, Side.LEFT, Form.SUFFIX_WEIGHTS, false, draft, startLambda, disturbance);
    }

    @Test
    void theShareRisesOverTheWarmUp() {
        double[] shares = LongStream.range(0, 6).mapToDouble(step -> scheduled(0.1, 0, Draft.GREEDY).share(step, 4, 1)).toArray();
        assertArrayEquals(new double[] {.1, .2, .3, .4, .5, .5}, shares, 1e-12);
        assertEquals(0.5, scheduled(0.1, 0, Draft.GREEDY).share(0, 0, 1));
        assertEquals(0.2, new Intuitive(0.2, 0.95).share(0, 4, 1));
    }

    @Test
    void theShareIsDisturbedWithinItsBounds() {
        Intuitive little = scheduled(0.5, 0.1, Draft.GREEDY);
        double[] shares = LongStream.range(0, 20_000).mapToDouble(step -> little.share(step, 0, 7)).toArray();
        double mean = Arrays.stream(shares).average().orElseThrow();
        assertEquals(0.5, mean, 0.002);
        assertEquals(0.05, Math.sqrt(Arrays.stream(shares).map(x -> (x - mean) * (x - mean)).average().orElseThrow()), 0.002);
        double[] wild = LongStream.range(0, 1000).mapToDouble(step -> scheduled(0.5, 5, Draft.GREEDY).share(step, 0, 7))
                .toArray();
        assertEquals(0, Arrays.stream(wild).min().orElseThrow());
        assertEquals(1, Arrays.stream(wild).max().orElseThrow());
    }

    /** Drafts and shares are pure functions of seed and step, so that a stopped run ends with the same bits. */
    @Test
    void scheduledRunsAreResumedToTheBit() {
        List<Example> examples = TinyTraining.examples(24, 1);
        List<Double> lambdas = new ArrayList<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void stepMade(StepEvent event) {
                lambdas.add(event.values().get("lambda"));
            }
        };
        float[] greedy = TinyTraining.train(scheduled(0.1, 0, Draft.GREEDY), List.of(), examples, null, listener);
        assertTrue(lambdas.size() >= 4);
        for (int step = 0; step < lambdas.size(); step++) {
            assertEquals(Math.min(.5, .1 + .1 * step), lambdas.get(step), 1e-6);
        }
        for (Draft draft : new Draft[] {Draft.TOP2, Draft.DRAWN}) {
            Intuitive objective = scheduled(0.1, 0.3, draft);
            float[] whole = TinyTraining.train(objective, List.of(), examples, null, TrainingListener.NONE);
            assertFalse(Arrays.equals(greedy, whole));
            Path run = folder.resolve(draft.name());
            TinyTraining.stopAfter(3, objective, List.of(), examples, run);
            assertArrayEquals(whole, TinyTraining.train(objective, List.of(), examples, run, TrainingListener.NONE));
        }
    }

    @Test
    void defaultsHaveOneShare() {
        assertEquals(new Intuitive(0.2, 0.95), Intuitive.METHOD.create(new Settings(Map.of())));
        assertEquals(new Intuitive(0.4, 0.95), Intuitive.METHOD.create(new Settings(Map.of("lambda", 0.4))));
        assertEquals(scheduled(0.1, 0.3, Draft.TOP2), Intuitive.METHOD.create(new Settings(Map.of("lambda", 0.5,
                "startLambda", 0.1, "disturbance", 0.3, "draft", "top2"))));
    }

    @Test
    void settingsOutOfRangeAreNamed() {
        assertTrue(assertThrows(FinetuneException.class, () -> scheduled(0.6, 0, Draft.GREEDY)).getMessage()
                .contains("'startLambda' is 0.6, but must be in [0, 0.5], the upper bound being lambda."));
        assertTrue(assertThrows(FinetuneException.class, () -> scheduled(0.1, -1, Draft.GREEDY)).getMessage()
                .contains("'disturbance' is -1.0"));
        assertTrue(assertThrows(FinetuneException.class, () -> new Intuitive(1.1, 0.5)).getMessage()
                .contains("'lambda' is 1.1"));
        assertTrue(assertThrows(FinetuneException.class, () -> new Intuitive(0.1, -0.5)).getMessage()
                .contains("'gamma' is -0.5"));
    }
}
