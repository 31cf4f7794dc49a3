package org.finetune4j.kernel;

import static org.finetune4j.kernel.TestArrays.normal;
import static org.finetune4j.kernel.TestArrays.spread;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.op.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The cases of normalisations, activations, biases, splits and means. */
final class LayerKernelCases {
    private LayerKernelCases() {
    }

    static void addTo(List<KernelCase> cases) {
        zeroCentred(cases);
        layerNorm(cases);
        activations(cases);
        softCap(cases);
        rowsAdded(cases);
        parts(cases);
        means(cases);
    }

    private static void zeroCentred(List<KernelCase> cases) {
        int[][] sizes = {{1, 1}, {5, 7}, {33, 64}, {700, 16}, {0, 6}};
        for (int[] size : sizes) {
            String shape = " zero-centred [" + size[0] + ", " + size[1] + "]";
            INDArray x = spread(1, 0.2, 1, size[0], size[1]);
            INDArray weight = spread(2, 0.1, 0.5, size[1]);
            cases.add(new KernelCase("rmsNorm" + shape, (kernels, a) -> kernels.rmsNorm(a[0], a[1], true, 1e-5, a[2]))
                    .input("x", x).input("weight", weight).output("out", size[0], size[1]));
            cases.add(new KernelCase("rmsNorm of a wide weight, not" + shape,
                    (kernels, a) -> kernels.rmsNorm(a[0], a[1], false, 1e-5, a[2]))
                    .input("x", x).wideInput("weight", weight).output("out", size[0], size[1]));
            cases.add(new KernelCase("rmsNormGradient" + shape,
                    (kernels, a) -> kernels.rmsNormGradient(a[0], a[1], true, 1e-5, a[2], null, a[3], a[4]))
                    .input("x", x).input("weight", weight).input("outGradient", normal(3, size[0], size[1]))
                    .output("inputGradient", size[0], size[1]).wideUpdated("weightGradient", normal(4, size[1]))
                    .ofMagnitude(size[1] == 1 ? 1 : 0));
        }
    }

    private static void layerNorm(List<KernelCase> cases) {
        int[][] sizes = {{1, 1}, {1, 576}, {5, 7}, {33, 64}, {70, 130}, {0, 6}};
        // The mean is far from zero beside the deviation, so that a variance taken as a difference of squares is lost.
        double[][] spreads = {{0.2, 1}, {0.0006, 0.003}, {40, 200}, {-30, 1}};
        for (int[] size : sizes) {
            for (double[] spread : spreads) {
                layerNorm(cases, size[0], size[1], spread[0], spread[1]);
            }
        }
    }

    private static void layerNorm(List<KernelCase> cases, int tokens, int hidden, double mean, double deviation) {
        String shape = " [" + tokens + ", " + hidden + "] about " + mean + " of deviation " + deviation;
        // What bf16 keeps of numbers about a mean is the input of both, so that only the kernel's own error counts.
        INDArray x = rounded(spread(1, mean, deviation, tokens, hidden));
        INDArray weight = spread(2, 1, 0.5, hidden);
        INDArray bias = normal(6, hidden);
        INDArray upstream = normal(3, tokens, hidden);
        double single = hidden == 1 ? 300 : 1 / deviation;
        cases.add(new KernelCase("layerNorm" + shape,
                (kernels, a) -> kernels.layerNorm(a[0], a[1], a[2], 1e-5, a[3]))
                .input("x", x).input("weight", weight).input("bias", bias).output("out", tokens, hidden));
        cases.add(new KernelCase("layerNorm without bias" + shape,
                (kernels, a) -> kernels.layerNorm(a[0], a[1], null, 1e-5, a[2]))
                .input("x", x).input("weight", weight).output("out", tokens, hidden).ofMagnitude(1));
        cases.add(new KernelCase("layerNormGradient" + shape,
                (kernels, a) -> kernels.layerNormGradient(a[0], a[1], 1e-5, a[2], null, a[3], a[4], a[5]))
                .input("x", x).input("weight", weight).input("outGradient", upstream)
                .output("inputGradient", tokens, hidden).wideUpdated("weightGradient", normal(4, hidden))
                .wideUpdated("biasGradient", normal(7, hidden)).ofMagnitude(single));
        cases.add(new KernelCase("layerNormGradient to the input alone" + shape,
                (kernels, a) -> kernels.layerNormGradient(a[0], a[1], 1e-5, a[2], null, a[3], null, null))
                .input("x", x).input("weight", weight).input("outGradient", upstream)
                .output("inputGradient", tokens, hidden).ofMagnitude(single));
        cases.add(new KernelCase("layerNormGradient added" + shape,
                (kernels, a) -> kernels.layerNormGradient(a[0], a[1], 1e-5, a[2], a[3], a[4], null, a[5]))
                .input("x", x).input("weight", weight).input("outGradient", upstream)
                .input("addend", normal(5, tokens, hidden)).output("inputGradient", tokens, hidden)
                .wideUpdated("biasGradient", normal(7, hidden)).ofMagnitude(single));
        cases.add(new KernelCase("layerNormGradient in place" + shape,
                (kernels, a) -> kernels.layerNormGradient(a[0], a[1], 1e-5, a[2], a[3], a[3], null, null))
                .input("x", x).input("weight", weight).input("outGradient", upstream)
                .updated("inputGradient", normal(5, tokens, hidden)).ofMagnitude(single));
        cases.add(new KernelCase("layerNormGradient to the weight alone" + shape,
                (kernels, a) -> kernels.layerNormGradient(a[0], a[1], 1e-5, a[2], null, null, a[3], null))
                .input("x", x).input("weight", weight).input("outGradient", upstream)
                .wideUpdated("weightGradient", normal(4, hidden)).ofMagnitude(1));
    }

    /** Numbers that BFLOAT16 holds exactly. */
    private static INDArray rounded(INDArray x) {
        for (int i = 0; i < x.length(); i++) {
            x.putScalar(i, Float.intBitsToFloat(Float.floatToRawIntBits((float) x.getDouble(i)) & 0xffff0000));
        }
        return x;
    }

    private static void activations(List<KernelCase> cases) {
        long[][] shapes = {{1, 1}, {1, 17}, {33, 130}, {3, 11_000}, {0, 3}, {11}};
        for (long[] shape : shapes) {
            for (Activation.Kind kind : Activation.Kind.values()) {
                activations(cases, kind, shape);
            }
        }
    }

    private static void activations(List<KernelCase> cases, Activation.Kind kind, long... shape) {
        String of = " " + kind + " of " + Arrays.toString(shape);
        INDArray x = spread(1, 0, 3, shape);
        INDArray up = normal(2, shape);
        INDArray upstream = normal(3, shape);
        cases.add(new KernelCase("activation" + of, (kernels, a) -> kernels.activation(a[0], kind, a[1]))
                .input("x", x).output("out", shape).ofMagnitude(1));
        cases.add(new KernelCase("activation in place" + of, (kernels, a) -> kernels.activation(a[0], kind, a[0]))
                .updated("x", x).ofMagnitude(1));
        cases.add(new KernelCase("activationGradient" + of,
                (kernels, a) -> kernels.activationGradient(a[0], kind, a[1], a[2]))
                .input("x", x).input("outGradient", upstream).output("inputGradient", shape).ofMagnitude(1));
        cases.add(new KernelCase("activationGradient in place" + of,
                (kernels, a) -> kernels.activationGradient(a[0], kind, a[1], a[0]))
                .updated("x", x).input("outGradient", upstream).ofMagnitude(1));
        cases.add(new KernelCase("activationGradient in the place of the other" + of,
                (kernels, a) -> kernels.activationGradient(a[0], kind, a[1], a[1]))
                .input("x", x).updated("outGradient", upstream).ofMagnitude(1));
        cases.add(new KernelCase("gatedActivation" + of,
                (kernels, a) -> kernels.gatedActivation(a[0], a[1], kind, a[2]))
                .input("gate", x).input("up", up).output("out", shape).ofMagnitude(1));
        cases.add(new KernelCase("gatedActivationGradient" + of,
                (kernels, a) -> kernels.gatedActivationGradient(a[0], a[1], kind, a[2], a[3], a[4]))
                .input("gate", x).input("up", up).input("outGradient", upstream)
                .output("gateGradient", shape).output("upGradient", shape).ofMagnitude(1));
        cases.add(new KernelCase("gatedActivationGradient in place" + of,
                (kernels, a) -> kernels.gatedActivationGradient(a[0], a[1], kind, a[2], a[0], a[1]))
                .updated("gate", x).updated("up", up).input("outGradient", upstream).ofMagnitude(1));
    }

    private static void softCap(List<KernelCase> cases) {
        long[][] shapes = {{1, 1}, {5, 7}, {33, 130}, {3, 11_000}, {0, 3}};
        for (long[] shape : shapes) {
            String of = " " + Arrays.toString(shape);
            INDArray x = spread(1, 0, 30, shape);
            INDArray capped = spread(2, 0, 7, shape);
            for (int i = 0; i < capped.length(); i++) {
                capped.putScalar(i, 30 * Math.tanh(capped.getDouble(i) / 30));
            }
            cases.add(new KernelCase("softCap" + of, (kernels, a) -> kernels.softCap(a[0], 30, a[1]))
                    .input("x", x).output("out", shape));
            cases.add(new KernelCase("softCap of logits in place" + of, (kernels, a) -> kernels.softCap(a[0], 30, a[0]))
                    .wideUpdated("x", x));
            cases.add(new KernelCase("softCapGradient" + of,
                    (kernels, a) -> kernels.softCapGradient(a[0], 30, a[1], a[2]))
                    .input("out", capped).input("outGradient", normal(3, shape)).output("inputGradient", shape));
            cases.add(new KernelCase("softCapGradient of logits in place" + of,
                    (kernels, a) -> kernels.softCapGradient(a[0], 30, a[1], a[1]))
                    .wideInput("out", capped).updated("outGradient", normal(3, shape)));
        }
    }

    private static void rowsAdded(List<KernelCase> cases) {
        int[][] sizes = {{1, 1}, {1, 17}, {5, 7}, {33, 130}, {700, 64}, {3, 40_001}, {0, 3}};
        for (int[] size : sizes) {
            String of = " [" + size[0] + ", " + size[1] + "]";
            INDArray x = normal(1, size[0], size[1]);
            INDArray row = normal(2, size[1]);
            cases.add(new KernelCase("addRow" + of, (kernels, a) -> kernels.addRow(a[0], a[1], a[2]))
                    .input("x", x).input("row", row).output("out", size[0], size[1]));
            cases.add(new KernelCase("addRow in place" + of, (kernels, a) -> kernels.addRow(a[0], a[1], a[0]))
                    .updated("x", x).input("row", row));
            cases.add(new KernelCase("columnSums" + of, (kernels, a) -> kernels.columnSums(a[0], a[1]))
                    .input("x", x).wideUpdated("sums", normal(3, size[1])));
        }
    }

    private static void parts(List<KernelCase> cases) {
        record Parted(int tokens, int runs, int... counts) {
        }
        List<Parted> all = List.of(new Parted(1, 1, 1), new Parted(3, 1, 4), new Parted(5, 1, 6, 2, 2),
                new Parted(7, 3, 1, 2, 5), new Parted(33, 4, 16, 16, 16), new Parted(600, 2, 33, 64), new Parted(0, 2, 3, 1));
        for (Parted parted : all) {
            int[] counts = parted.counts();
            int period = Arrays.stream(counts).sum();
            long width = (long) parted.runs() * period;
            String of = " of " + parted.tokens() + " tokens, " + parted.runs() + " runs of " + Arrays.toString(counts);
            KernelCase split = new KernelCase("split" + of, (kernels, a) -> kernels.split(a[0], counts,
                    Arrays.asList(a).subList(1, a.length))).input("x", normal(1, parted.tokens(), width)).exactly();
            KernelCase join = new KernelCase("join" + of, (kernels, a) -> kernels.join(
                    Arrays.asList(a).subList(0, counts.length), counts, a[counts.length])).exactly();
            KernelCase some = new KernelCase("join without some" + of, (kernels, a) -> kernels.join(
                    IntStream.range(0, counts.length).mapToObj(i -> i % 2 == 0 ? a[i] : null).toList(), counts,
                    a[counts.length])).exactly();
            for (int i = 0; i < counts.length; i++) {
                long columns = (long) parted.runs() * counts[i];
                split.output("part " + i, parted.tokens(), columns);
                join.input("part " + i, normal(2 + i, parted.tokens(), columns));
                some.input("part " + i, normal(2 + i, parted.tokens(), columns));
            }
            cases.add(split);
            cases.add(join.output("out", parted.tokens(), width));
            cases.add(some.output("out", parted.tokens(), width));
        }
    }

    private static void means(List<KernelCase> cases) {
        int[][] all = {{0, 1}, {0, 5}, {0, 1, 4, 17}, {0, 130, 131, 400}, {0}};
        for (int[] offsets : all) {
            for (int width : new int[] {1, 7, 64}) {
                int tokens = offsets[offsets.length - 1];
                int sequences = offsets.length - 1;
                String of = " over " + Arrays.toString(offsets) + " of width " + width;
                cases.add(new KernelCase("meanRows" + of, (kernels, a) -> kernels.meanRows(a[0], a[1], a[2]))
                        .input("x", normal(1, tokens, width)).integers("offsets", offsets)
                        .output("out", sequences, width).ofMagnitude(1));
                cases.add(new KernelCase("meanRowsGradient" + of,
                        (kernels, a) -> kernels.meanRowsGradient(a[0], a[1], a[2]))
                        .integers("offsets", offsets).input("outGradient", normal(2, sequences, width))
                        .output("inputGradient", tokens, width));
            }
        }
    }
}
