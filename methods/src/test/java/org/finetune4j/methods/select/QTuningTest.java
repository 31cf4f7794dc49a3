package org.finetune4j.methods.select;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.QTuning.Partition;
import org.finetune4j.methods.select.QTuning.Removal;
import org.finetune4j.methods.select.QTuning.Rule;
import org.finetune4j.methods.select.Quadrants.Place;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.BatchStage;
import org.finetune4j.train.TinyTraining;
import org.finetune4j.train.TrainSettings;
import org.finetune4j.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;

/** Card q-tuning: its numbered tests, and that the method fits into a run. */
class QTuningTest {
    private static final double[] PERPLEXITIES = {2, 3, 4, 5, 6, 8, 12, 20};
    private static final double[] ENTROPIES = {1.9, .5, 1.2, .8, 1.6, 2.2, .4, 1.0};
    private static final float[] LOG_PROBABILITIES = {-.1f, -2.3f, -.2f, -1.6f, -2f, -1.8f, -.1f, -.3f};

    @TempDir
    Path folder;

    /** Card test 1. */
    @Test
    void perplexityAndEntropyOfTheCardsExample() {
        float[] gold = {(float) Math.log(.2), (float) Math.log(.5)};
        float[] entropies = {entropy(.7, .2, .1), entropy(.5, .25, .25)};
        TokenStatistics statistics = new TokenStatistics(gold, entropies);
        assertEquals(0.920770, statistics.entropy(), 1e-6);
        assertEquals(3.162278, statistics.perplexity(), 1e-6);
    }

    private static float entropy(double... probabilities) {
        return (float) Arrays.stream(probabilities).map(p -> -p * Math.log(p)).sum();
    }

    /** Card test 1 through the model: the pass agrees with its own logits' softmax, and leaves no gradient. */
    @Test
    void thePassReportsWhatTheLogitsSay() {
        List<Example> batch = TinyTraining.examples(3, 4);
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             TrainingEngine pass = TokenStatistics.pass(model, EngineOptions.DEFAULT);
             TrainingEngine plain = TrainingEngine.forwardOnly(model, everyProbability(),
                     EngineOptions.DEFAULT)) {
            List<TokenStatistics> found = TokenStatistics.of(batch, pass);
            Map<String, float[]> values = plain.evaluate(TinyTraining.batch(batch)).values();
            int row = 0;
            for (int s = 0; s < batch.size(); s++) {
                int[] ids = batch.get(s).ids();
                for (int t = 0; t < found.get(s).entropies().length; t++, row++) {
                    double entropy = 0;
                    for (int v = 0; v < 40; v++) {
                        double probability = values.get("p" + v)[row];
                        entropy -= probability * Math.log(probability);
                    }
                    assertEquals(entropy, found.get(s).entropies()[t], 1e-4);
                    assertEquals(Math.log(values.get("p" + ids[3 + t])[row]), found.get(s).logProbabilities()[t], 1e-4);
                }
            }
            assertEquals(0, model.parameters().flatGradient().norm1Number().doubleValue());
        }
    }

    private static TokenLoss everyProbability() {
        return new TokenLoss() {
            @Override
            public boolean needsReference() {
                return false;
            }

            @Override
            public Expression build(TokenView view) {
                Map<String, SDVariable> logged = new LinkedHashMap<>();
                SDVariable softmax = view.graph().nn().softmax(view.logits(), 1);
                for (int v = 0; v < 40; v++) {
                    double[] one = new double[40];
                    one[v] = 1;
                    logged.put("p" + v, softmax.mul(view.graph().constant(Nd4j.createFromArray(one)
                            .castTo(DataType.FLOAT).reshape(1, 40))).sum(1));
                }
                return new Expression(view.logProbability().neg(), logged);
            }
        };
    }

    /** Card test 2. */
    @Test
    void triageOfTheCardsExample() {
        Quadrants quadrants = new Quadrants(PERPLEXITIES, ENTROPIES);
        assertArrayEquals(new double[] {-.8333, 0, -.3333, -.0556, -.4444, -.6667, .5556, .6667}, quadrants.signed(),
                5e-5);
        List<Quadrants.Thresholds> visited = quadrants.visited(.5, 10);
        assertEquals(10, visited.size());
        assertEquals(new Quadrants.Thresholds(.245, 3, 12, .5, 1.9), visited.get(0));
        assertEquals(new Quadrants.Thresholds(.3675, 4, 8, .8, 1.6), visited.get(1));
        assertEquals(new Quadrants.Thresholds(visited.get(2).low(), 5, 6, 1, 1.2), visited.get(2));
        assertEquals(.42875, visited.get(2).low(), 1e-12);

        Quadrants.Choice best = quadrants.choose(.5, 10, Partition.BEST);
        assertEquals(List.of(0, 2, 6, 7), best.kept());
        assertEquals(Place.CALIBRATION, best.places().get(0));
        assertEquals(Place.CALIBRATION, best.places().get(2));
        assertEquals(Place.MISCONCEPTION, best.places().get(6));
        assertEquals(Place.MISCONCEPTION, best.places().get(7));
        // The last iterate holds 0 and 6; 5 and 7 differ most among the others.
        assertEquals(List.of(0, 5, 6, 7), quadrants.choose(.5, 10, Partition.LAST).kept());
        assertEquals(List.of(0, 6), quadrants.choose(.25, 10, Partition.BEST).kept());
        assertEquals(List.of(0, 5), quadrants.choose(.25, 10, Partition.LAST).kept());
    }

    @Test
    void quantilesAreTheLeastValueWithEnoughBelow() {
        assertEquals(2, Quadrants.quantile(PERPLEXITIES, 0));
        assertEquals(2, Quadrants.quantile(PERPLEXITIES, .125));
        assertEquals(3, Quadrants.quantile(PERPLEXITIES, .126));
        assertEquals(20, Quadrants.quantile(PERPLEXITIES, 1));
    }

    /** Card test 3. */
    @Test
    void tokenScoresOfTheCardsExample() {
        double[] perplexities = NeighbourPruning.perplexities(LOG_PROBABILITIES);
        assertArrayEquals(new double[] {1.1052, 9.9742, 1.2214, 4.9530, 7.3891, 6.0496, 1.1052, 1.3499}, perplexities,
                5e-5);
        assertArrayEquals(new double[] {10.5268, 6.1504, 8.0743, 6.7817, 9.1959, 7.2719, 4.2523, 1.7801},
                NeighbourPruning.scores(perplexities, .5), 5e-5);
        assertEquals(List.of(1, 3, 6, 7), kept(.5, Rule.SCORE));
        assertEquals(List.of(0, 2, 6, 7), kept(0, Rule.SCORE));
        assertEquals(List.of(0, 1, 2, 6, 7), kept(.5, Rule.CONJUNCTIVE));
        assertEquals(1.0750, loss(1, 3, 6, 7), 1e-6);
        assertEquals(1.0500, loss(0, 1, 2, 3, 4, 5, 6, 7), 1e-6);
    }

    private static List<Integer> kept(double lambda, Rule rule) {
        boolean[] kept = NeighbourPruning.kept(LOG_PROBABILITIES, .5, lambda, rule, false);
        return IntStream.range(0, 8).filter(i -> kept[i]).boxed().toList();
    }

    private static double loss(int... places) {
        return Arrays.stream(places).mapToDouble(i -> -LOG_PROBABILITIES[i]).average().orElseThrow();
    }

    /** Card test 3: the two ways to remove a token, and that the end stays when tokens are deleted. */
    @Test
    void deletionMovesWhatFollowsUpAndMaskingDoesNot() {
        int[] ids = {30, 31, 10, 11, 12, 13, 9};
        boolean[] supervised = {false, false, true, true, true, true, true};
        Example example = new Example("e", ids, supervised).withColumn("w", new float[] {0, 0, 1, 2, 3, 4, 5});
        boolean[] kept = {true, false, false, true, true};
        Example masked = NeighbourPruning.pruned(example, kept, Removal.MASK_LOSS);
        assertArrayEquals(ids, masked.ids());
        assertArrayEquals(new boolean[] {false, false, true, false, false, true, true}, masked.supervised());
        Example deleted = NeighbourPruning.pruned(example, kept, Removal.DELETE);
        assertArrayEquals(new int[] {30, 31, 10, 13, 9}, deleted.ids());
        assertArrayEquals(new boolean[] {false, false, true, true, true}, deleted.supervised());
        assertArrayEquals(new float[] {0, 0, 1, 4, 5}, deleted.columns().get("w"));

        float[] surprisingEnd = {-.1f, -.2f, -.3f, -9f};
        assertFalse(NeighbourPruning.kept(surprisingEnd, .5, .5, Rule.SCORE, false)[3]);
        boolean[] withEnd = NeighbourPruning.kept(surprisingEnd, .5, .5, Rule.SCORE, true);
        assertTrue(withEnd[3]);
        assertEquals(2, IntStream.range(0, 4).filter(i -> withEnd[i]).count());
        assertArrayEquals(new boolean[] {true}, NeighbourPruning.kept(new float[] {-3}, .1, .5, Rule.SCORE, true));
    }

    private static List<Example> prepared(QTuning method, LanguageModel model, List<Example> batch) {
        try (BatchStage stage = method.stage(TinyTraining.context(model, batch, TinyTraining.settings()))) {
            return stage.prepare(List.of(batch), 1).get(0);
        }
    }

    /** Card tests 4 and 6: who stays, what of them stays, and how much that is. */
    @Test
    void budgetsAreExactAndOnlyMisconceptionsLoseTokens() {
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS)) {
            for (int size : new int[] {1, 5, 8, 13}) {
                List<Example> batch = TinyTraining.examples(size, size);
                for (double share : new double[] {.125, .5, .7, 1}) {
                    List<Example> left = prepared(new QTuning(share, .5), model, batch);
                    assertEquals(Math.max(1, (int) Math.floor(share * size + 1e-9)), left.size());
                    Quadrants.Choice choice = choice(model, batch, share);
                    assertEquals(choice.kept().stream().map(i -> batch.get(i).id()).toList(),
                            left.stream().map(Example::id).toList());
                    for (int j = 0; j < left.size(); j++) {
                        int i = choice.kept().get(j);
                        int all = batch.get(i).supervisedTokens();
                        int expected = choice.places().get(i) == Place.CALIBRATION ? all : Math.max(1, all / 2);
                        assertEquals(expected, left.get(j).supervisedTokens());
                        if (expected == all) {
                            assertEquals(batch.get(i), left.get(j));
                        }
                        int[] ids = batch.get(i).ids();
                        int[] kept = left.get(j).ids();
                        assertEquals(ids[ids.length - 1], kept[kept.length - 1]);
                        assertArrayEquals(Arrays.copyOf(ids, 3), Arrays.copyOf(kept, 3));
                    }
                }
            }
        }
    }

    private static Quadrants.Choice choice(LanguageModel model, List<Example> batch, double share) {
        try (TrainingEngine pass = TokenStatistics.pass(model, EngineOptions.DEFAULT)) {
            List<TokenStatistics> all = TokenStatistics.of(batch, pass);
            return new Quadrants(all.stream().mapToDouble(TokenStatistics::perplexity).toArray(),
                    all.stream().mapToDouble(TokenStatistics::entropy).toArray()).choose(share, 10, Partition.BEST);
        }
    }

    /** Card test 4: what is dropped adds nothing to the gradient. */
    @Test
    void theGradientIsThatOfTheKeptAlone() {
        List<Example> batch = TinyTraining.examples(8, 2);
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             TrainingEngine engine = new TrainingEngine(model, new Sft())) {
            List<Integer> kept = choice(model, batch, .25).kept();
            float[] expected = gradient(engine, model, kept.stream().map(batch::get).toList());
            assertArrayEquals(expected, gradient(engine, model, prepared(new QTuning(.25, 1), model, batch)));
            assertFalse(Arrays.equals(expected, gradient(engine, model, batch)));
        }
    }

    private static float[] gradient(TrainingEngine engine, LanguageModel model, List<Example> batch) {
        engine.zeroGradients();
        engine.accumulateGradient(TinyTraining.batch(batch), -1);
        return model.parameters().flatGradient().toFloatVector();
    }

    /** Card test 5. */
    @Test
    void keepingAllIsPlainFineTuning() {
        List<Example> examples = TinyTraining.examples(24, 1);
        float[] plain = TinyTraining.train(new Sft(), List.of(), examples, null, TrainingListener.NONE);
        assertArrayEquals(plain, TinyTraining.train(new Sft(), List.of(new QTuning(1, 1)), examples, null,
                TrainingListener.NONE));
        assertFalse(Arrays.equals(plain, TinyTraining.train(new Sft(), List.of(new QTuning(.5, .5)), examples, null,
                TrainingListener.NONE)));
    }

    /** Card test 7: what has been learned has a lower perplexity and a lower entropy than others. */
    @Test
    void aSampleThatIsTrainedMovesTowardsTheMastered() {
        List<Example> batch = TinyTraining.examples(8, 6);
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             TrainingEngine engine = new TrainingEngine(model, new Sft());
             TrainingEngine pass = TokenStatistics.pass(model, EngineOptions.DEFAULT)) {
            TokenStatistics before = TokenStatistics.of(batch, pass).get(3);
            assertNotEquals(Place.MASTERED, place(TokenStatistics.of(batch, pass)));
            for (int step = 0; step < 60; step++) {
                gradient(engine, model, List.of(batch.get(3)));
                model.parameters().flat().subi(model.parameters().flatGradient().mul(0.2));
                model.parameters().mastersChanged();
            }
            List<TokenStatistics> after = TokenStatistics.of(batch, pass);
            assertTrue(after.get(3).perplexity() < 0.5 * before.perplexity());
            assertTrue(after.get(3).entropy() < 0.8 * before.entropy());
            assertEquals(Place.MASTERED, place(after));
        }
    }

    private static Place place(List<TokenStatistics> statistics) {
        double[] perplexities = statistics.stream().mapToDouble(TokenStatistics::perplexity).toArray();
        double[] entropies = statistics.stream().mapToDouble(TokenStatistics::entropy).toArray();
        return new Quadrants(perplexities, entropies).visited(.25, 1).get(0).place(perplexities[3], entropies[3]);
    }

    @Test
    void aStoppedRunEndsWithTheSameBits() {
        List<Example> examples = TinyTraining.examples(24, 1);
        List<BatchMethod> methods = List.of(new QTuning(.5, .5));
        List<Map<String, Double>> logged = new ArrayList<>();
        float[] whole = TinyTraining.train(new Sft(), methods, examples, null, new TrainingListener() {
            @Override
            public void stepMade(StepEvent event) {
                logged.add(event.values());
            }
        });
        TinyTraining.stopAfter(3, new Sft(), methods, examples, folder);
        assertArrayEquals(whole, TinyTraining.train(new Sft(), methods, examples, folder, TrainingListener.NONE));
        assertTrue(logged.get(0).get("qTuning.kept") <= .5);
        assertTrue(logged.get(0).get("qTuning.keptTokens") < .5);
        assertEquals(1, Arrays.stream(Place.values()).mapToDouble(place -> logged.get(0).get("qTuning."
                + place.name().toLowerCase(Locale.ROOT))).sum(), 1e-9);
    }

    @Test
    void refusesWhatDoesNotFit() {
        assertEquals("qTuning: setting 'samples' is 0.0, but must be above 0 and at most 1.", message(0, .5, .5, 10));
        assertEquals("qTuning: setting 'tokens' is 1.5, but must be above 0 and at most 1.", message(.5, 1.5, .5, 10));
        assertEquals("qTuning: setting 'lambda' is -0.1, but must be at least 0 and at most 1.", message(.5, .5, -.1,
                10));
        assertEquals("qTuning: setting 'kMax' is 0, but must be at least 1.", message(.5, .5, .5, 0));
        TrainSettings train = TinyTraining.settings();
        BatchComposition four = new BatchComposition(new Sft(), train, List.of(3, 4, 4), 15, 40);
        assertEquals(List.of("qTuning: batch too small for samples=0.125: a micro-batch has about 4 samples, but at "
                + "least 8 "
                + "are needed. Raise train.tokensPerBatch (80) or samples."), four.problems(List.of(new QTuning(.125,
                .5))));
        assertEquals(List.of(), four.problems(List.of(new QTuning(.25, .5))));
        assertEquals(1, new BatchComposition(new Sft(), train, List.of(3), 15, 40).problems(List.of(new QTuning(.5,
                .5))).size());
        assertEquals(List.of("qTuning and qTuning each choose among the samples of every step, but the second would "
                + "choose "
                        + "from what the first left of a batch that both count on. Keep one of them."),
                four.problems(List.of(new QTuning(.5, .5), new QTuning(.25, .5))));

        Example paired = TinyTraining.examples(1, 1).get(0).withCompanions(TinyTraining.examples(1, 2));
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS)) {
            assertEquals("select: qTuning chooses by the tokens of one response, but s0 comes with 1 other sequences, "
                    + "as the "
                    + "objective wants it. Leave qTuning out or take an objective of single responses, such as sft().",
                    assertThrows(FinetuneException.class, () -> prepared(new QTuning(.5, .5), model, List.of(paired)))
                            .getMessage());
        }
    }

    private static String message(double samples, double tokens, double lambda, int kMax) {
        return assertThrows(FinetuneException.class, () -> QTuning.METHOD.create(new Settings(Map.of("samples", samples,
                "tokens", tokens, "lambda", lambda, "kMax", kMax)))).getMessage();
    }
}
