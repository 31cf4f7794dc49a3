package org.finetune4j.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The contract's comparison can fail: it finds every one of {@link BrokenKernels}, in f32 and in bf16. */
class KernelMistakeTest {
    private static final List<KernelCase> CASES = KernelCases.all();
    private static final Kernels RIGHT = new Nd4jKernels();

    @ParameterizedTest(name = "{0}, {1}")
    @MethodSource("mistakes")
    void isFound(BrokenKernels.Mistake mistake, Precision precision) {
        Kernels broken = mistake.broken().apply(RIGHT);
        assertTrue(casesOf(mistake, precision).anyMatch(c -> !c.differences(broken, RIGHT, precision).isEmpty()),
                () -> "no case finds that " + mistake);
    }

    @Test
    void everyKernelHasAMistake() {
        Set<String> broken = BrokenKernels.all().stream().map(BrokenKernels.Mistake::kernel)
                .collect(Collectors.toSet());
        Set<String> kernels = Stream.of(Kernels.class.getDeclaredMethods()).map(method -> method.getName())
                .filter(name -> !Set.of("name", "supports", "heldBytes", "heldForGradientsBytes", "close").contains(name))
                .collect(Collectors.toSet());
        assertEquals(kernels, broken);
    }

    static Stream<Arguments> mistakes() {
        return BrokenKernels.all().stream().flatMap(mistake -> Stream.of(Precision.FLOAT, Precision.BFLOAT16)
                .filter(precision -> mistake.coarse() || precision != Precision.BFLOAT16)
                .filter(precision -> casesOf(mistake, precision).findAny().isPresent())
                .map(precision -> Arguments.of(mistake, precision)));
    }

    private static Stream<KernelCase> casesOf(BrokenKernels.Mistake mistake, Precision precision) {
        return CASES.stream().filter(c -> c.isOf(mistake.kernel()) && c.appliesTo(precision));
    }
}
