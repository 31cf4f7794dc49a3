package org.finetune4j.kernel;

import static org.finetune4j.kernel.TestArrays.integers;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Mistakes that people make in these kernels, each in otherwise right ones. */
final class BrokenKernels {
    /**
     * One mistake.
     *
     * @param kernel  the kernel that makes it
     * @param mistake what it does wrong
     * @param broken  makes it in right kernels
     * @param coarse  whether it is large enough to be seen in BFLOAT16
     */
    record Mistake(String kernel, String mistake, Function<Kernels, Kernels> broken, boolean coarse) {
        Mistake(String kernel, String mistake, Function<Kernels, Kernels> broken) {
            this(kernel, mistake, broken, true);
        }

        @Override
        public String toString() {
            return kernel + " " + mistake;
        }
    }

    private BrokenKernels() {
    }

    static List<Mistake> all() {
        List<Mistake> mistakes = new ArrayList<>();
        matmul(mistakes);
        hold(mistakes);
        products(mistakes);
        rows(mistakes);
        rmsNorm(mistakes);
        rotary(mistakes);
        rotaryTables(mistakes);
        attention(mistakes);
        cachedAttention(mistakes);
        elementWise(mistakes);
        distributions(mistakes);
        optimizer(mistakes);
        BrokenLayerKernels.addTo(mistakes);
        BrokenExpertKernels.addTo(mistakes);
        return mistakes;
    }

    private static void matmul(List<Mistake> mistakes) {
        interface Matmul {
            void run(Kernels k, INDArray a, boolean ta, INDArray b, boolean tb, INDArray out, double alpha,
                     boolean accumulate);
        }
        record Broken(String mistake, Matmul matmul) {
        }
        List.of(
                new Broken("forgets alpha", (k, a, ta, b, tb, out, alpha, accumulate) ->
                        k.matmul(a, ta, b, tb, out, 1, accumulate)),
                new Broken("forgets to accumulate", (k, a, ta, b, tb, out, alpha, accumulate) ->
                        k.matmul(a, ta, b, tb, out, alpha, false)),
                new Broken("always accumulates", (k, a, ta, b, tb, out, alpha, accumulate) ->
                        k.matmul(a, ta, b, tb, out, alpha, true)),
                new Broken("scales what it accumulates to", (k, a, ta, b, tb, out, alpha, accumulate) -> {
                    if (accumulate) {
                        k.scale(out, alpha, out);
                    }
                    k.matmul(a, ta, b, tb, out, alpha, accumulate);
                }),
                new Broken("forgets to transpose a square matrix", (k, a, ta, b, tb, out, alpha, accumulate) ->
                        k.matmul(a, ta, b, tb && b.size(0) != b.size(1), out, alpha, accumulate)))
                .forEach(broken -> mistakes.add(new Mistake("matmul", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void matmul(INDArray a, boolean transposeA, INDArray b, boolean transposeB,
                                               INDArray out, double alpha, boolean accumulate) {
                                broken.matmul().run(right, a, transposeA, b, transposeB, out, alpha, accumulate);
                            }
                        })));
    }

    private static void hold(List<Mistake> mistakes) {
        record Broken(String mistake, UnaryOperator<INDArray> copy) {
        }
        for (String kernel : List.of("hold", "holdForGradients")) {
            List.of(
                    new Broken("keeps an old copy", weight -> weight.mul(0.9)),
                    new Broken("keeps the outputs in another order", weight -> weight.size(0) == 1 ? weight
                            : Nd4j.concat(0, rowsFrom(weight, 1), weight.getRow(0, true))),
                    new Broken("forgets the last input", weight -> {
                        INDArray copy = weight.dup('c');
                        copy.getColumn(copy.size(1) - 1).assign(0);
                        return copy;
                    }))
                    .forEach(broken -> mistakes.add(new Mistake(kernel, broken.mistake(),
                            right -> new BrokenCopies(right, broken.copy()))));
        }
    }

    /** Multiplies by wrong copies of the weights that are held. */
    private static final class BrokenCopies extends DelegatingKernels {
        private final Kernels right;
        private final UnaryOperator<INDArray> copy;
        private final List<INDArray> held = new ArrayList<>();

        BrokenCopies(Kernels right, UnaryOperator<INDArray> copy) {
            super(right);
            this.right = right;
            this.copy = copy;
        }

        @Override
        public HeldWeights hold(Collection<INDArray> weights) {
            held.addAll(weights);
            return right.hold(weights);
        }

        @Override
        public HeldWeights holdForGradients(Collection<INDArray> weights) {
            held.addAll(weights);
            return right.holdForGradients(weights);
        }

        @Override
        public void matmul(INDArray a, boolean transposeA, INDArray b, boolean transposeB, INDArray out, double alpha,
                           boolean accumulate) {
            right.matmul(a, transposeA, held.contains(b) ? copy.apply(b) : b, transposeB, out, alpha, accumulate);
        }
    }

    private static INDArray rowsFrom(INDArray matrix, long first) {
        return matrix.get(NDArrayIndex.interval(first, matrix.size(0)), NDArrayIndex.all());
    }

    private static void products(List<Mistake> mistakes) {
        record Broken(String mistake, UnaryOperator<ProductSum> change) {
        }
        List.of(
                new Broken("forgets the addend",
                        sum -> new ProductSum(sum.products(), null, sum.out(), sum.accumulate())),
                new Broken("forgets to accumulate",
                        sum -> new ProductSum(sum.products(), sum.addend(), sum.out(), false)),
                new Broken("forgets the last term", sum -> sum.products().size() == 1 ? sum
                        : new ProductSum(sum.products().subList(0, 1), sum.addend(), sum.out(), sum.accumulate())),
                new Broken("scales bytes alike", sum -> new ProductSum(sum.products().stream().map(product ->
                        new Product(product.a(), product.transposeA(), product.b(), product.transposeB(),
                                product.factor(), product.scales() == null ? null
                                : Nd4j.valueArrayOf(product.scales().shape(), product.scales().meanNumber().doubleValue(),
                                        product.scales().dataType()))).toList(),
                        sum.addend(), sum.out(), sum.accumulate())),
                new Broken("forgets the factors", sum -> new ProductSum(sum.products().stream().map(product ->
                        new Product(product.a(), product.transposeA(), product.b(), product.transposeB(), 1,
                                product.scales())).toList(),
                        sum.addend(), sum.out(), sum.accumulate())))
                .forEach(broken -> mistakes.add(new Mistake("products", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void products(List<ProductSum> sums) {
                                right.products(sums.stream().map(broken.change()).toList());
                            }
                        })));
        mistakes.add(new Mistake("products", "computes only the first sum", right -> new DelegatingKernels(right) {
            @Override
            public void products(List<ProductSum> sums) {
                right.products(sums.subList(0, 1));
            }
        }));
    }

    private static void rows(List<Mistake> mistakes) {
        mistakes.add(new Mistake("embedding", "takes the row before", right -> new DelegatingKernels(right) {
            @Override
            public void embedding(INDArray ids, INDArray table, INDArray out) {
                right.embedding(Transforms.max(ids.sub(1), 0), table, out);
            }
        }));
        mistakes.add(new Mistake("embeddingGradient", "keeps one of repeated ids",
                right -> new DelegatingKernels(right) {
                    @Override
                    public void embeddingGradient(INDArray ids, INDArray outGradient, INDArray tableGradient) {
                        for (int id : IntStream.of(ids.toIntVector()).distinct().toArray()) {
                            int last = IntStream.range(0, (int) ids.length()).filter(t -> ids.getInt(t) == id).max()
                                    .orElseThrow();
                            right.embeddingGradient(integers(id), outGradient.getRow(last, true), tableGradient);
                        }
                    }
                }));
        mistakes.add(new Mistake("embeddingGradient", "replaces what was there", right -> new DelegatingKernels(right) {
            @Override
            public void embeddingGradient(INDArray ids, INDArray outGradient, INDArray tableGradient) {
                tableGradient.assign(0);
                right.embeddingGradient(ids, outGradient, tableGradient);
            }
        }));
        mistakes.add(new Mistake("gatherRows", "takes the first rows", right -> new DelegatingKernels(right) {
            @Override
            public void gatherRows(INDArray x, INDArray rows, INDArray out) {
                right.gatherRows(x, first(rows), out);
            }
        }));
        mistakes.add(new Mistake("gatherRowsGradient", "gives to the first rows",
                right -> new DelegatingKernels(right) {
                    @Override
                    public void gatherRowsGradient(INDArray rows, INDArray outGradient, INDArray inputGradient) {
                        right.gatherRowsGradient(first(rows), outGradient, inputGradient);
                    }
                }));
        mistakes.add(new Mistake("gatherRowsGradient", "leaves other rows as they were",
                right -> new DelegatingKernels(right) {
                    @Override
                    public void gatherRowsGradient(INDArray rows, INDArray outGradient, INDArray inputGradient) {
                        INDArray before = inputGradient.dup();
                        right.gatherRowsGradient(rows, outGradient, inputGradient);
                        List<Integer> given = IntStream.of(rows.toIntVector()).boxed().toList();
                        for (int r = 0; r < before.size(0); r++) {
                            if (!given.contains(r)) {
                                inputGradient.getRow(r).assign(before.getRow(r));
                            }
                        }
                    }
                }));
    }

    private static void rmsNorm(List<Mistake> mistakes) {
        mistakes.add(new Mistake("rmsNorm", "forgets epsilon", right -> new DelegatingKernels(right) {
            @Override
            public void rmsNorm(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray out) {
                right.rmsNorm(x, weight, zeroCentred, 0, out);
            }
        }));
        mistakes.add(new Mistake("rmsNorm", "adds epsilon to the root", right -> new DelegatingKernels(right) {
            @Override
            public void rmsNorm(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray out) {
                right.rmsNorm(x, weight, zeroCentred, epsilon * epsilon, out);
            }
        }));
        mistakes.add(new Mistake("rmsNorm", "forgets the weight", right -> new DelegatingKernels(right) {
            @Override
            public void rmsNorm(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray out) {
                right.rmsNorm(x, Nd4j.onesLike(weight), zeroCentred, epsilon, out);
            }
        }));
        mistakes.add(new Mistake("rmsNorm", "subtracts the mean, as layer norm does",
                right -> new DelegatingKernels(right) {
                    @Override
                    public void rmsNorm(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray out) {
                        INDArray wide = wide(x);
                        right.rmsNorm(wide.sub(wide.mean(true, 1)).castTo(x.dataType()), weight, zeroCentred,
                                epsilon, out);
                    }
                }));
        interface Gradient {
            void run(Kernels k, INDArray x, INDArray weight, boolean centred, double epsilon, INDArray outGradient,
                     @Nullable INDArray addend, @Nullable INDArray inputGradient, @Nullable INDArray weightGradient);
        }
        record Broken(String mistake, Gradient gradient) {
        }
        List.of(
                new Broken("forgets epsilon", (k, x, weight, centred, epsilon, dOut, addend, dX, dWeight) ->
                        k.rmsNormGradient(x, weight, centred, 0, dOut, addend, dX, dWeight)),
                new Broken("takes the root mean square for a constant",
                        (k, x, weight, centred, epsilon, dOut, addend, dX, dWeight) -> {
                    k.rmsNormGradient(x, weight, centred, epsilon, dOut, addend, dX, dWeight);
                    if (dX != null) {
                        INDArray root = Transforms.sqrt(wide(x).mul(wide(x)).mean(true, 1).add(epsilon));
                        dX.assign(wide(dOut).mul(wide(weight).reshape(1, weight.length())).div(root));
                    }
                }),
                new Broken("replaces the gradient of the weight",
                        (k, x, weight, centred, epsilon, dOut, addend, dX, dWeight) -> {
                    if (dWeight != null) {
                        dWeight.assign(0);
                    }
                    k.rmsNormGradient(x, weight, centred, epsilon, dOut, addend, dX, dWeight);
                }),
                new Broken("weighs the gradient of the weight", (k, x, weight, centred, epsilon, dOut, addend, dX, dWeight) -> {
                    k.rmsNormGradient(x, weight, centred, epsilon, dOut, addend, dX, null);
                    if (dWeight != null) {
                        INDArray sum = Nd4j.create(dWeight.dataType(), dWeight.shape());
                        k.rmsNormGradient(x, weight, centred, epsilon, dOut, null, null, sum);
                        dWeight.addi(sum.mul(weight.castTo(sum.dataType())));
                    }
                }),
                new Broken("forgets what is to be added", (k, x, weight, centred, epsilon, dOut, addend, dX, dWeight) ->
                        k.rmsNormGradient(x, weight, centred, epsilon, dOut, null, dX, dWeight)),
                new Broken("forgets the weight", (k, x, weight, centred, epsilon, dOut, addend, dX, dWeight) ->
                        k.rmsNormGradient(x, Nd4j.onesLike(weight), centred, epsilon, dOut, addend, dX, dWeight)))
                .forEach(broken -> mistakes.add(new Mistake("rmsNormGradient", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void rmsNormGradient(INDArray x, INDArray weight, boolean zeroCentred, double epsilon,
                                                        INDArray outGradient, @Nullable INDArray addend,
                                                        @Nullable INDArray inputGradient,
                                                        @Nullable INDArray weightGradient) {
                                broken.gradient().run(right, x, weight, zeroCentred, epsilon, outGradient, addend, inputGradient,
                                        weightGradient);
                            }
                        })));
    }

    private static void rotary(List<Mistake> mistakes) {
        mistakes.add(new Mistake("rotary", "turns the inverse the wrong way", right -> new DelegatingKernels(right) {
            @Override
            public void rotary(INDArray x, INDArray positions, RotaryTable table, boolean inverse, INDArray out) {
                right.rotary(x, positions, table, false, out);
            }
        }));
        mistakes.add(new Mistake("rotary", "counts positions over the whole batch",
                right -> new DelegatingKernels(right) {
                    @Override
                    public void rotary(INDArray x, INDArray positions, RotaryTable table, boolean inverse,
                                       INDArray out) {
                        right.rotary(x, first(positions), table, inverse, out);
                    }
                }));
        mistakes.add(new Mistake("rotary", "pairs neighbours", right -> new DelegatingKernels(right) {
            @Override
            public void rotary(INDArray x, INDArray positions, RotaryTable table, boolean inverse, INDArray out) {
                int half = table.headDimension() / 2;
                INDArray apart = x.dup();
                INDArray turned = x.dup();
                for (int i = 0; i < x.size(1); i++) {
                    apart.getColumn(neighbour(i, half)).assign(x.getColumn(i));
                }
                right.rotary(apart, positions, table, inverse, turned);
                for (int i = 0; i < x.size(1); i++) {
                    out.getColumn(i).assign(turned.getColumn(neighbour(i, half)));
                }
            }

            private static int neighbour(int i, int half) {
                int head = i / (2 * half);
                int within = i % (2 * half);
                return head * 2 * half + within / 2 + within % 2 * half;
            }
        }));
    }

    private static void rotaryTables(List<Mistake> mistakes) {
        record Broken(String mistake, BiFunction<RotaryTable, int[], RotaryTable> change) {
        }
        List.of(
                new Broken("forgets the magnitude", (table, positions) -> new RotaryTable(table.headDimension(),
                        frequencies(table, table.pairs(), positions), 1)),
                new Broken("divides by the magnitude", (table, positions) -> new RotaryTable(table.headDimension(),
                        frequencies(table, table.pairs(), positions), 1 / table.magnitude())),
                new Broken("turns whole heads", (table, positions) -> new RotaryTable(table.headDimension(),
                        frequencies(table, table.headDimension() / 2, positions), table.magnitude())),
                new Broken("takes the frequencies of a single token", (table, positions) -> new RotaryTable(
                        table.headDimension(), frequencies(table, table.pairs()), table.magnitude())))
                .forEach(broken -> mistakes.add(new Mistake("rotary", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void rotary(INDArray x, INDArray positions, RotaryTable table, boolean inverse,
                                               INDArray out) {
                                int[] places = positions.isEmpty() ? new int[0] : positions.toIntVector();
                                right.rotary(x, positions, broken.change().apply(table, places), inverse, out);
                            }
                        })));
    }

    /** A table's frequencies, and again from the first where more are wanted. */
    private static double[] frequencies(RotaryTable table, int pairs, int... positions) {
        return IntStream.range(0, pairs).mapToDouble(i -> table.angles(positions).frequency(i % table.pairs())).toArray();
    }

    private static void attention(List<Mistake> mistakes) {
        record Broken(String mistake, Function<PlainAttention, PlainAttention> change) {
        }
        List<Broken> both = List.of(
                new Broken("drops the causal mask", plain -> plain.lookingAhead(1000)),
                new Broken("sees one place ahead", plain -> plain.lookingAhead(1)),
                new Broken("does not see its own place", plain -> plain.lookingAhead(-1)),
                new Broken("deals heads out in turn", plain -> plain
                        .withKeyHead((head, shape) -> head % shape.keyValueHeads())),
                new Broken("forgets the scale", plain -> plain.scoring(asked -> scores(asked, 1, asked.window()))),
                new Broken("scales by the head dimension",
                        plain -> plain.scoring(asked -> scores(asked, asked.scale() * asked.scale(), asked.window()))),
                new Broken("drops the window", plain -> plain.scoring(asked -> scores(asked, asked.scale(), 0))),
                new Broken("counts its own place beside the window", plain -> plain.scoring(BrokenKernels::widened)),
                new Broken("leaves a key out of the window", plain -> plain.scoring(BrokenKernels::narrowed)),
                new Broken("forgets the softcap", plain -> plain.scoring(BrokenKernels::uncapped)),
                new Broken("hides later keys though not causal", plain -> plain.scoring(asked ->
                        new AttentionScores(asked.scale(), asked.softcap(), asked.window(), true))),
                new Broken("lets packed sequences see one another", PlainAttention::unpacked));
        for (Broken broken : both) {
            mistakes.add(new Mistake("attention", broken.mistake(), right -> new DelegatingKernels(right) {
                @Override
                public void attention(INDArray query, INDArray key, INDArray value, INDArray offsets,
                                      AttentionShape shape, @Nullable RotaryPositions rotary, INDArray out,
                                      INDArray logSumExp) {
                    super.attention(query, key, value, offsets, shape, rotary, out, logSumExp);
                    broken.change().apply(PlainAttention.right()).forward(
                            turned(right, query, rotary), turned(right, key, rotary), value, offsets, shape, out);
                }
            }));
        }
        mistakes.add(new Mistake("attention", "forgets the rotary embedding", right -> new DelegatingKernels(right) {
            @Override
            public void attention(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                                  @Nullable RotaryPositions rotary, INDArray out, INDArray logSumExp) {
                super.attention(query, key, value, offsets, shape, null, out, logSumExp);
            }
        }));
        mistakes.add(new Mistake("attention", "forgets what it shifted out of the sum",
                right -> new DelegatingKernels(right) {
            @Override
            public void attention(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                                  @Nullable RotaryPositions rotary, INDArray out, INDArray logSumExp) {
                super.attention(query, key, value, offsets, shape, rotary, out, logSumExp);
                logSumExp.addi(1);
            }
        }));
        List<Broken> gradients = new ArrayList<>(both);
        gradients.add(new Broken("forgets the sum over a group", PlainAttention::withoutGroupSum));
        gradients.add(new Broken("forgets the mean in the gradient of softmax", PlainAttention::uncentred));
        gradients.add(new Broken("forgets the slope of the softcap", PlainAttention::withoutCapSlope));
        for (Broken broken : gradients) {
            mistakes.add(new Mistake("attentionGradient", broken.mistake(), right -> new DelegatingKernels(right) {
                @Override
                public void attentionGradient(INDArray query, INDArray key, INDArray value, INDArray offsets,
                                              AttentionShape shape, @Nullable RotaryPositions rotary, INDArray out,
                                              INDArray logSumExp, INDArray outGradient, INDArray queryGradient,
                                              INDArray keyGradient, INDArray valueGradient) {
                    broken.change().apply(PlainAttention.right()).backward(
                            turned(right, query, rotary), turned(right, key, rotary), value, offsets, shape,
                            outGradient, queryGradient, keyGradient, valueGradient);
                    if (rotary != null && !query.isEmpty()) {
                        right.rotary(queryGradient, rotary.positions(), rotary.table(), true, queryGradient);
                        right.rotary(keyGradient, rotary.positions(), rotary.table(), true, keyGradient);
                    }
                }
            }));
        }
        mistakes.add(new Mistake("attentionGradient", "does not turn its gradients back",
                right -> new DelegatingKernels(right) {
            @Override
            public void attentionGradient(INDArray query, INDArray key, INDArray value, INDArray offsets,
                                          AttentionShape shape, @Nullable RotaryPositions rotary, INDArray out,
                                          INDArray logSumExp, INDArray outGradient, INDArray queryGradient,
                                          INDArray keyGradient, INDArray valueGradient) {
                super.attentionGradient(turned(right, query, rotary), turned(right, key, rotary), value, offsets, shape,
                        null, out, logSumExp, outGradient, queryGradient, keyGradient, valueGradient);
            }
        }));
    }

    private static AttentionScores scores(AttentionScores asked, double scale, int window) {
        return new AttentionScores(scale, asked.softcap(), window, asked.causal());
    }

    private static AttentionScores widened(AttentionScores asked) {
        return scores(asked, asked.scale(), asked.window() == 0 ? 0 : asked.window() + 1);
    }

    private static AttentionScores narrowed(AttentionScores asked) {
        return scores(asked, asked.scale(), asked.window() < 2 ? asked.window() : asked.window() - 1);
    }

    private static AttentionScores uncapped(AttentionScores asked) {
        return new AttentionScores(asked.scale(), 0, asked.window(), asked.causal());
    }

    private static INDArray turned(Kernels right, INDArray x, @Nullable RotaryPositions rotary) {
        if (rotary == null || x.isEmpty()) {
            return x;
        }
        INDArray out = x.dup('c');
        right.rotary(x, rotary.positions(), rotary.table(), false, out);
        return out;
    }

    private static void cachedAttention(List<Mistake> mistakes) {
        interface Cached {
            void run(Kernels k, INDArray query, INDArray key, INDArray value, INDArray keyCache, INDArray valueCache,
                     INDArray cacheLengths, INDArray offsets, AttentionShape shape, @Nullable RotaryPositions rotary,
                     INDArray out);
        }
        record Broken(String mistake, Cached cached) {
        }
        List.of(
                new Broken("does not fill the cache",
                        (k, query, key, value, keys, values, lengths, offsets, shape, rotary, out) ->
                        k.cachedAttention(query, key, value, keys.dup(), values.dup(), lengths, offsets, shape, rotary,
                                out)),
                new Broken("fills the cache from its start",
                        (k, query, key, value, keys, values, lengths, offsets, shape, rotary, out) ->
                        k.cachedAttention(query, key, value, keys, values, Nd4j.zerosLike(lengths), offsets, shape,
                                rotary, out)),
                new Broken("forgets the past",
                        (k, query, key, value, keys, values, lengths, offsets, shape, rotary, out) -> {
                    k.cachedAttention(query, key, value, keys, values, lengths, offsets, shape, rotary, out);
                    k.attention(query, key, value, offsets, shape, rotary, out,
                            Nd4j.create(DataType.DOUBLE, query.size(0), shape.heads()));
                }),
                new Broken("caches keys that are not turned",
                        (k, query, key, value, keys, values, lengths, offsets, shape, rotary, out) ->
                        k.cachedAttention(turned(k, query, rotary), key, value, keys, values, lengths, offsets, shape,
                                null, out)),
                new Broken("drops the window",
                        (k, query, key, value, keys, values, lengths, offsets, shape, rotary, out) ->
                        k.cachedAttention(query, key, value, keys, values, lengths, offsets,
                                shape.withScores(scores(shape.scores(), shape.scores().scale(), 0)), rotary, out)),
                new Broken("counts its own place beside the window",
                        (k, query, key, value, keys, values, lengths, offsets, shape, rotary, out) ->
                        k.cachedAttention(query, key, value, keys, values, lengths, offsets,
                                shape.withScores(widened(shape.scores())), rotary, out)),
                new Broken("forgets the softcap",
                        (k, query, key, value, keys, values, lengths, offsets, shape, rotary, out) ->
                        k.cachedAttention(query, key, value, keys, values, lengths, offsets,
                                shape.withScores(uncapped(shape.scores())), rotary, out)),
                new Broken("counts the new tokens as cached",
                        (k, query, key, value, keys, values, lengths, offsets, shape, rotary, out) -> {
                    k.cachedAttention(query, key, value, keys, values, lengths, offsets, shape, rotary, out);
                    for (int b = 0; b < lengths.length(); b++) {
                        lengths.putScalar(b, lengths.getInt(b) + offsets.getInt(b + 1) - offsets.getInt(b));
                    }
                }))
                .forEach(broken -> mistakes.add(new Mistake("cachedAttention", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void cachedAttention(INDArray query, INDArray key, INDArray value, INDArray keyCache,
                                                        INDArray valueCache, INDArray cacheLengths, INDArray offsets,
                                                        AttentionShape shape, @Nullable RotaryPositions rotary,
                                                        INDArray out) {
                                broken.cached().run(right, query, key, value, keyCache, valueCache, cacheLengths,
                                        offsets, shape, rotary, out);
                            }
                        })));
    }

    private static void elementWise(List<Mistake> mistakes) {
        mistakes.add(new Mistake("add", "adds to what is there", right -> new DelegatingKernels(right) {
            @Override
            public void add(INDArray a, INDArray b, INDArray out) {
                out.addi(a).addi(b);
            }
        }));
        mistakes.add(new Mistake("add", "subtracts", right -> new DelegatingKernels(right) {
            @Override
            public void add(INDArray a, INDArray b, INDArray out) {
                right.add(a, b.neg(), out);
            }
        }));
        mistakes.add(new Mistake("scale", "forgets the factor", right -> new DelegatingKernels(right) {
            @Override
            public void scale(INDArray x, double factor, INDArray out) {
                right.scale(x, 1, out);
            }
        }));
        mistakes.add(new Mistake("scale", "writes past the end", right -> new DelegatingKernels(right) {
            @Override
            public void scale(INDArray x, double factor, INDArray out) {
                right.scale(x, factor, out);
                DataBuffer whole = out.isEmpty() ? null : out.data().originalDataBuffer();
                if (whole != null) {
                    whole.put(out.offset() + out.length(), 0);
                }
            }
        }));
        mistakes.add(new Mistake("dropout", "forgets to scale up what it keeps", right -> new DelegatingKernels(right) {
            @Override
            public void dropout(INDArray x, double rate, long seed, INDArray out) {
                right.dropout(wide(x).mul(1 - rate).castTo(x.dataType()), rate, seed, out);
            }
        }));
        mistakes.add(new Mistake("dropout", "draws from another seed", right -> new DelegatingKernels(right) {
            @Override
            public void dropout(INDArray x, double rate, long seed, INDArray out) {
                right.dropout(x, rate, seed + 1, out);
            }
        }));
        mistakes.add(new Mistake("dropout", "keeps what it should drop", right -> new DelegatingKernels(right) {
            @Override
            public void dropout(INDArray x, double rate, long seed, INDArray out) {
                right.dropout(x, rate, seed, out);
                out.assign(wide(x).div(1 - rate).sub(wide(out)));
            }
        }));
        mistakes.add(new Mistake("dropout", "draws anew on every call", right -> new DelegatingKernels(right) {
            private long calls;

            @Override
            public void dropout(INDArray x, double rate, long seed, INDArray out) {
                right.dropout(x, rate, seed + calls++, out);
            }
        }));
        mistakes.add(new Mistake("squaredNorm", "takes the root", right -> new DelegatingKernels(right) {
            @Override
            public double squaredNorm(INDArray x) {
                return Math.sqrt(right.squaredNorm(x));
            }
        }));
        mistakes.add(new Mistake("squaredNorm", "sums in f32", right -> new DelegatingKernels(right) {
            @Override
            public double squaredNorm(INDArray x) {
                return (float) right.squaredNorm(x);
            }
        }));
        mistakes.add(new Mistake("isFinite", "overlooks the last element", right -> new DelegatingKernels(right) {
            @Override
            public boolean isFinite(INDArray x) {
                return right.isFinite(wide(x).reshape(x.length()).get(NDArrayIndex.interval(0, x.length() - 1)).dup());
            }
        }));
        mistakes.add(new Mistake("isFinite", "takes large for infinite", right -> new DelegatingKernels(right) {
            @Override
            public boolean isFinite(INDArray x) {
                return right.isFinite(x) && Math.abs(wide(x).ameanNumber().doubleValue()) < 1e20;
            }
        }));
    }

    private static void distributions(List<Mistake> mistakes) {
        logSumExp(mistakes);
        logProbability(mistakes);
        klDivergence(mistakes);
    }

    private static void logSumExp(List<Mistake> mistakes) {
        mistakes.add(new Mistake("logSumExp", "forgets to shift out the maximum",
                right -> new DelegatingKernels(right) {
                    @Override
                    public void logSumExp(INDArray logits, INDArray out) {
                        if (!logits.isEmpty()) {
                            out.assign(unshifted(logits));
                        }
                    }
                }));
        interface Gradient {
            void run(Kernels k, INDArray logits, INDArray sums, INDArray dOut, @Nullable INDArray addend,
                     INDArray dLogits);
        }
        record Broken(String mistake, Gradient gradient) {
        }
        List.of(
                new Broken("ignores the gradient from above", (k, logits, sums, dOut, addend, dLogits) ->
                        k.logSumExpGradient(logits, sums, Nd4j.onesLike(dOut), addend, dLogits)),
                new Broken("forgets what is to be added", (k, logits, sums, dOut, addend, dLogits) ->
                        k.logSumExpGradient(logits, sums, dOut, null, dLogits)),
                new Broken("adds twice", (k, logits, sums, dOut, addend, dLogits) -> {
                    k.logSumExpGradient(logits, sums, dOut, addend, dLogits);
                    if (addend != null) {
                        dLogits.addi(addend.castTo(dLogits.dataType()));
                    }
                }))
                .forEach(broken -> mistakes.add(new Mistake("logSumExpGradient", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void logSumExpGradient(INDArray logits, INDArray logSumExp, INDArray outGradient,
                                                          @Nullable INDArray addend, INDArray logitsGradient) {
                                broken.gradient().run(right, logits, logSumExp, outGradient, addend, logitsGradient);
                            }
                        })));
    }

    private static void logProbability(List<Mistake> mistakes) {
        mistakes.add(new Mistake("logProbability", "takes the label before", right -> new DelegatingKernels(right) {
            @Override
            public void logProbability(INDArray logits, INDArray labels, INDArray logSumExp, INDArray out) {
                right.logProbability(logits, Transforms.max(labels.sub(1), 0), logSumExp, out);
            }
        }));
        mistakes.add(new Mistake("logProbability", "gives the loss", right -> new DelegatingKernels(right) {
            @Override
            public void logProbability(INDArray logits, INDArray labels, INDArray logSumExp, INDArray out) {
                right.logProbability(logits, labels, logSumExp, out);
                out.negi();
            }
        }));
        interface Gradient {
            void run(Kernels k, INDArray logits, INDArray labels, INDArray sums, INDArray dOut,
                     @Nullable INDArray addend, INDArray dLogits);
        }
        record Broken(String mistake, Gradient gradient) {
        }
        List.of(
                new Broken("forgets the label", (k, logits, labels, sums, dOut, addend, dLogits) ->
                        k.logSumExpGradient(logits, sums, dOut.neg(), addend, dLogits)),
                new Broken("ignores the gradient from above, as sd.loss does",
                        (k, logits, labels, sums, dOut, addend, dLogits) -> k.logProbabilityGradient(logits, labels,
                                sums, Nd4j.onesLike(dOut), addend, dLogits)),
                new Broken("forgets what is to be added", (k, logits, labels, sums, dOut, addend, dLogits) ->
                        k.logProbabilityGradient(logits, labels, sums, dOut, null, dLogits)),
                new Broken("adds nothing to the label's", (k, logits, labels, sums, dOut, addend, dLogits) -> {
                    INDArray added = addend == null ? null : addend.dup();
                    k.logProbabilityGradient(logits, labels, sums, dOut, addend, dLogits);
                    for (int c = 0; added != null && c < labels.length(); c++) {
                        int label = labels.getInt(c);
                        dLogits.putScalar(c, label, dLogits.getDouble(c, label) - added.getDouble(c, label));
                    }
                }))
                .forEach(broken -> mistakes.add(new Mistake("logProbabilityGradient", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void logProbabilityGradient(INDArray logits, INDArray labels, INDArray logSumExp,
                                                               INDArray outGradient, @Nullable INDArray addend,
                                                               INDArray logitsGradient) {
                                broken.gradient().run(right, logits, labels, logSumExp, outGradient, addend,
                                        logitsGradient);
                            }
                        })));
    }

    private static void klDivergence(List<Mistake> mistakes) {
        mistakes.add(new Mistake("klDivergence", "swaps its direction", right -> new DelegatingKernels(right) {
            @Override
            public void klDivergence(INDArray from, INDArray to, INDArray fromSums, INDArray toSums, INDArray out) {
                right.klDivergence(to, from, toSums, fromSums, out);
            }
        }));
        interface FromGradient {
            void run(Kernels k, INDArray from, INDArray to, INDArray fromSums, INDArray toSums, INDArray divergence,
                     INDArray dOut, @Nullable INDArray addend, INDArray dFrom);
        }
        record BrokenFrom(String mistake, FromGradient gradient) {
        }
        List.of(
                new BrokenFrom("takes the from side for a constant", (k, from, to, fromSums, toSums, kl, dOut, addend,
                        dFrom) -> dFrom.assign(0)),
                new BrokenFrom("ignores the gradient from above", (k, from, to, fromSums, toSums, kl, dOut, addend,
                        dFrom) ->
                        k.klDivergenceFromGradient(from, to, fromSums, toSums, kl, Nd4j.onesLike(dOut), addend,
                        dFrom)),
                new BrokenFrom("forgets to centre by the divergence", (k, from, to, fromSums, toSums, kl, dOut, addend,
                        dFrom) ->
                        k.klDivergenceFromGradient(from, to, fromSums, toSums, kl.mul(0), dOut, addend, dFrom)),
                new BrokenFrom("forgets what is to be added", (k, from, to, fromSums, toSums, kl, dOut, addend,
                        dFrom) -> k.klDivergenceFromGradient(from, to, fromSums, toSums, kl, dOut, null, dFrom)))
                .forEach(broken -> mistakes.add(new Mistake("klDivergenceFromGradient", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void klDivergenceFromGradient(INDArray from, INDArray to, INDArray fromSums,
                                                                 INDArray toSums, INDArray divergence,
                                                                 INDArray outGradient, @Nullable INDArray addend,
                                                                 INDArray fromGradient) {
                                broken.gradient().run(right, from, to, fromSums, toSums, divergence,
                                        outGradient, addend,
                                        fromGradient);
                            }
                        })));
        interface ToGradient {
            void run(Kernels k, INDArray from, INDArray to, INDArray fromSums, INDArray toSums, INDArray dOut,
                     @Nullable INDArray addend, INDArray dTo);
        }
        record BrokenTo(String mistake, ToGradient gradient) {
        }
        List.of(
                new BrokenTo("swaps its direction", (k, from, to, fromSums, toSums, dOut, addend, dTo) ->
                        k.klDivergenceToGradient(to, from, toSums, fromSums, dOut, addend, dTo)),
                new BrokenTo("ignores the gradient from above", (k, from, to, fromSums, toSums, dOut, addend, dTo) ->
                        k.klDivergenceToGradient(from, to, fromSums, toSums, Nd4j.onesLike(dOut), addend, dTo)),
                new BrokenTo("forgets what is to be added", (k, from, to, fromSums, toSums, dOut, addend, dTo) ->
                        k.klDivergenceToGradient(from, to, fromSums, toSums, dOut, null, dTo)))
                .forEach(broken -> mistakes.add(new Mistake("klDivergenceToGradient", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void klDivergenceToGradient(INDArray from, INDArray to, INDArray fromSums,
                                                               INDArray toSums, INDArray outGradient,
                                                               @Nullable INDArray addend, INDArray toGradient) {
                                broken.gradient().run(right, from, to, fromSums, toSums, outGradient,
                                        addend, toGradient);
                            }
                        })));
    }

    private static void optimizer(List<Mistake> mistakes) {
        record Broken(String mistake, Function<AdamWStep, AdamWStep> change) {
        }
        List.of(
                new Broken("forgets epsilon", s -> new AdamWStep(s.learningRate(), s.beta1(), s.beta2(), 0,
                        s.weightDecay(), s.step(), s.gradientScale())),
                new Broken("forgets to correct the moments", s -> new AdamWStep(s.learningRate(), s.beta1(), s.beta2(),
                        s.epsilon(), s.weightDecay(), Long.MAX_VALUE, s.gradientScale())),
                new Broken("corrects by the step before", s -> new AdamWStep(s.learningRate(), s.beta1(), s.beta2(),
                        s.epsilon(), s.weightDecay(), Math.max(1, s.step() - 1), s.gradientScale())),
                new Broken("forgets the decay", s -> new AdamWStep(s.learningRate(), s.beta1(), s.beta2(), s.epsilon(),
                        0, s.step(), s.gradientScale())),
                new Broken("decays without the learning rate", s -> new AdamWStep(s.learningRate(), s.beta1(),
                        s.beta2(), s.epsilon(), s.weightDecay() / s.learningRate(), s.step(), s.gradientScale())),
                new Broken("forgets to scale the gradient", s -> new AdamWStep(s.learningRate(), s.beta1(), s.beta2(),
                        s.epsilon(), s.weightDecay(), s.step(), 1)),
                new Broken("swaps the betas", s -> new AdamWStep(s.learningRate(), s.beta2(), s.beta1(), s.epsilon(),
                        s.weightDecay(), s.step(), s.gradientScale())))
                .forEach(broken -> mistakes.add(new Mistake("adamW", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void adamW(INDArray parameter, INDArray gradient, INDArray firstMoment,
                                              INDArray secondMoment, AdamWStep step) {
                                right.adamW(parameter, gradient, firstMoment, secondMoment,
                                        broken.change().apply(step));
                            }
                        })));
        mistakes.add(new Mistake("adamW", "decays through the gradient, as Adam does",
                right -> new DelegatingKernels(right) {
                    @Override
                    public void adamW(INDArray parameter, INDArray gradient, INDArray firstMoment,
                                      INDArray secondMoment,
                                      AdamWStep step) {
                        if (parameter.isEmpty()) {
                            return;
                        }
                        INDArray decayed = gradient.add(parameter.mul(step.weightDecay() / step.gradientScale()));
                        right.adamW(parameter, decayed, firstMoment, secondMoment, new AdamWStep(step.learningRate(),
                                step.beta1(), step.beta2(), step.epsilon(), 0, step.step(), step.gradientScale()));
                    }
                }));
        mistakes.add(new Mistake("adamW", "changes the gradient", right -> new DelegatingKernels(right) {
            @Override
            public void adamW(INDArray parameter, INDArray gradient, INDArray firstMoment, INDArray secondMoment,
                              AdamWStep step) {
                right.adamW(parameter, gradient, firstMoment, secondMoment, step);
                gradient.assign(0);
            }
        }));
    }

    /** {@code log sum exp} of each row without shifting, which overflows or vanishes for logits far from 0. */
    private static INDArray unshifted(INDArray logits) {
        return Transforms.log(Transforms.exp(logits, true).sum(1), true);
    }

    /** The places 0, 1, 2... in the number of {@code indices}. */
    private static INDArray first(INDArray indices) {
        return integers(IntStream.range(0, (int) indices.length()).toArray());
    }

    private static INDArray wide(INDArray x) {
        return x.dataType() == DataType.BFLOAT16 ? x.castTo(DataType.FLOAT) : x;
    }
}
