package org.finetune4j.kernel;

import static org.finetune4j.kernel.TestArrays.normal;
import static org.finetune4j.kernel.TestArrays.spread;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The cases of mixtures of experts. */
final class ExpertKernelCases {
    private ExpertKernelCases() {
    }

    static void addTo(List<KernelCase> cases) {
        int[][] sizes = {{1, 1, 1}, {1, 8, 2}, {7, 4, 4}, {33, 9, 3}, {300, 64, 8}, {0, 4, 2}};
        for (int[] size : sizes) {
            for (boolean normalize : new boolean[] {false, true}) {
                choose(cases, size[0], size[1], size[2], normalize);
            }
        }
        int[][] rows = {{1, 1, 1}, {1, 2, 17}, {5, 3, 7}, {33, 2, 130}, {200, 8, 64}, {0, 2, 4}};
        for (int[] size : rows) {
            combine(cases, size[0], size[1], size[2]);
        }
    }

    private static void choose(List<KernelCase> cases, int tokens, int experts, int perToken, boolean normalize) {
        String of = " " + perToken + " of " + experts + " for " + tokens + (normalize ? ", normalised" : "");
        INDArray logits = coarse(spread(1, 0, 2, tokens, experts));
        cases.add(new KernelCase("chooseExperts" + of,
                (kernels, a) -> kernels.chooseExperts(a[0], normalize, a[1], a[2]))
                .input("logits", logits).integersOutput("chosen", tokens * perToken)
                .wideOutput("weights", tokens, perToken).ofMagnitude(1));
        int[] chosen = IntStream.range(0, tokens)
                .flatMap(t -> numbers(t, experts).stream().limit(perToken).mapToInt(e -> e).sorted()).toArray();
        cases.add(new KernelCase("chooseExpertsGradient" + of,
                (kernels, a) -> kernels.chooseExpertsGradient(a[0], normalize, a[1], a[2], a[3]))
                .input("logits", logits).integers("chosen", chosen).wideInput("weightGradient", normal(2, tokens, perToken))
                .output("logitsGradient", tokens, experts).ofMagnitude(1));
    }

    /** Multiples of a quarter, which BFLOAT16 holds exactly, so that it has the same largest, and some are equal. */
    private static INDArray coarse(INDArray x) {
        for (int i = 0; i < x.length(); i++) {
            x.putScalar(i, Math.rint(4 * x.getDouble(i)) / 4);
        }
        return x;
    }

    private static void combine(List<KernelCase> cases, int tokens, int perToken, int hidden) {
        String of = " " + perToken + " for " + tokens + " of width " + hidden;
        int[] places = numbers(3, tokens * perToken).stream().mapToInt(place -> place).toArray();
        INDArray y = normal(4, tokens * perToken, hidden);
        INDArray weights = spread(5, 0.4, 0.2, tokens, perToken);
        INDArray upstream = normal(6, tokens, hidden);
        cases.add(new KernelCase("combineRows" + of, (kernels, a) -> kernels.combineRows(a[0], a[1], a[2], a[3]))
                .input("y", y).integers("places", places).wideInput("weights", weights).output("out", tokens, hidden));
        cases.add(new KernelCase("combineRows without weights" + of,
                (kernels, a) -> kernels.combineRows(a[0], a[1], null, a[2]))
                .input("y", y).integers("places", places).output("out", tokens, hidden));
        cases.add(new KernelCase("combineRowsGradient" + of,
                (kernels, a) -> kernels.combineRowsGradient(a[0], a[1], a[2], a[3], a[4], a[5]))
                .input("y", y).integers("places", places).wideInput("weights", weights).input("outGradient", upstream)
                .output("yGradient", tokens * perToken, hidden).wideOutput("weightGradient", tokens, perToken));
        cases.add(new KernelCase("combineRowsGradient to y alone" + of,
                (kernels, a) -> kernels.combineRowsGradient(a[0], a[1], a[2], a[3], a[4], null))
                .input("y", y).integers("places", places).wideInput("weights", weights).input("outGradient", upstream)
                .output("yGradient", tokens * perToken, hidden));
        cases.add(new KernelCase("combineRowsGradient to the weights alone" + of,
                (kernels, a) -> kernels.combineRowsGradient(a[0], a[1], a[2], a[3], null, a[4]))
                .input("y", y).integers("places", places).wideInput("weights", weights).input("outGradient", upstream)
                .wideOutput("weightGradient", tokens, perToken));
    }

    /** The numbers below a bound in random order. */
    private static List<Integer> numbers(long seed, int bound) {
        List<Integer> numbers = new ArrayList<>(IntStream.range(0, bound).boxed().toList());
        Collections.shuffle(numbers, new Random(seed));
        return numbers;
    }
}
