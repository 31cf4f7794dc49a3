package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StoredWeights;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.family.Weight;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Every family and its variants against numbers that PyTorch computed from the same files (make_families.py). */
class FamilyAgreementTest {
    private static final int RANK = 3;
    private static final double SCALE = 0.5;

    static Stream<String> decoders() {
        return names().filter(name -> FamilyFixture.read(name).reference().has("continuation"));
    }

    private static Stream<String> names() {
        String[] names = FamilyFixture.ALL.toFile().list((folder, name) -> !name.contains("."));
        return Arrays.stream(java.util.Objects.requireNonNull(names)).sorted();
    }

    @ParameterizedTest
    @MethodSource("decoders")
    void processorKernelsInSinglePrecision(String name) {
        check(name, new OneDnnKernels(), Precision.F32, 1e-4, 1e-4);
    }

    @ParameterizedTest
    @MethodSource("decoders")
    void portableKernelsInDouble(String name) {
        check(name, new Nd4jKernels(), Precision.F64, 1e-9, 1e-6);
    }

    private static void check(String name, Kernels kernels, Precision precision, double absolute, double relative) {
        FamilyFixture fixture = FamilyFixture.read(name);
        try (kernels) {
            double logits;
            double[] full;
            try (LanguageModel model = LanguageModel.load(fixture.folder(), precision, kernels)) {
                logits = logits(fixture, model);
                assertArrayEquals(fixture.integers("continuation"), greedy(fixture, model), "greedy text");
                model.trainAll();
                full = gradients(fixture, model);
            }
            double adapted;
            try (LanguageModel model = LanguageModel.load(fixture.folder(), precision, kernels)) {
                adapted = adapterGradients(fixture, model);
            }
            System.out.printf(Locale.ROOT, "| %s | %s %s | %.1e | %.1e | %.1e | %.1e |%n", name, kernels.name(), precision,
                    logits, full[0], full[1], adapted);
            assertTrue(logits <= absolute, "logits differ by " + logits);
            assertTrue(full[0] <= absolute, "the loss differs by " + full[0]);
            assertTrue(full[1] <= relative, "a gradient differs by " + full[1] + " of its largest element");
            assertTrue(adapted <= relative, "an adapter's gradient differs by " + adapted + " of its largest element");
        }
    }

    @Test
    void aTextDoesNotGrowPastTheLengthAtWhichItsKeysStopFitting() {
        FamilyFixture fixture = FamilyFixture.read("phi3-longrope");
        int[] ids = fixture.sequences().get(0);
        try (Kernels kernels = new Nd4jKernels();
                LanguageModel model = LanguageModel.load(fixture.folder(), Precision.F32, kernels);
                DecodingEngine engine = new DecodingEngine(model, true)) {
            engine.begin(1, 20);
            engine.feed(List.of(new DecodingEngine.Feed(0, Arrays.copyOf(ids, 12))));
            assertTrue(assertThrows(FinetuneException.class, () -> engine.feed(List.of(new DecodingEngine.Feed(0, ids, 12, 13))))
                    .getMessage().contains("text 0 grows from 12 to 13 tokens, past the length"));
        }
    }

    /** The largest difference of a logit after every token, each prefix being a text of its own. */
    private static double logits(FamilyFixture fixture, LanguageModel model) {
        double[] expected = fixture.tensor("logits");
        List<int[]> prefixes = new ArrayList<>();
        fixture.sequences().forEach(ids -> IntStream.rangeClosed(1, ids.length)
                .forEach(length -> prefixes.add(Arrays.copyOf(ids, length))));
        try (DecodingEngine engine = new DecodingEngine(model, true)) {
            engine.begin(prefixes.size(), 20);
            INDArray logits = engine.feed(IntStream.range(0, prefixes.size())
                    .mapToObj(slot -> new DecodingEngine.Feed(slot, prefixes.get(slot))).toList());
            return difference(expected, logits.dup().reshape(-1).toDoubleVector());
        }
    }

    /** The likeliest continuation, token by token from the cache. */
    private static int[] greedy(FamilyFixture fixture, LanguageModel model) {
        int[] text = new int[fixture.integers("continuation").length];
        int[] next = fixture.integers("prompt");
        try (DecodingEngine engine = new DecodingEngine(model, true)) {
            engine.begin(1, next.length + text.length);
            for (int i = 0; i < text.length; i++) {
                text[i] = engine.feed(List.of(new DecodingEngine.Feed(0, next))).argMax(1).getInt(0);
                next = new int[] {text[i]};
            }
        }
        return text;
    }

    /** The difference of the loss, and the largest of a gradient's element, as a part of the tensor's largest. */
    private static double[] gradients(FamilyFixture fixture, LanguageModel model) {
        PackedBatch batch = fixture.batch();
        try (TrainingEngine engine = new TrainingEngine(model, FamilyFixture.LOG_LOSS)) {
            // Whatever a pass does not write would show.
            model.parameters().flatGradient().assign(Double.NaN);
            engine.zeroGradients();
            double loss = engine.accumulateGradient(batch, -1).loss() / batch.supervised();
            double largest = 0;
            for (Parameter parameter : model.parameters().trainable()) {
                double[] expected = fixture.tensor("gradient." + stored(fixture, model, parameter.name()));
                double[] actual = scaled(model.parameters().gradient(parameter), 1.0 / batch.supervised());
                largest = Math.max(largest, difference(expected, actual) / magnitude(expected));
            }
            return new double[] {Math.abs(loss - fixture.loss()), largest};
        }
    }

    /** Of adapters that start at zero, the gradient of {@code B} is {@code scale * dLoss/dW A^T}. */
    private static double adapterGradients(FamilyFixture fixture, LanguageModel model) {
        PackedBatch batch = fixture.batch();
        model.attach(new Adapter(), 5);
        double largest = 0;
        int attached = 0;
        try (TrainingEngine engine = new TrainingEngine(model, FamilyFixture.LOG_LOSS)) {
            engine.zeroGradients();
            engine.accumulateGradient(batch, -1);
            for (Weight weight : model.config().architecture().weights()) {
                if (weight.linear()) {
                    attached++;
                    double[] a = model.parameters().named(weight.site() + ".a").master().dup().reshape(-1).toDoubleVector();
                    double[] actual = scaled(model.parameters().gradient(model.parameters().named(weight.site() + ".b")),
                            1.0 / batch.supervised());
                    double[] expected = product(fixture.tensor("gradient." + stored(fixture, model, weight.name())), weight, a);
                    largest = Math.max(largest, difference(expected, actual) / magnitude(expected));
                }
            }
        }
        assertEquals(ModelShapes.linearLayers(model.config()).size(), attached);
        return largest;
    }

    /** The checkpoint's name of a tensor, which PyTorch knows it by. */
    private static String stored(FamilyFixture fixture, LanguageModel model, String name) {
        try (StoredWeights file = StoredWeights.open(fixture.folder())) {
            return StoredNames.in(file, model.config()).of(name);
        }
    }

    private static double[] product(double[] gradient, Weight weight, double[] a) {
        int inputs = (int) weight.inputs();
        int outputs = (int) weight.outputs();
        boolean turned = weight.role() == Weight.Role.TURNED_LINEAR;
        double[] product = new double[outputs * RANK];
        for (int o = 0; o < outputs; o++) {
            for (int r = 0; r < RANK; r++) {
                for (int i = 0; i < inputs; i++) {
                    product[o * RANK + r] += SCALE * gradient[turned ? i * outputs + o : o * inputs + i] * a[r * inputs + i];
                }
            }
        }
        return product;
    }

    private static double[] scaled(INDArray array, double factor) {
        return Arrays.stream(array.dup().reshape(-1).toDoubleVector()).map(value -> value * factor).toArray();
    }

    private static double difference(double[] expected, double[] actual) {
        assertEquals(expected.length, actual.length);
        return IntStream.range(0, expected.length).mapToDouble(i -> {
            double difference = Math.abs(expected[i] - actual[i]);
            return Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference;
        }).max().orElseThrow();
    }

    private static double magnitude(double[] values) {
        double largest = Arrays.stream(values).map(Math::abs).max().orElseThrow();
        assertTrue(largest > 1e-7, "a gradient of zeros proves nothing");
        return largest;
    }

    /** Low-rank adapters beside every linear layer. */
    private static final class Adapter implements LinearAdapter {
        @Override
        public List<ParameterSpec> parameters(String site, long inputs, long outputs) {
            return List.of(new ParameterSpec(site + ".a", new long[] {RANK, inputs},
                            (seed, index) -> Math.sin(1 + 0.7 * index)),
                    new ParameterSpec(site + ".b", new long[] {outputs, RANK}, ParameterSpec.Initializer.zeros()));
        }

        @Override
        public SDVariable adapt(LinearSite site, SDVariable base) {
            return site.linearAdd(base, SCALE, site.linear(site.input(), site.parameter("a")), site.parameter("b"));
        }
    }
}
