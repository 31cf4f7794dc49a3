package org.finetune4j.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * What every implementation of {@link Kernels} is held to: the numbers of {@link Nd4jKernels} in double on all of
 * {@link KernelCases}, nothing touched but the outputs, the same bits on every run, and wrong arguments refused.
 * A subclass names the kernels and the precisions.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class KernelContract {
    private final Kernels kernels;
    private final Kernels reference = new Nd4jKernels();
    private final List<Precision> precisions;

    KernelContract(Supplier<Kernels> kernels, Precision... precisions) {
        this.kernels = kernels.get();
        this.precisions = List.of(precisions);
    }

    @AfterAll
    void close() {
        kernels.close();
    }

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("cases")
    void agreesWithTheReference(KernelCase kernelCase, Precision precision) {
        List<String> differences = kernelCase.differences(kernels, reference, precision);
        assertTrue(differences.isEmpty(), () -> kernelCase + ": " + String.join("\n", differences));
    }

    @Test
    void supportsItsPrecisionsAndNoIntegers() {
        for (Precision precision : precisions) {
            assertTrue(kernels.supports(precision.activations));
        }
        assertEquals(false, kernels.supports(DataType.INT));
    }

    @Test
    void scaleRoundsToNearestEven() {
        Assumptions.assumeTrue(precisions.contains(Precision.BFLOAT16));
        float[] values = new float[4096];
        Random random = new Random(5);
        for (int i = 0; i < values.length; i++) {
            int bits = Float.floatToRawIntBits((float) (random.nextGaussian() * Math.exp(8 * random.nextGaussian())));
            int tie = bits & 0xFFFF0000 | 0x8000;
            values[i] = Float.intBitsToFloat(i % 3 == 0 ? tie : i % 3 == 1 ? tie + 1 : bits);
        }
        float[] expected = new float[values.length];
        for (int i = 0; i < values.length; i++) {
            int bits = Float.floatToRawIntBits(values[i]);
            expected[i] = Float.intBitsToFloat(bits + 0x7FFF + (bits >>> 16 & 1) & 0xFFFF0000);
        }
        INDArray out = Nd4j.create(DataType.BFLOAT16, values.length);
        kernels.scale(Nd4j.createFromArray(values), 1, out);
        assertArrayEquals(expected, out.castTo(DataType.FLOAT).toFloatVector());
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("refusals")
    void refusesWrongArgumentsByName(KernelRefusal refusal) {
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class,
                () -> refusal.call().accept(kernels));
        String message = String.valueOf(refused.getMessage());
        for (String part : refusal.messageParts()) {
            assertTrue(message.contains(part), () -> "'" + message + "' does not say " + part);
        }
    }

    Stream<Arguments> cases() {
        return KernelCases.all().stream().flatMap(kernelCase -> precisions.stream().filter(kernelCase::appliesTo)
                .map(precision -> Arguments.of(kernelCase, precision)));
    }

    Stream<KernelRefusal> refusals() {
        return KernelRefusal.all().stream();
    }
}
