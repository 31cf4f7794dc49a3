package org.finetune4j.methods.select;

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
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Uds.Scaling;
import org.finetune4j.methods.select.Uds.Score;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.BatchStage;
import org.finetune4j.train.ModelGradientEngine;
import org.finetune4j.train.StepBatches;
import org.finetune4j.train.TinyTraining;
import org.finetune4j.train.TrainSettings;
import org.finetune4j.train.TrainingListener;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Card uds: its numbered tests, and that the method fits into a run. */
class UdsTest {
    private static final INDArray OF_VOCABULARY = Nd4j.createFromArray(new float[][] {{1, -1, .5f}, {0, 1, 1}});
    private static final INDArray OF_POSITIONS = Nd4j.createFromArray(new float[][] {{1, -1}});
    private static final double[][][] LOGITS = {{{1, 2, 0}, {0, 1, 1}}, {{2, 0, 0}, {2, 0, 0}}, {{0, 0, 3}, {1, 0, 0}},
            {{1, 1, 1}, {0, 0, 1}}};

    @TempDir
    Path folder;

    private static LogitSketch sketch(double[][] logits) {
        INDArray all = Nd4j.createFromArray(logits);
        return LogitSketch.of((from, to) -> all.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to)).dup(),
                logits.length,
                logits[0].length, OF_VOCABULARY, OF_POSITIONS);
    }

    /** Card test 1. */
    @Test
    void nuclearNormsOfTheCard() {
        assertEquals(7, norm(new double[][] {{3, 0}, {0, 4}}), 1e-9);
        assertEquals(5, norm(new double[][] {{3, 0}, {4, 0}}), 1e-6);
        assertEquals(3.449490, norm(LOGITS[0]), 1e-6);
        assertEquals(Math.sqrt(6) + 1, norm(LOGITS[0]), 1e-9);
    }

    private static double norm(double[][] matrix) {
        INDArray all = Nd4j.createFromArray(matrix);
        return NuclearNorm.ofGram(all.mmul(all.transpose()));
    }

    /** Card test 1: the eigenvalues of the Gram matrix against a singular value decomposition of the matrix itself. */
    @Test
    void theGramMatrixGivesTheSingularValues() {
        Random random = new Random(4);
        for (int[] shape : new int[][] {{7, 30}, {20, 20}, {12, 5}}) {
            double[][] matrix = new double[shape[0]][];
            for (int i = 0; i < shape[0]; i++) {
                matrix[i] = random.doubles(shape[1], -2, 2).toArray();
            }
            INDArray wide = shape[0] > shape[1] ? Nd4j.createFromArray(matrix).transpose().dup('c')
                    : Nd4j.createFromArray(matrix);
            INDArray values = Nd4j.create(DataType.DOUBLE, wide.size(0));
            Nd4j.getBlasWrapper().lapack().gesvd(wide.dup('f'), values, null, null);
            double expected = values.sumNumber().doubleValue();
            assertEquals(expected, norm(matrix), 1e-6 * expected);
        }
    }

    /** Card test 2. */
    @Test
    void projectionsScoresAndChoiceOfTheCard() {
        List<LogitSketch> sketches = Arrays.stream(LOGITS).map(UdsTest::sketch).toList();
        double[][] expected = {{-.5, 0}, {0, 0}, {.5, 3}, {0, 1}};
        RecentSketches recent = new RecentSketches(10, 2);
        recent.push(new float[] {0, 0});
        recent.push(new float[] {2, 2});
        double[] distances = {1.850781, 1.414214, 2.422078, 1.618034};
        double[] norms = {3.449490, 2.828427, 4.000000, 2.613126};
        for (int i = 0; i < 4; i++) {
            assertEquals(expected[i][0], sketches.get(i).sketch()[0], 1e-6);
            assertEquals(expected[i][1], sketches.get(i).sketch()[1], 1e-6);
            assertEquals(distances[i], recent.meanDistance(sketches.get(i).sketch()), 1e-6);
            assertEquals(norms[i], sketches.get(i).nuclearNorm(), 1e-6);
        }
        double[] half = UdsStage.scores(sketches, .5, recent);
        assertArrayEquals(new double[] {4.374880, 3.535534, 5.211039, 3.422143}, half, 1e-6);
        assertEquals(List.of(0, 1, 2), UdsStage.best(half, 3));
        assertEquals(List.of(0, 2, 3), UdsStage.best(UdsStage.scores(sketches, 2, recent), 3));
        // Ties go to the lower place.
        assertEquals(List.of(1, 2), UdsStage.best(new double[] {1, 2, 2, 2}, 2));
    }

    /** Card test 3: an empty buffer leaves the nuclear norm, and the oldest sketch goes first. */
    @Test
    void theBufferForgetsTheOldest() {
        List<LogitSketch> sketches = Arrays.stream(LOGITS).map(UdsTest::sketch).toList();
        RecentSketches recent = new RecentSketches(2, 2);
        assertArrayEquals(sketches.stream().mapToDouble(LogitSketch::nuclearNorm).toArray(),
                UdsStage.scores(sketches, 100, recent));
        recent.push(new float[] {100, 0});
        recent.push(new float[] {0, 0});
        assertEquals(50, recent.meanDistance(new float[] {0, 0}), 1e-9);
        recent.push(new float[] {3, 4});
        assertEquals(2, recent.size());
        assertEquals(2.5, recent.meanDistance(new float[] {0, 0}), 1e-9);
        RecentSketches restored = new RecentSketches(2, 2);
        restored.restore(recent.save());
        assertEquals(recent.save(), restored.save());
        restored.push(new float[] {1, 1});
        assertEquals((Math.hypot(2, 3) + 0) / 2, restored.meanDistance(new float[] {1, 1}), 1e-7);
        assertTrue(assertThrows(FinetuneException.class, () -> new RecentSketches(1,
                2).restore(recent.save())).getMessage()
                .startsWith("what the checkpoint remembers for uds cannot be read: 16 bytes are not up to 1 sketches "
                + "of 2"));
        assertThrows(FinetuneException.class, () -> recent.restore("no base 64!"));
    }

    private static Uds uds(int keep, int of, double alpha) {
        return new Uds(keep, of, alpha, 64, 3, 5, 0, Scaling.OFFICIAL, Score.UTILITY_DIVERSITY);
    }

    private static List<List<String>> chosen(Uds method, LanguageModel model, List<List<Example>> batches, long seed) {
        TrainSettings settings = TrainSettings.builder().seed(seed).tokensPerBatch(80).build();
        try (BatchStage stage = method.stage(TinyTraining.context(model,
                batches.stream().flatMap(List::stream).toList(),
                settings))) {
            return stage.prepare(batches, 1).stream().map(batch -> batch.stream().map(Example::id).toList()).toList();
        }
    }

    /**
     * Card tests 3 and 4: only what is learned is remembered, scores use the buffer from before, and shares are met.
     */
    @Test
    void whatIsNotLearnedIsNotRemembered() {
        List<Example> examples = TinyTraining.examples(12, 3);
        List<List<Example>> batches = List.of(examples.subList(0, 8), examples.subList(8, 11), examples.subList(11,
                12));
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             BatchStage stage = uds(1, 4, 1e3).stage(TinyTraining.context(model, examples, TinyTraining.settings()));
             HiddenStates states = HiddenStates.forwardOnly(model, List.of(2), EngineOptions.DEFAULT)) {
            assertEquals(List.of(2, 1, 1), stage.prepare(batches, 1).stream().map(List::size).toList());
            assertEquals(4.0, stage.values().get("uds.buffer"));
            assertEquals(4.0 / 12, stage.values().get("uds.kept"), 1e-12);
            // The first micro-batch has nothing to compare with, so that its richest samples are chosen.
            INDArray plain = Nd4j.ones(DataType.FLOAT, 1, 40);
            List<LogitSketch> all = LogitSketch.of(batches.get(0), states, 40, plain, Nd4j.ones(DataType.FLOAT, 1, 15));
            List<Integer> richest = UdsStage.best(all.stream().mapToDouble(LogitSketch::nuclearNorm).toArray(), 2);
            assertEquals(richest.stream().map(i -> examples.get(i).id()).toList(),
                    chosen(uds(1, 4, 1e3), model, batches, 1).get(0));
        }
    }

    /** Card test 4: without a weight on the distance, the seed of the projections does not matter. */
    @Test
    void withoutAlphaTheSeedDoesNotMatter() {
        List<Example> examples = TinyTraining.examples(32, 3);
        List<List<Example>> batches = IntStream.range(0, 8).mapToObj(i -> examples.subList(4 * i, 4 * i + 4)).toList();
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS)) {
            List<List<String>> first = chosen(uds(1, 4, 0), model, batches, 1);
            List<List<String>> far = chosen(uds(1, 4, 1e3), model, batches, 1);
            boolean seedMatters = false;
            for (long seed = 2; seed < 6; seed++) {
                assertEquals(first, chosen(uds(1, 4, 0), model, batches, seed));
                seedMatters |= !far.equals(chosen(uds(1, 4, 1e3), model, batches, seed));
            }
            assertTrue(seedMatters);
        }
    }

    /** Card test 4. */
    @Test
    void keepingAllIsPlainFineTuning() {
        List<Example> examples = TinyTraining.examples(24, 1);
        float[] plain = TinyTraining.train(new Sft(), List.of(), examples, null, TrainingListener.NONE);
        assertArrayEquals(plain, TinyTraining.train(new Sft(), List.of(uds(4, 4, 1)), examples, null,
                TrainingListener.NONE));
        assertFalse(Arrays.equals(plain, TinyTraining.train(new Sft(), List.of(uds(1, 4, 1)), examples, null,
                TrainingListener.NONE)));
    }

    /** Card test 5: scoring leaves no gradient, and only what is kept goes through the training pass. */
    @Test
    void onlyWhatIsKeptIsTrained() {
        List<Example> examples = TinyTraining.examples(16, 3);
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS)) {
            chosen(uds(1, 4, 1), model, List.of(examples), 1);
            assertEquals(0, model.parameters().flatGradient().normmaxNumber().doubleValue());
        }
        List<Double> kept = new ArrayList<>();
        List<Long> tokens = new ArrayList<>();
        TrainingListener listener = new TrainingListener() {
            @Override
            public void stepMade(StepEvent event) {
                kept.add(event.values().getOrDefault("uds.kept", 1.0));
                tokens.add(event.tokens());
            }
        };
        TinyTraining.train(new Sft(), List.of(), examples, null, listener);
        long all = tokens.stream().mapToLong(Long::longValue).sum();
        tokens.clear();
        kept.clear();
        TinyTraining.train(new Sft(), List.of(uds(1, 2, 1)), examples, null, listener);
        double share = (double) tokens.stream().mapToLong(Long::longValue).sum() / all;
        // The last micro-batch of a pass may have a single sample.
        assertTrue(kept.get(0) >= 0.5 && kept.get(0) < 0.7 && kept.get(1) < 0.7, kept.toString());
        assertTrue(share > 0.4 && share < 0.75, "share " + share);
    }

    /** Card test 6: there is no padding, so that what else is in the batch does not change a score. */
    @Test
    void scoresDoNotDependOnTheRestOfTheBatch() {
        List<Example> examples = TinyTraining.examples(5, 9);
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             HiddenStates states = HiddenStates.forwardOnly(model, List.of(2), EngineOptions.DEFAULT)) {
            INDArray g1 = FourierProjection.matrix(5, 40, Scaling.OFFICIAL, 1);
            INDArray g2 = FourierProjection.matrix(3, 15, Scaling.OFFICIAL, 2);
            List<LogitSketch> together = LogitSketch.of(examples, states, 40, g1, g2);
            for (int i = 0; i < 5; i++) {
                LogitSketch alone = LogitSketch.of(examples.subList(i, i + 1), states, 40, g1, g2).get(0);
                assertEquals(alone.nuclearNorm(), together.get(i).nuclearNorm(), 1e-4 * alone.nuclearNorm());
                assertArrayEquals(alone.sketch(), together.get(i).sketch(), 0.01f);
            }
        }
    }

    /** Card test 7. */
    @Test
    void projectionsKeepLengthsUpToTheirScaling() {
        assertTrue(meanRatio(Scaling.OFFICIAL) > 250 && meanRatio(Scaling.OFFICIAL) < 350, ""
                + meanRatio(Scaling.OFFICIAL));
        assertTrue(meanRatio(Scaling.ISOMETRIC) > 1 && meanRatio(Scaling.ISOMETRIC) < 1.4);
        assertEquals(4411.8, Uds.isometricAlpha(1, 512, 152_064), 0.05);
        assertEquals(6.62, Uds.isometricAlpha(1.5e-3, 512, 152_064), 0.005);
    }

    private static double meanRatio(Scaling scaling) {
        Random random = new Random(8);
        double sum = 0;
        for (int seed = 0; seed < 400; seed++) {
            INDArray logits = Nd4j.createFromArray(IntStream.range(0, 16).mapToObj(i -> random.doubles(64)
                    .map(any -> random.nextGaussian()).toArray()).toArray(double[][]::new));
            float[] sketch = LogitSketch.of((from, to) -> logits.dup(), 16, 64,
                    FourierProjection.matrix(16, 64, scaling, 2L * seed),
                    FourierProjection.matrix(8, 16, scaling, 2L * seed + 1)).sketch();
            double squares = 0;
            for (float number : sketch) {
                squares += number * number;
            }
            sum += squares / Math.pow(logits.norm2Number().doubleValue(), 2);
        }
        return sum / 400;
    }

    /**
     * Card test 8, the choice: of a stream that is four fifths near repetitions, the others are chosen the more with
     * alpha.
     */
    @Test
    void whatIsVariedIsChosenOverRepetitions() {
        Random random = new Random(12);
        int[] template = random.ints(14, 0, 40).toArray();
        List<Example> stream = IntStream.range(0, 160).mapToObj(i -> {
            boolean varied = i % 5 == 0;
            int[] ids = varied ? random.ints(14, 0, 40).toArray() : template.clone();
            ids[random.nextInt(14)] = random.nextInt(40);
            boolean[] supervised = new boolean[14];
            Arrays.fill(supervised, 3, 14, true);
            return new Example((varied ? "varied" : "near") + i, ids, supervised);
        }).toList();
        List<List<Example>> batches = IntStream.range(0, 20).mapToObj(i -> stream.subList(8 * i, 8 * i + 8)).toList();
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS)) {
            double none = variedShare(0, model, batches);
            double some = variedShare(1, model, batches);
            double much = variedShare(100, model, batches);
            assertTrue(none <= some && some <= much && none < much, none + ", " + some + ", " + much);
            assertTrue(much > 0.4, much + " where a fifth is varied");
        }
    }

    private static double variedShare(double alpha, LanguageModel model, List<List<Example>> batches) {
        Uds method = new Uds(1, 8, alpha, 64, 3, 16, 0, Scaling.ISOMETRIC, Score.UTILITY_DIVERSITY);
        return chosen(method, model, batches, 1).stream().flatMap(List::stream).mapToInt(id -> id.startsWith("varied")
                ? 1 : 0)
                .average().orElseThrow();
    }

    @Test
    void aStoppedRunEndsWithTheSameBits() {
        List<Example> examples = TinyTraining.examples(24, 1);
        for (Score score : Score.values()) {
            List<BatchMethod> methods = List.of(new Uds(1, 3, 1, 5, 3, 5, 1, Scaling.OFFICIAL, score));
            float[] whole = TinyTraining.train(new Sft(), methods, examples, null, TrainingListener.NONE);
            Path own = folder.resolve(score.name());
            TinyTraining.stopAfter(3, new Sft(), methods, examples, own);
            assertArrayEquals(whole, TinyTraining.train(new Sft(), methods, examples, own, TrainingListener.NONE));
        }
    }

    @Test
    void theBaselinesChooseByTheirOwnScores() {
        List<Example> examples = TinyTraining.examples(8, 3);
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS)) {
            Uds random = new Uds(1, 4, 0, 9, 3, 5, 0, Scaling.OFFICIAL, Score.RANDOM);
            assertEquals(chosen(random, model, List.of(examples), 1), chosen(random, model, List.of(examples), 1));
            assertTrue(IntStream.range(2, 8).anyMatch(seed -> !chosen(random, model, List.of(examples), seed)
                    .equals(chosen(random, model, List.of(examples), 1))));
            Uds loss = new Uds(1, 4, 0, 9, 3, 5, 0, Scaling.OFFICIAL, Score.MAX_LOSS);
            try (TrainingEngine pass = TokenStatistics.pass(model, EngineOptions.DEFAULT)) {
                double[] perplexities = TokenStatistics.of(examples,
                        pass).stream().mapToDouble(TokenStatistics::perplexity)
                        .toArray();
                assertEquals(UdsStage.best(perplexities, 2).stream().map(i -> "s" + i).toList(),
                        chosen(loss, model, List.of(examples), 1).get(0));
            }
        }
    }

    /** The norms are those of training on each sample alone, and no gradient is left behind. */
    @Test
    void theLargestGradientIsThatOfTrainingOnOneSample() {
        List<Example> examples = TinyTraining.examples(8, 3);
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS)) {
            double[] norms = new double[8];
            try (ModelGradientEngine engine = new ModelGradientEngine(model, new Sft())) {
                for (int i = 0; i < norms.length; i++) {
                    engine.zeroGradients();
                    engine.accumulateGradient(StepBatches.of(List.of(List.of(examples.get(i))), Reduction.TOKENS).get(0), -1);
                    norms[i] = engine.gradient().norm2Number().doubleValue();
                }
            }
            Uds gradient = new Uds(1, 4, 0, 9, 3, 5, 0, Scaling.OFFICIAL, Score.MAX_GRADIENT);
            assertEquals(UdsStage.best(norms, 2).stream().map(i -> "s" + i).toList(),
                    chosen(gradient, model, List.of(examples), 1).get(0));
            assertEquals(0, model.parameters().flatGradient().norm2Number().doubleValue());
        }
    }

    @Test
    void refusesWhatDoesNotFit() {
        assertEquals("uds: setting 'keep' is 9, but must be at least 1 and at most 8 (of).", message("keep", 9));
        assertEquals("uds: setting 'keep' is 0, but must be at least 1 and at most 8 (of).", message("keep", 0));
        assertEquals("uds: setting 'of' is 1, but must be at least 2.", message("of", 1));
        assertEquals("uds: setting 'alpha' is -1.0, but must be a finite number of at least 0.", message("alpha",
                -1.0));
        assertEquals("uds: setting 'buffer' is 0, but must be at least 1.", message("buffer", 0));
        BatchComposition composition = new BatchComposition(new Sft(), TinyTraining.settings(), List.of(1, 1, 4), 6,
                40);
        assertEquals(List.of("uds: a micro-batch has about 1 sample, of which nothing can be chosen. Raise "
                + "train.tokensPerBatch (80).", "uds: vocabularyDims is 128, but the vocabulary has only 40 tokens. "
                + "Lower it.",
                "uds: positionDims is 8, but the longest sample has only 6 tokens. Lower it."),
                composition.problems(List.of(new Uds(1, 8))));
        assertTrue(composition.problems(List.of(uds(1, 8, 1), new QTuning(.5, .5))).get(0)
                .startsWith("uds and qTuning each choose among the samples of every step"));
        List<String> warnings = new ArrayList<>();
        try (LanguageModel model = TinyTraining.model(Precision.F32, TinyTraining.KERNELS);
             BatchStage stage = new Uds(1, 8, 1, 7, 3, 5, 0, Scaling.OFFICIAL, Score.UTILITY_DIVERSITY)
                     .stage(new BatchContext(model, EngineOptions.DEFAULT, TinyTraining.examples(3, 1),
                             TinyTraining.settings(), new TrainingListener() {
                                 @Override
                                 public void warned(String message) {
                                     warnings.add(message);
                                 }
                             }))) {
            assertEquals(List.of("uds remembers 7 samples, which is less than the 8 of one choice, so that it hardly "
                    + "knows "
                    + "what was learned. Raise buffer."), warnings);
        }
    }

    private static String message(String name, Object value) {
        return assertThrows(FinetuneException.class, () -> Uds.METHOD.create(new Settings(Map.of(name,
                value)))).getMessage();
    }
}
