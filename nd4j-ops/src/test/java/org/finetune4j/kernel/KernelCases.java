package org.finetune4j.kernel;

import static org.finetune4j.kernel.TestArrays.indices;
import static org.finetune4j.kernel.TestArrays.logSumExp;
import static org.finetune4j.kernel.TestArrays.normal;
import static org.finetune4j.kernel.TestArrays.spread;
import static org.finetune4j.kernel.TestArrays.zeros;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Every kernel on random inputs of many shapes: odd sizes, single rows, thin inner dimensions, several sequences. */
final class KernelCases {
    /** An eighth of a head is turned. */
    private static final RotaryTable PARTIAL = new RotaryTable(64, new double[] {1, 0.1, 0.01, 0.001}, 1.3);

    private KernelCases() {
    }

    static List<KernelCase> all() {
        List<KernelCase> cases = new ArrayList<>();
        matmul(cases);
        fewRows(cases);
        heldForGradients(cases);
        products(cases);
        productsOfBytes(cases);
        rows(cases);
        rmsNorm(cases);
        rotary(cases);
        attention(cases);
        cachedAttention(cases);
        elementWise(cases);
        distributions(cases);
        optimizer(cases);
        LayerKernelCases.addTo(cases);
        ExpertKernelCases.addTo(cases);
        return cases;
    }

    private static void matmul(List<KernelCase> cases) {
        int[][] sizes = {{1, 1, 1}, {1, 64, 33}, {33, 8, 65}, {31, 65, 8}, {7, 130, 1}, {16, 16, 16}};
        for (int[] size : sizes) {
            for (int flags = 0; flags < 8; flags++) {
                boolean accumulate = (flags & 4) != 0;
                matmul(cases, size[0], size[1], size[2], (flags & 1) != 0, (flags & 2) != 0, accumulate,
                        (size[0] + flags) % 2 == 0);
            }
        }
        matmul(cases, 67, 129, 131, false, true, false, false);
        // Far more to sum over than outputs.
        matmul(cases, 34, 20_001, 40, false, false, false, true);
        matmul(cases, 270, 16_400, 24, false, false, false, false);
        matmul(cases, 67, 129, 131, true, false, true, true);
        matmul(cases, 0, 4, 3, false, false, false, false);
        matmul(cases, 3, 0, 4, false, true, false, false);
        matmul(cases, 3, 0, 4, true, false, true, true);
    }

    private static void matmul(List<KernelCase> cases, int m, int k, int n, boolean transposeA, boolean transposeB,
                               boolean accumulate, boolean wide) {
        double alpha = accumulate == transposeA ? 1 : -0.37;
        String name = "matmul [" + m + ", " + k + "]" + (transposeA ? "'" : "") + " by [" + k + ", " + n + "]"
                + (transposeB ? "'" : "") + " times " + alpha + (accumulate ? ", accumulating" : "")
                + (wide ? ", widened" : "");
        KernelCase matmul = new KernelCase(name,
                (kernels, a) -> kernels.matmul(a[0], transposeA, a[1], transposeB, a[2], alpha, accumulate))
                .input("a", transposeA ? normal(1, k, m) : normal(1, m, k))
                .input("b", transposeB ? normal(2, n, k) : normal(2, k, n));
        cases.add(into(matmul, m, n, accumulate, wide));
    }

    /** A product into {@code out [m, n]}, which holds something where it is added to, and FLOAT numbers where it is wide. */
    private static KernelCase into(KernelCase product, int m, int n, boolean accumulate, boolean wide) {
        if (accumulate) {
            INDArray before = normal(3, m, n);
            return wide ? product.wideUpdated("out", before) : product.updated("out", before);
        }
        return wide ? product.wideOutput("out", m, n) : product.output("out", m, n);
    }

    private static void fewRows(List<KernelCase> cases) {
        for (int m : new int[] {1, 2, 3, 5, 8, 13, 31, 32}) {
            matmul(cases, m, 70, 200, false, true, m % 2 == 0, m % 3 == 0);
        }
        int[][] sizes = {{1, 64, 64}, {1, 70, 200}, {2, 576, 192}, {5, 33, 65}, {13, 7, 300}, {32, 130, 129}, {40, 70, 200},
                {3, 5, 1}};
        for (int[] size : sizes) {
            for (int flags = 0; flags < 4; flags++) {
                held(cases, size[0], size[1], size[2], (flags & 1) != 0, (flags & 2) != 0);
            }
        }
    }

    /** The gradient towards the inputs of a layer whose weight {@code [k, n]} is held. */
    private static void heldForGradients(List<KernelCase> cases) {
        int[][] sizes = {{1, 64, 64}, {33, 70, 200}, {130, 200, 70}, {257, 33, 1100}, {40, 1, 3}};
        for (int[] size : sizes) {
            for (int flags = 0; flags < 4; flags++) {
                heldForGradients(cases, size[0], size[1], size[2], (flags & 1) != 0, (flags & 2) != 0);
            }
        }
    }

    private static void heldForGradients(List<KernelCase> cases, int m, int k, int n, boolean accumulate, boolean wide) {
        String name = "holdForGradients [" + k + ", " + n + "] for " + m + " rows" + (accumulate ? ", accumulating" : "")
                + (wide ? ", widened" : "");
        KernelCase held = new KernelCase(name, (kernels, a) -> {
            try (HeldWeights weights = kernels.holdForGradients(List.of(a[1]))) {
                kernels.matmul(a[0], false, a[1], false, a[2], 1.3, accumulate);
            }
        }).input("upstream", normal(1, m, k)).input("weight", normal(2, k, n));
        cases.add(into(held, m, n, accumulate, wide));
    }

    private static void held(List<KernelCase> cases, int m, int k, int n, boolean accumulate, boolean wide) {
        String name = "hold [" + n + ", " + k + "] for " + m + " rows" + (accumulate ? ", accumulating" : "")
                + (wide ? ", widened" : "");
        KernelCase held = new KernelCase(name, (kernels, a) -> {
            try (HeldWeights weights = kernels.hold(List.of(a[1]))) {
                kernels.matmul(a[0], false, a[1], true, a[2], 1.3, accumulate);
            }
        }).input("x", normal(1, m, k)).input("weight", normal(2, n, k));
        cases.add(into(held, m, n, accumulate, wide));
    }

    private static void products(List<KernelCase> cases) {
        int[][] sizes = {{1, 5, 3, 2}, {33, 16, 65, 24}, {70, 600, 8, 33}, {300, 20, 31, 16}, {3, 2, 0, 4}, {0, 2, 3, 4}};
        for (int[] size : sizes) {
            for (int flags = 0; flags < 8; flags++) {
                products(cases, size[0], size[1], size[2], size[3], (flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0);
            }
        }
    }

    /** A layer whose weight {@code [n, k]} is of bytes, beside a low-rank branch; and the gradient towards its input. */
    private static void productsOfBytes(List<KernelCase> cases) {
        int[][] sizes = {{1, 5, 3}, {33, 16, 65}, {70, 600, 40}, {530, 150, 31}, {16, 2, 700}, {0, 2, 3}};
        for (int[] size : sizes) {
            int m = size[0];
            int n = size[1];
            int k = size[2];
            INDArray scales = spread(3, 0.02, 0.005, n);
            INDArray bytes = normal(2, n, k).muli(40);
            cases.add(new KernelCase("products of [" + m + ", " + k + "] by bytes [" + n + ", " + k + "]",
                    (kernels, a) -> kernels.products(List.of(new ProductSum(List.of(
                            new Product(a[0], false, a[1], true, 1.2, a[2]),
                            new Product(a[3], false, a[4], false, -0.7)), null, a[5], false))))
                    .input("a", normal(1, m, k)).bytes("b", bytes).wideInput("scales", scales)
                    .input("c", normal(4, m, 2)).input("d", normal(5, 2, n)).output("sum", m, n));
            cases.add(new KernelCase("products of [" + m + ", " + n + "] by bytes [" + n + ", " + k + "], added",
                    (kernels, a) -> kernels.products(List.of(new ProductSum(List.of(
                            new Product(a[0], false, a[1], false, 1, a[2])), a[3], a[4], false))))
                    .input("a", normal(1, m, n)).bytes("b", bytes).wideInput("scales", scales)
                    .input("addend", normal(6, m, k)).output("sum", m, k));
        }
    }

    /** Two sums at once: {@code [m, n]} of two terms with inner sizes k and j, and {@code [j, n]} of one. */
    private static void products(List<KernelCase> cases, int m, int n, int k, int j, boolean transposed, boolean wide,
                                 boolean added) {
        String name = "products [" + m + ", " + n + "] over " + k + " and " + j + (transposed ? ", transposed" : "")
                + (wide ? ", widened" : "") + (added ? ", added to an array" : ", accumulating");
        KernelCase products = new KernelCase(name, (kernels, a) -> kernels.products(List.of(
                new ProductSum(List.of(new Product(a[0], transposed, a[1], !transposed, 1),
                        new Product(a[2], false, a[3], false, -0.7)), added ? a[4] : null, a[5], !added),
                new ProductSum(List.of(new Product(a[2], true, a[6], false, 1.3)), null, a[7], false))))
                .input("a", transposed ? normal(1, k, m) : normal(1, m, k))
                .input("b", transposed ? normal(2, k, n) : normal(2, n, k))
                .input("c", normal(3, m, j)).input("d", normal(4, j, n));
        products = wide ? products.wideInput("addend", normal(5, m, n)) : products.input("addend", normal(5, m, n));
        INDArray before = normal(6, m, n);
        if (added) {
            products = wide ? products.wideOutput("sum", m, n) : products.output("sum", m, n);
        } else {
            products = wide ? products.wideUpdated("sum", before) : products.updated("sum", before);
        }
        products.input("e", normal(7, m, n));
        cases.add(wide ? products.wideOutput("other sum", j, n) : products.output("other sum", j, n));
    }

    private static void rows(List<KernelCase> cases) {
        int[][] sizes = {{1, 1, 1}, {1, 5, 8}, {7, 3, 9}, {64, 100, 33}, {90, 2, 131}, {40, 1, 6}, {0, 4, 3}};
        for (int[] size : sizes) {
            int tokens = size[0];
            int vocabulary = size[1];
            int hidden = size[2];
            int[] ids = indices(1, tokens, vocabulary);
            String shape = " " + tokens + " of [" + vocabulary + ", " + hidden + "]";
            cases.add(new KernelCase("embedding" + shape, (kernels, a) -> kernels.embedding(a[0], a[1], a[2]))
                    .integers("ids", ids).input("table", normal(2, vocabulary, hidden)).output("out", tokens, hidden)
                    .exactly());
            cases.add(new KernelCase("embeddingGradient" + shape,
                    (kernels, a) -> kernels.embeddingGradient(a[0], a[1], a[2]))
                    .integers("ids", ids).input("outGradient", normal(3, tokens, hidden))
                    .wideUpdated("tableGradient", normal(4, vocabulary, hidden)));
            int count = Math.min(tokens, vocabulary);
            int[] places = IntStream.range(0, count).map(i -> vocabulary - 1 - i).toArray();
            int[] rows = distinct(places);
            cases.add(new KernelCase("gatherRows" + shape, (kernels, a) -> kernels.gatherRows(a[0], a[1], a[2]))
                    .input("x", normal(5, vocabulary, hidden)).integers("rows", rows).output("out", count, hidden)
                    .exactly());
            cases.add(new KernelCase("gatherRowsGradient" + shape,
                    (kernels, a) -> kernels.gatherRowsGradient(a[0], a[1], a[2]))
                    .integers("rows", rows).input("outGradient", normal(6, count, hidden))
                    .output("inputGradient", vocabulary, hidden).exactly());
        }
    }

    /** Distinct places in an order that neither rises nor falls. */
    private static int[] distinct(int[] places) {
        int[] mixed = places.clone();
        for (int i = 0; i + 2 < mixed.length; i += 2) {
            int kept = mixed[i];
            mixed[i] = mixed[i + 2];
            mixed[i + 2] = kept;
        }
        return mixed;
    }

    private static void rmsNorm(List<KernelCase> cases) {
        int[][] sizes = {{1, 1}, {1, 576}, {5, 7}, {33, 64}, {70, 130}, {0, 6}};
        double[] deviations = {1, 0.003, 200};
        for (int i = 0; i < sizes.length; i++) {
            int tokens = sizes[i][0];
            int hidden = sizes[i][1];
            for (double deviation : deviations) {
                String shape = " [" + tokens + ", " + hidden + "] of deviation " + deviation;
                INDArray x = spread(1, 0.2 * deviation, deviation, tokens, hidden);
                INDArray weight = spread(2, 1, 0.5, hidden);
                INDArray upstream = normal(3, tokens, hidden);
                cases.add(new KernelCase("rmsNorm" + shape,
                        (kernels, a) -> kernels.rmsNorm(a[0], a[1], false, 1e-5, a[2]))
                        .input("x", x).input("weight", weight).output("out", tokens, hidden));
                cases.add(new KernelCase("rmsNormGradient" + shape,
                        (kernels, a) -> kernels.rmsNormGradient(a[0], a[1], false, 1e-5, a[2], null, a[3], a[4]))
                        .input("x", x).input("weight", weight).input("outGradient", upstream)
                        .output("inputGradient", tokens, hidden).wideUpdated("weightGradient", normal(4, hidden))
                        .ofMagnitude(hidden == 1 ? 1 / deviation : 0));
                cases.add(new KernelCase("rmsNormGradient to the input alone" + shape,
                        (kernels, a) -> kernels.rmsNormGradient(a[0], a[1], false, 1e-5, a[2], null, a[3], null))
                        .input("x", x).input("weight", weight).input("outGradient", upstream)
                        .output("inputGradient", tokens, hidden).ofMagnitude(hidden == 1 ? 1 / deviation : 0));
                cases.add(new KernelCase("rmsNormGradient added" + shape,
                        (kernels, a) -> kernels.rmsNormGradient(a[0], a[1], false, 1e-5, a[2], a[3], a[4], a[5]))
                        .input("x", x).input("weight", weight).input("outGradient", upstream)
                        .input("addend", normal(5, tokens, hidden)).output("inputGradient", tokens, hidden)
                        .wideUpdated("weightGradient", normal(4, hidden)).ofMagnitude(hidden == 1 ? 1 / deviation : 0));
                cases.add(new KernelCase("rmsNormGradient in place" + shape,
                        (kernels, a) -> kernels.rmsNormGradient(a[0], a[1], false, 1e-5, a[2], a[3], a[3], null))
                        .input("x", x).input("weight", weight).input("outGradient", upstream)
                        .updated("inputGradient", normal(5, tokens, hidden))
                        .ofMagnitude(hidden == 1 ? 1 / deviation : 0));
                cases.add(new KernelCase("rmsNormGradient to the weight alone" + shape,
                        (kernels, a) -> kernels.rmsNormGradient(a[0], a[1], false, 1e-5, a[2], null, null, a[3]))
                        .input("x", x).input("weight", weight).input("outGradient", upstream)
                        .wideUpdated("weightGradient", zeros(hidden)));
            }
        }
    }

    private static void rotary(List<KernelCase> cases) {
        int[][] sizes = {{1, 1, 2}, {1, 3, 64}, {7, 2, 6}, {33, 9, 64}, {5, 1, 10}, {0, 2, 4}};
        for (int[] size : sizes) {
            rotary(cases, size[0], size[1], "heads of " + size[2], new RotaryTable(size[2], 10000));
        }
        rotary(cases, 3, 2, "heads of 7 turned in part", new RotaryTable(7, new double[] {1, 0.3, 0.01}, 1));
        rotary(cases, 9, 3, "heads of 64 turned in part", PARTIAL);
        rotary(cases, 9, 3, "heads of 16 by length", byLength(16));
        rotary(cases, 5, 2, "heads of 6, magnified", new RotaryTable(6, new double[] {1, 0.1, 0.02}, 1.19));
    }

    /** A table whose frequencies depend on the length of the pass. */
    private static RotaryTable byLength(int headDimension) {
        double[] base = IntStream.range(0, headDimension / 4).mapToDouble(i -> Math.pow(100, -i)).toArray();
        return RotaryTable.byLength(headDimension,
                length -> Arrays.stream(base).map(f -> length <= 64 ? f : f * 64 / length).toArray(), 0.8);
    }

    private static void rotary(List<KernelCase> cases, int tokens, int heads, String name, RotaryTable table) {
        int width = heads * table.headDimension();
        for (boolean inverse : new boolean[] {false, true}) {
            cases.add(new KernelCase("rotary of " + tokens + " tokens, " + heads + " " + name
                    + (inverse ? ", inverse" : ""),
                    (kernels, a) -> kernels.rotary(a[0], a[1], table, inverse, a[2]))
                    .input("x", normal(1, tokens, width)).integers("positions", indices(2, tokens, 2048))
                    .output("out", tokens, width));
        }
    }

    private static void attention(List<KernelCase> cases) {
        record Packed(AttentionShape shape, int... offsets) {
        }
        List<Packed> batches = List.of(
                new Packed(new AttentionShape(1, 1, 1), 0, 1),
                new Packed(new AttentionShape(4, 2, 8), 0, 1, 2, 3),
                new Packed(new AttentionShape(4, 4, 5), 0, 7),
                new Packed(new AttentionShape(6, 2, 8), 0, 3, 3, 4, 13),
                new Packed(new AttentionShape(2, 1, 6), 0, 5, 26),
                new Packed(new AttentionShape(9, 3, 64), 0, 33, 98),
                new Packed(new AttentionShape(2, 1, 32), 0, 131),
                new Packed(new AttentionShape(4, 1, 16), 0, 64, 65, 128),
                new Packed(new AttentionShape(3, 1, 8), 0, 300, 301, 437),
                new Packed(new AttentionShape(2, 2, 2), 0, 587),
                new Packed(new AttentionShape(2, 2, 4), 0),
                new Packed(new AttentionShape(2, 2, 4), 0, 0));
        // The least first: what a mistake is found by costs little then.
        AttentionShape few = new AttentionShape(4, 2, 8);
        attention(cases, few.withScores(new AttentionScores(0.21, 0, 3, true)), 1.5, null, 0, 1, 3, 13);
        attention(cases, few.withScores(new AttentionScores(0.21, 2.5, 0, true)), 1.5, byLength(8), 0, 1, 3, 13);
        attention(cases, few.withScores(new AttentionScores(0.21, 0, 0, false)), 1.5, byLength(8), 0, 1, 3, 13);
        for (Packed batch : batches) {
            attention(cases, batch.shape(), 1.5, null, batch.offsets());
            if (batch.shape().headDimension() % 2 == 0) {
                attention(cases, batch.shape(), 1.5, new RotaryTable(batch.shape().headDimension(), 10000),
                        batch.offsets());
            }
        }
        // Scores a hundred above and below that of the first key.
        attention(cases, new AttentionShape(4, 2, 16), 25, null, 0, 3, 90);
        attention(cases, new AttentionShape(2, 1, 64), 25, null, 0, 300);
        attention(cases, new AttentionShape(2, 1, 64), 1.5, PARTIAL, 0, 5, 75);
        attention(cases, new AttentionShape(4, 2, 16), 1.5, byLength(16), 0, 5, 75);
        attention(cases, few.withScores(new AttentionScores(1, 4, 0, false)), 1.5, null, 0, 7, 137);
        attention(cases, few.withScores(new AttentionScores(0.3, 3, 5, true)), 1.5, null, 0, 7, 137);
        attention(cases, few.withScores(new AttentionScores(0.3, 0, 1, true)), 1.5, null, 0, 7, 70);
        AttentionShape many = new AttentionShape(2, 1, 16);
        for (int window : new int[] {64, 65, 130, 300}) {
            attention(cases, many.withScores(new AttentionScores(0.25, 0, window, true)), 1.5, null, 0, 20, 331);
        }
        attention(cases, many.withScores(new AttentionScores(0.25, 20, 129, true)), 4, byLength(16), 0, 70, 400);
        attention(cases, many.withScores(new AttentionScores(0.25, 0, 0, false)), 1.5, null, 0, 300, 301, 337);
        attention(cases, many.withScores(new AttentionScores(0.25, 5, 0, false)), 1.5, byLength(16), 0, 270);
        // The softcap of Gemma 2, far above the scores.
        attention(cases, many.withScores(new AttentionScores(0.25, 50, 0, true)), 1.5, null, 0, 20, 150);
        // Scores a hundred above and below that of the first key in sight.
        attention(cases, many.withScores(new AttentionScores(0.25, 0, 40, true)), 25, null, 0, 3, 200);
        attention(cases, many.withScores(new AttentionScores(0.25, 0, 0, false)), 25, null, 0, 3, 90);
        attention(cases, many.withScores(new AttentionScores(0.25, 70, 90, true)), 25, null, 0, 3, 200);
    }

    private static void attention(List<KernelCase> cases, AttentionShape shape, double deviation,
                                  @Nullable RotaryTable rotary, int... offsets) {
        int tokens = offsets[offsets.length - 1];
        String name = " of " + shape + " over " + Arrays.toString(offsets) + (rotary != null ? ", turned" : "")
                + (deviation > 2 ? ", of deviation " + deviation : "");
        INDArray query = spread(1, 0, deviation, tokens, shape.queryWidth());
        INDArray key = normal(2, tokens, shape.keyValueWidth());
        INDArray value = normal(3, tokens, shape.keyValueWidth());
        int[] positions = indices(5, tokens, 2048);
        cases.add(new KernelCase("attention" + name, (kernels, a) -> kernels.attention(a[0], a[1], a[2], a[3], shape,
                rotary(rotary, a[4]), a[5], a[6]))
                .input("query", query).input("key", key).input("value", value).integers("offsets", offsets)
                .integers("positions", positions).output("out", tokens, shape.queryWidth())
                .wideOutput("logSumExp", tokens, shape.heads()).ofMagnitude(1));
        cases.add(new KernelCase("attentionGradient" + name, (kernels, a) -> {
            kernels.attention(a[0], a[1], a[2], a[3], shape, rotary(rotary, a[4]), a[6], a[7]);
            kernels.attentionGradient(a[0], a[1], a[2], a[3], shape, rotary(rotary, a[4]), a[6], a[7], a[5], a[8],
                    a[9], a[10]);
        })
                .input("query", query).input("key", key).input("value", value).integers("offsets", offsets)
                .integers("positions", positions).input("outGradient", normal(4, tokens, shape.queryWidth()))
                .output("out", tokens, shape.queryWidth()).wideOutput("logSumExp", tokens, shape.heads())
                .output("queryGradient", tokens, shape.queryWidth())
                .output("keyGradient", tokens, shape.keyValueWidth())
                .output("valueGradient", tokens, shape.keyValueWidth()).ofMagnitude(1));
    }

    private static @Nullable RotaryPositions rotary(@Nullable RotaryTable table, INDArray positions) {
        return table == null ? null : new RotaryPositions(positions, table);
    }

    private static void cachedAttention(List<KernelCase> cases) {
        record Step(AttentionShape shape, int capacity, int[] lengths, int... offsets) {
        }
        List<Step> steps = List.of(
                new Step(new AttentionShape(1, 1, 2), 1, new int[] {0}, 0, 1),
                new Step(new AttentionShape(4, 2, 8), 16, new int[] {0, 0}, 0, 5, 16),
                new Step(new AttentionShape(9, 3, 64), 70, new int[] {69, 3, 0}, 0, 1, 2, 3),
                new Step(new AttentionShape(9, 3, 64), 900, new int[] {899, 512, 37}, 0, 1, 3, 103),
                new Step(new AttentionShape(6, 2, 5), 20, new int[] {4, 11, 20, 0}, 0, 3, 12, 12, 13),
                new Step(new AttentionShape(2, 1, 6), 700, new int[] {690, 0}, 0, 2, 4),
                new Step(new AttentionShape(9, 3, 64), 1500, new int[] {1300, 0, 130, 63, 7}, 0, 1, 1, 5, 7, 10),
                new Step(new AttentionShape(14, 2, 64), 1100, new int[] {1023, 60, 1096}, 0, 1, 2, 6),
                new Step(new AttentionShape(4, 4, 6), 40, new int[] {16, 3, 40}, 0, 4, 5, 5),
                new Step(new AttentionShape(2, 1, 4), 8, new int[] {}, 0));
        AttentionShape few = new AttentionShape(4, 2, 8).withScores(new AttentionScores(0.3, 2.5, 3, true));
        cachedAttention(cases, few, 1.5, null, 16, new int[] {9, 2}, 0, 1, 6);
        cachedAttention(cases, few, 1.5, byLength(8), 16, new int[] {9, 2}, 0, 2, 6);
        for (Step step : steps) {
            cachedAttention(cases, step.shape(), 1.5, null, step.capacity(), step.lengths(), step.offsets());
            if (step.shape().headDimension() % 2 == 0) {
                cachedAttention(cases, step.shape(), 1.5, new RotaryTable(step.shape().headDimension(), 10000),
                        step.capacity(), step.lengths(), step.offsets());
            }
        }
        AttentionShape plain = new AttentionShape(4, 2, 16);
        cachedAttention(cases, plain, 25, null, 300, new int[] {250, 100}, 0, 1, 41);
        cachedAttention(cases, plain, 25, null, 300, new int[] {250, 100}, 0, 1, 4);
        cachedAttention(cases, plain, 1.5, byLength(16), 300, new int[] {250, 100}, 0, 1, 41);
        cachedAttention(cases, plain, 1.5, byLength(16), 300, new int[] {250, 100}, 0, 1, 4);
        for (AttentionScores scores : List.of(
                new AttentionScores(0.3, 0, 3, true), new AttentionScores(0.3, 0, 70, true),
                new AttentionScores(0.3, 4, 0, true), new AttentionScores(0.3, 4, 130, true),
                new AttentionScores(0.3, 0, 1, true))) {
            AttentionShape shape = plain.withScores(scores);
            cachedAttention(cases, shape, 1.5, null, 300, new int[] {250, 100, 0}, 0, 1, 41, 121);
            cachedAttention(cases, shape, 1.5, byLength(16), 300, new int[] {296, 100, 0, 2}, 0, 4, 6, 9, 10);
        }
        cachedAttention(cases, plain.withScores(new AttentionScores(0.25, 0, 30, true)), 25, null, 300,
                new int[] {250, 100}, 0, 1, 41);
    }

    private static void cachedAttention(List<KernelCase> cases, AttentionShape shape, double deviation,
                                        @Nullable RotaryTable rotary, int capacity, int[] lengths, int... offsets) {
        int tokens = offsets[offsets.length - 1];
        int width = shape.keyValueWidth();
        cases.add(new KernelCase("cachedAttention of " + shape + " with " + Arrays.toString(lengths)
                + " cached over " + Arrays.toString(offsets) + (rotary != null ? ", turned" : "")
                + (deviation > 2 ? ", of deviation " + deviation : ""),
                (kernels, a) -> kernels.cachedAttention(a[0], a[1], a[2], a[3], a[4], a[5], a[6], shape,
                        rotary(rotary, a[7]), a[8]))
                .input("query", spread(1, 0, deviation, tokens, shape.queryWidth()))
                .input("key", normal(2, tokens, width)).input("value", normal(3, tokens, width))
                .updated("keyCache", normal(4, lengths.length, capacity, width))
                .updated("valueCache", normal(5, lengths.length, capacity, width))
                .integers("cacheLengths", lengths).integers("offsets", offsets)
                .integers("positions", indices(6, tokens, 2048)).output("out", tokens, shape.queryWidth()));
    }

    private static void elementWise(List<KernelCase> cases) {
        long[][] shapes = {{1, 1}, {1, 17}, {5, 7}, {33, 130}, {70, 64}, {0, 3}, {11}, {3, 4, 5}};
        for (long[] shape : shapes) {
            String of = " " + Arrays.toString(shape);
            INDArray a1 = spread(1, 0, 3, shape);
            INDArray b1 = normal(2, shape);
            cases.add(new KernelCase("add" + of, (kernels, a) -> kernels.add(a[0], a[1], a[2]))
                    .input("a", a1).input("b", b1).output("out", shape));
            cases.add(new KernelCase("add to a" + of, (kernels, a) -> kernels.add(a[0], a[1], a[0]))
                    .updated("a", a1).input("b", b1));
            cases.add(new KernelCase("add to b" + of, (kernels, a) -> kernels.add(a[0], a[1], a[1]))
                    .input("a", a1).updated("b", b1));
            cases.add(new KernelCase("scale" + of, (kernels, a) -> kernels.scale(a[0], -0.3, a[1]))
                    .input("x", a1).output("out", shape));
            cases.add(new KernelCase("scale in place" + of, (kernels, a) -> kernels.scale(a[0], 1.7, a[0]))
                    .updated("x", a1));
            cases.add(new KernelCase("scale from wide" + of, (kernels, a) -> kernels.scale(a[0], 2, a[1]))
                    .wideInput("x", a1).output("out", shape));
            cases.add(new KernelCase("scale to wide" + of, (kernels, a) -> kernels.scale(a[0], 1, a[1]))
                    .input("x", a1).wideOutput("out", shape).exactly());
            cases.add(new KernelCase("squaredNorm" + of, (kernels, a) -> a[1].assign(kernels.squaredNorm(a[0])))
                    .input("x", a1).returned("norm").within(1e-12));
            finite(cases, of, a1);
            for (double rate : new double[] {0, 0.1, 0.75}) {
                cases.add(new KernelCase("dropout of " + rate + of,
                        (kernels, a) -> kernels.dropout(a[0], rate, 99, a[1]))
                        .input("x", a1).output("out", shape));
            }
        }
    }

    private static void finite(List<KernelCase> cases, String of, INDArray x) {
        List<INDArray> arrays = new ArrayList<>(List.of(x));
        if (!x.isEmpty()) {
            long last = x.length() - 1;
            arrays.add(x.dup().putScalar(last / 2, -3e38));
            arrays.add(x.dup().putScalar(last, Double.POSITIVE_INFINITY));
            arrays.add(x.dup().putScalar(last / 3, Double.NEGATIVE_INFINITY));
        }
        for (int i = 0; i < arrays.size(); i++) {
            cases.add(new KernelCase("isFinite, " + i + of,
                    (kernels, a) -> a[1].assign(kernels.isFinite(a[0]) ? 1 : 0))
                    .input("x", arrays.get(i)).returned("finite").exactly());
        }
    }

    private static void distributions(List<KernelCase> cases) {
        int[][] sizes = {{1, 1}, {1, 1001}, {5, 7}, {33, 130}, {2, 40_003}, {0, 8}};
        for (int[] size : sizes) {
            for (double mean : new double[] {0, 200, -200}) {
                for (boolean adds : new boolean[] {false, true}) {
                    distributions(cases, size[0], size[1], mean, adds);
                }
            }
        }
    }

    private static void distributions(List<KernelCase> cases, int rows, int vocabulary, double mean, boolean adds) {
        String of = " [" + rows + ", " + vocabulary + "] about " + mean + (adds ? ", added" : "");
        INDArray logits = spread(1, mean, 2, rows, vocabulary);
        INDArray other = spread(2, mean, 2, rows, vocabulary);
        INDArray sums = logSumExp(logits);
        INDArray otherSums = logSumExp(other);
        INDArray upstream = normal(3, rows);
        int[] labels = indices(4, rows, vocabulary);
        if (!adds) {
            cases.add(new KernelCase("logSumExp" + of, (kernels, a) -> kernels.logSumExp(a[0], a[1]))
                    .wideInput("logits", logits).wideOutput("out", rows));
            cases.add(new KernelCase("logProbability" + of,
                    (kernels, a) -> kernels.logProbability(a[0], a[1], a[2], a[3]))
                    .wideInput("logits", logits).integers("labels", labels).wideInput("logSumExp", sums)
                    .wideOutput("out", rows).ofMagnitude(1));
            cases.add(new KernelCase("klDivergence" + of,
                    (kernels, a) -> kernels.klDivergence(a[0], a[1], a[2], a[3], a[4]))
                    .wideInput("from", logits).wideInput("to", other).wideInput("fromLogSumExp", sums)
                    .wideInput("toLogSumExp", otherSums).wideOutput("out", rows).ofMagnitude(1));
        }
        int rounding = vocabulary == 1 ? 1 : 0;
        cases.add(withAddend(new KernelCase("logSumExpGradient" + of,
                (kernels, a) -> kernels.logSumExpGradient(a[0], a[1], a[2], adds ? a[3] : null, last(a)))
                .wideInput("logits", logits).wideInput("logSumExp", sums).wideInput("outGradient", upstream),
                adds, rows, vocabulary));
        cases.add(withAddend(new KernelCase("logProbabilityGradient" + of,
                (kernels, a) -> kernels.logProbabilityGradient(a[0], a[1], a[2], a[3], adds ? a[4] : null, last(a)))
                .wideInput("logits", logits).integers("labels", labels).wideInput("logSumExp", sums)
                .wideInput("outGradient", upstream), adds, rows, vocabulary).ofMagnitude(rounding));
        cases.add(withAddend(new KernelCase("klDivergenceFromGradient" + of, (kernels, a) ->
                kernels.klDivergenceFromGradient(a[0], a[1], a[2], a[3], a[4], a[5], adds ? a[6] : null, last(a)))
                .wideInput("from", logits).wideInput("to", other).wideInput("fromLogSumExp", sums)
                .wideInput("toLogSumExp", otherSums).wideInput("divergence", normal(6, rows))
                .wideInput("outGradient", upstream), adds, rows, vocabulary).ofMagnitude(rounding));
        cases.add(withAddend(new KernelCase("klDivergenceToGradient" + of, (kernels, a) ->
                kernels.klDivergenceToGradient(a[0], a[1], a[2], a[3], a[4], adds ? a[5] : null, last(a)))
                .wideInput("from", logits).wideInput("to", other).wideInput("fromLogSumExp", sums)
                .wideInput("toLogSumExp", otherSums).wideInput("outGradient", upstream), adds, rows, vocabulary)
                .ofMagnitude(rounding));
        if (adds) {
            cases.add(new KernelCase("logProbabilityGradient in place" + of,
                    (kernels, a) -> kernels.logProbabilityGradient(a[0], a[1], a[2], a[3], a[4], a[4]))
                    .wideInput("logits", logits).integers("labels", labels).wideInput("logSumExp", sums)
                    .wideInput("outGradient", upstream).wideUpdated("logitsGradient", normal(5, rows, vocabulary)));
            cases.add(new KernelCase("klDivergenceToGradient in place" + of,
                    (kernels, a) -> kernels.klDivergenceToGradient(a[0], a[1], a[2], a[3], a[4], a[5], a[5]))
                    .wideInput("from", logits).wideInput("to", other).wideInput("fromLogSumExp", sums)
                    .wideInput("toLogSumExp", otherSums).wideInput("outGradient", upstream)
                    .wideUpdated("toGradient", normal(5, rows, vocabulary)));
        }
    }

    /** The addend, if there is to be one, and the gradient, which may be narrower than the logits. */
    private static KernelCase withAddend(KernelCase gradient, boolean adds, int rows, int vocabulary) {
        return (adds ? gradient.wideInput("addend", normal(5, rows, vocabulary)) : gradient)
                .output("gradient", rows, vocabulary);
    }

    private static INDArray last(INDArray[] arrays) {
        return arrays[arrays.length - 1];
    }

    private static void optimizer(List<KernelCase> cases) {
        for (int length : new int[] {1, 7, 33, 5000}) {
            for (long step : new long[] {1, 2, 1000}) {
                for (double deviation : new double[] {1, 1e-7}) {
                    AdamWStep numbers = new AdamWStep(0.1, 0.9, 0.999, 1e-8, 0.1, step, 0.25);
                    INDArray second = spread(4, 0, deviation, length);
                    cases.add(new KernelCase("adamW of " + length + ", step " + step + ", gradients about "
                            + deviation, (kernels, a) -> kernels.adamW(a[0], a[1], a[2], a[3], numbers))
                            .wideUpdated("parameter", normal(1, length))
                            .wideInput("gradient", spread(2, 0, deviation, length))
                            .wideUpdated("firstMoment", step == 1 ? zeros(length) : spread(3, 0, deviation, length))
                            .wideUpdated("secondMoment", step == 1 ? zeros(length) : second.mul(second)));
                }
            }
        }
        cases.add(new KernelCase("adamW of none", (kernels, a) -> kernels.adamW(a[0], a[1], a[2], a[3],
                new AdamWStep(0.1, 0.9, 0.999, 1e-8, 0.1, 1, 1)))
                .wideUpdated("parameter", zeros(0)).wideInput("gradient", zeros(0))
                .wideUpdated("firstMoment", zeros(0)).wideUpdated("secondMoment", zeros(0)));
    }
}
