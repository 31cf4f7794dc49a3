package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.head.BatchExtras;
import org.finetune4j.head.SequenceLoss;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenValues;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What a token loss may want beside the logits, held to central differences in double through a whole model. */
class ObjectiveViewTest {
    private static final Kernels KERNELS = new Nd4jKernels();
    private static final ModelConfig CONFIG = ModelConfig.llama(23, 16, 24, 3, 2, 1, 8, 1e-5, 10000, 64, false, null,
            List.of(), DataType.FLOAT, 0.3);

    @AfterAll
    static void close() {
        KERNELS.close();
    }

    private record Columns() implements TokenLoss {
        @Override
        public List<String> columns() {
            return List.of("weight");
        }

        @Override
        public Expression build(TokenView view) {
            return new Expression(view.logProbability().neg().mul(view.column("weight")), Map.of("entropy",
                    view.entropy(view.logits())));
        }
    }

    /** The square of the mean of the first sequence, times that of the others: every token's weight depends on all. */
    private record Products() implements SequenceLoss {
        @Override
        public Outcome of(String sample, List<Member> members, boolean training) {
            double first = members.get(0).mean();
            double others = members.stream().skip(1).mapToDouble(Member::sum).sum();
            List<double[]> gradients = members.stream().map(member -> {
                double[] gradient = new double[member.losses().length];
                Arrays.fill(gradient, member == members.get(0) ? 2 * first * others / gradient.length : first * first);
                return gradient;
            }).toList();
            return new Outcome(first * first * others, gradients, 1, Map.of("first", first));
        }
    }

    private record Sequences() implements TokenLoss {
        @Override
        public Expression build(TokenView view) {
            return new Expression(view.logProbability().neg(), Map.of());
        }

        @Override
        public SequenceLoss sequenceLoss() {
            return new Products();
        }
    }

    /** Later places and later samples weigh more. */
    private record Places() implements TokenLoss {
        @Override
        public Expression build(TokenView view) {
            DataType type = view.logits().dataType();
            return new Expression(view.logProbability().neg().mul(view.positions().castTo(type)
                    .add(view.samples().castTo(type).mul(10))), Map.of("nll", view.logProbability().neg(), "place",
                    view.positions().castTo(type), "sample", view.samples().castTo(type)));
        }
    }

    private record Exits(List<Integer> exits) implements TokenLoss {
        @Override
        public Expression build(TokenView view) {
            return new Expression(view.logProbability().neg(), Map.of("nll", view.logProbability().neg()));
        }
    }

    private static PackedBatch batch(long seed) {
        Random random = new Random(seed);
        int[] ids = random.ints(19, 0, 23).toArray();
        int[] offsets = {0, 5, 9, 14, 19};
        int[] positions = IntStream.range(0, 19).map(i -> i - (i < 5 ? 0 : i < 9 ? 5 : i < 14 ? 9 : 14)).toArray();
        int[] rows = {1, 2, 3, 4, 6, 7, 8, 10, 11, 13, 15, 16};
        float[] weights = new float[rows.length];
        Arrays.fill(weights, 0.5f);
        Map<String, float[]> columns = new LinkedHashMap<>();
        float[] column = new float[rows.length];
        for (int i = 0; i < column.length; i++) {
            column[i] = random.nextFloat() + 0.5f;
        }
        columns.put("weight", column);
        return new PackedBatch(ids, positions, offsets, rows, random.ints(rows.length, 0, 23).toArray(), weights,
                new BatchExtras(columns, null, new BatchExtras.Groups(new int[] {0, 2, 4}, List.of("a", "b"))));
    }

    private static void requireGradient(TokenLoss loss) {
        try (LanguageModel model = LanguageModel.random(CONFIG, Precision.F64, KERNELS, 3)) {
            model.trainAll();
            try (TrainingEngine engine = new TrainingEngine(model, loss)) {
                PackedBatch batch = batch(7);
                engine.zeroGradients();
                double value = engine.accumulateGradient(batch, -1).loss();
                assertEquals(value, engine.evaluate(batch).loss(), 1e-12);
                INDArray flat = model.parameters().flat();
                double[] gradient = model.parameters().flatGradient().toDoubleVector();
                Random random = new Random(5);
                for (int n = 0; n < 40; n++) {
                    int place = random.nextInt(gradient.length);
                    double old = flat.getDouble(place);
                    flat.putScalar(place, old + 1e-5);
                    double above = engine.evaluate(batch).loss();
                    flat.putScalar(place, old - 1e-5);
                    double below = engine.evaluate(batch).loss();
                    flat.putScalar(place, old);
                    assertEquals((above - below) / 2e-5, gradient[place], 1e-7 * Math.max(1, Math.abs(value)),
                            loss + " at " + place);
                }
            }
        }
    }

    @Test
    void columnsWeighTokens() {
        requireGradient(new Columns());
    }

    @Test
    void placesAndSamplesOfTokensAreSeen() {
        requireGradient(new Places());
        try (LanguageModel model = LanguageModel.random(CONFIG, Precision.F64, KERNELS, 3);
                TrainingEngine engine = new TrainingEngine(model, new Places())) {
            Map<String, float[]> values = engine.evaluate(batch(7)).values();
            assertArrayEquals(new float[] {2, 3, 4, 5, 2, 3, 4, 2, 3, 5, 2, 3}, values.get("place"));
            assertArrayEquals(new float[] {0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, values.get("sample"));
        }
    }

    @Test
    void tokensAreWeighedByWholeSamples() {
        requireGradient(new Sequences());
    }

    @Test
    void everyExitIsLearned() {
        requireGradient(new Exits(List.of(1, 2, 3)));
    }

    @Test
    void aSampleLossIsWhatTheSequencesSay() {
        try (LanguageModel model = LanguageModel.random(CONFIG, Precision.F64, KERNELS, 3);
                TrainingEngine sums = new TrainingEngine(model, new Sequences());
                TrainingEngine plain = new TrainingEngine(model, new Exits(List.of()))) {
            TokenValues values = sums.evaluate(batch(7));
            float[] nll = plain.evaluate(batch(7)).values().get("nll");
            double first = IntStream.range(0, 4).mapToDouble(i -> nll[i]).average().orElseThrow();
            double other = IntStream.range(4, 7).mapToDouble(i -> nll[i]).sum();
            assertEquals(first, values.samples().get("first")[0], 1e-6);
            assertEquals(first * first * other, values.samples().get("loss")[0], 1e-5);
            assertEquals(0.5 * (values.samples().get("loss")[0] + values.samples().get("loss")[1]), values.loss(), 1e-12);
        }
    }

    @Test
    void theLastExitAloneIsTheModelBitForBitAndOthersAreThoseOfAShorterModel() {
        try (LanguageModel model = LanguageModel.random(CONFIG, Precision.F64, KERNELS, 3);
                TrainingEngine whole = new TrainingEngine(model, new Exits(List.of()));
                TrainingEngine last = new TrainingEngine(model, new Exits(List.of(3)));
                TrainingEngine all = new TrainingEngine(model, new Exits(List.of(1, 3)))) {
            PackedBatch batch = batch(9);
            assertEquals(whole.evaluate(batch).loss(), last.evaluate(batch).loss(), 0);
            TokenValues exits = all.evaluate(batch);
            assertArrayEquals(whole.evaluate(batch).values().get("nll"), exits.values().get("nll"), 0);
            float[] early = exits.values().get("exit1.nll");
            assertTrue(!Arrays.equals(early, exits.values().get("nll")));
            assertEquals(0.5 * 0.5 * (sum(early) + sum(exits.values().get("nll"))), exits.loss(), 1e-5);
        }
    }

    private static double sum(float[] values) {
        double sum = 0;
        for (float value : values) {
            sum += value;
        }
        return sum;
    }

    @Test
    void exitsThatTheModelDoesNotHaveAreNamed() {
        try (LanguageModel model = LanguageModel.random(CONFIG, Precision.F64, KERNELS, 3)) {
            String beyond = assertThrows(FinetuneException.class,
                    () -> new TrainingEngine(model, new Exits(List.of(1, 4)))).getMessage();
            assertTrue(beyond.contains("4 does not") && beyond.contains("1..3"), beyond);
            String without = assertThrows(FinetuneException.class,
                    () -> new TrainingEngine(model, new Exits(List.of(1, 2)))).getMessage();
            assertTrue(without.contains("leave out 3"), without);
        }
    }

    @Test
    void aMissingColumnIsNamed() {
        try (LanguageModel model = LanguageModel.random(CONFIG, Precision.F64, KERNELS, 3);
                TrainingEngine engine = new TrainingEngine(model, new Columns())) {
            String message = assertThrows(FinetuneException.class,
                    () -> engine.evaluate(batch(7).with(BatchExtras.NONE))).getMessage();
            assertTrue(message.contains("'weight'"), message);
        }
    }

    @Test
    void draftsAreBlendedIntoTheInputsWithoutAGradientIntoTheEmbedding() {
        record Drafted(double draftShare) implements TokenLoss {
            @Override
            public Expression build(TokenView view) {
                return new Expression(view.logProbability().neg(), Map.of());
            }
        }
        try (LanguageModel model = LanguageModel.random(CONFIG, Precision.F64, KERNELS, 3)) {
            model.trainAll();
            try (TrainingEngine engine = new TrainingEngine(model, new Drafted(0.3));
                    TrainingEngine plain = new TrainingEngine(model, new Drafted(0))) {
                PackedBatch batch = batch(7);
                int[] drafts = new Random(8).ints(19, 0, 23).toArray();
                PackedBatch drafted = batch.with(batch.extras().withDrafts(drafts));
                assertEquals(plain.evaluate(batch).loss(), engine.evaluate(batch).loss(), 0);
                assertEquals(plain.evaluate(batch).loss(), engine.evaluate(batch.with(batch.extras()
                        .withDrafts(batch.ids()))).loss(), 0);
                assertTrue(Math.abs(plain.evaluate(batch).loss() - engine.evaluate(drafted).loss()) > 1e-4);
                try (TrainingEngine other = new TrainingEngine(model, new Drafted(0.9))) {
                    assertEquals(engine.evaluate(drafted).loss(), other.evaluate(batch.with(batch.extras()
                            .withDrafts(drafts, 0.3))).loss(), 0);
                    assertEquals(plain.evaluate(batch).loss(), other.evaluate(batch.with(batch.extras()
                            .withDrafts(drafts, 0))).loss(), 0);
                }
                assertThrows(IllegalArgumentException.class, () -> batch.extras().withDrafts(drafts, 1.1));
                engine.zeroGradients();
                engine.accumulateGradient(drafted, -1);
                Parameter embedding = model.parameters().trainable().stream()
                        .filter(parameter -> parameter.name().contains("embed")).findFirst().orElseThrow();
                assertEquals(0, model.parameters().gradient(embedding).norm2Number().doubleValue());
                assertTrue(model.parameters().flatGradient().norm2Number().doubleValue() > 0.1);
            }
        }
    }
}
