package org.finetune4j.kernel;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.finetune4j.kernel.BrokenKernels.Mistake;
import org.finetune4j.op.Activation;
import org.finetune4j.op.Activation.Kind;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Mistakes that people make in normalisations, activations, biases, splits and means. */
final class BrokenLayerKernels {
    private BrokenLayerKernels() {
    }

    static void addTo(List<Mistake> mistakes) {
        zeroCentred(mistakes);
        layerNorm(mistakes);
        layerNormGradient(mistakes);
        activation(mistakes);
        gatedActivation(mistakes);
        softCap(mistakes);
        rowsAdded(mistakes);
        parts(mistakes);
        means(mistakes);
    }

    private static void zeroCentred(List<Mistake> mistakes) {
        mistakes.add(new Mistake("rmsNorm", "forgets the 1 of a zero-centred weight", right -> new DelegatingKernels(right) {
            @Override
            public void rmsNorm(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray out) {
                right.rmsNorm(x, weight, false, epsilon, out);
            }
        }));
        mistakes.add(new Mistake("rmsNormGradient", "forgets the 1 of a zero-centred weight",
                right -> new DelegatingKernels(right) {
            @Override
            public void rmsNormGradient(INDArray x, INDArray weight, boolean zeroCentred, double epsilon,
                                        INDArray outGradient, @Nullable INDArray addend,
                                        @Nullable INDArray inputGradient, @Nullable INDArray weightGradient) {
                right.rmsNormGradient(x, weight, false, epsilon, outGradient, addend, inputGradient, weightGradient);
            }
        }));
    }

    private static void layerNorm(List<Mistake> mistakes) {
        interface Norm {
            void run(Kernels k, INDArray x, INDArray weight, @Nullable INDArray bias, double epsilon, INDArray out);
        }
        record Broken(String mistake, Norm norm) {
        }
        List.of(
                new Broken("forgets the bias", (k, x, weight, bias, epsilon, out) ->
                        k.layerNorm(x, weight, null, epsilon, out)),
                new Broken("forgets the weight", (k, x, weight, bias, epsilon, out) ->
                        k.layerNorm(x, Nd4j.onesLike(weight), bias, epsilon, out)),
                new Broken("forgets epsilon", (k, x, weight, bias, epsilon, out) ->
                        k.layerNorm(x, weight, bias, 0, out)),
                new Broken("adds epsilon to the deviation", (k, x, weight, bias, epsilon, out) ->
                        k.layerNorm(x, weight, bias, epsilon * epsilon, out)),
                new Broken("does not subtract the mean, as RMSNorm does", (k, x, weight, bias, epsilon, out) -> {
                    k.rmsNorm(x, weight, false, epsilon, out);
                    if (bias != null) {
                        k.addRow(out, bias, out);
                    }
                }),
                new Broken("takes the unbiased variance", (k, x, weight, bias, epsilon, out) -> {
                    k.layerNorm(x, weight, null, epsilon, out);
                    double count = x.size(1);
                    if (!x.isEmpty() && count > 1) {
                        out.assign(wide(out).mul(Math.sqrt((count - 1) / count)));
                    }
                    if (bias != null) {
                        k.addRow(out, bias, out);
                    }
                }))
                .forEach(broken -> mistakes.add(new Mistake("layerNorm", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void layerNorm(INDArray x, INDArray weight, @Nullable INDArray bias, double epsilon,
                                                  INDArray out) {
                                broken.norm().run(right, x, weight, bias, epsilon, out);
                            }
                        })));
    }

    private static void layerNormGradient(List<Mistake> mistakes) {
        interface Gradient {
            void run(Kernels k, INDArray x, INDArray weight, double epsilon, INDArray outGradient,
                     @Nullable INDArray addend, @Nullable INDArray dX, @Nullable INDArray dWeight,
                     @Nullable INDArray dBias);
        }
        record Broken(String mistake, Gradient gradient) {
        }
        List.of(
                new Broken("forgets the weight", (k, x, weight, epsilon, dOut, addend, dX, dWeight, dBias) ->
                        k.layerNormGradient(x, Nd4j.onesLike(weight), epsilon, dOut, addend, dX, dWeight, dBias)),
                new Broken("takes the mean for a constant", (k, x, weight, epsilon, dOut, addend, dX, dWeight, dBias) -> {
                    k.layerNormGradient(x, weight, epsilon, dOut, addend, dX, dWeight, dBias);
                    if (dX != null && !x.isEmpty()) {
                        INDArray wide = wide(x);
                        INDArray centred = wide.sub(wide.mean(true, 1));
                        INDArray root = Transforms.sqrt(centred.mul(centred).mean(true, 1).add(epsilon));
                        INDArray g = wide(dOut).mul(wide(weight).reshape(1, weight.length()));
                        dX.assign(wide(dX).add(g.mean(true, 1).div(root)));
                    }
                }),
                new Broken("takes mean and variance for constants",
                        (k, x, weight, epsilon, dOut, addend, dX, dWeight, dBias) -> {
                    k.layerNormGradient(x, weight, epsilon, dOut, addend, dX, dWeight, dBias);
                    if (dX != null && !x.isEmpty()) {
                        INDArray wide = wide(x);
                        INDArray centred = wide.sub(wide.mean(true, 1));
                        INDArray root = Transforms.sqrt(centred.mul(centred).mean(true, 1).add(epsilon));
                        dX.assign(wide(dOut).mul(wide(weight).reshape(1, weight.length())).div(root));
                    }
                }),
                new Broken("forgets what is to be added", (k, x, weight, epsilon, dOut, addend, dX, dWeight, dBias) ->
                        k.layerNormGradient(x, weight, epsilon, dOut, null, dX, dWeight, dBias)),
                new Broken("forgets the bias", (k, x, weight, epsilon, dOut, addend, dX, dWeight, dBias) ->
                        k.layerNormGradient(x, weight, epsilon, dOut, addend, dX, dWeight, null)),
                new Broken("replaces the gradient of the bias",
                        (k, x, weight, epsilon, dOut, addend, dX, dWeight, dBias) -> {
                    if (dBias != null) {
                        dBias.assign(0);
                    }
                    k.layerNormGradient(x, weight, epsilon, dOut, addend, dX, dWeight, dBias);
                }),
                new Broken("forgets to centre for the gradient of the weight",
                        (k, x, weight, epsilon, dOut, addend, dX, dWeight, dBias) -> {
                    k.layerNormGradient(x, weight, epsilon, dOut, addend, dX, null, dBias);
                    if (dWeight != null) {
                        k.rmsNormGradient(x, weight, false, epsilon, dOut, null, null, dWeight);
                    }
                }))
                .forEach(broken -> mistakes.add(new Mistake("layerNormGradient", broken.mistake(),
                        right -> new DelegatingKernels(right) {
                            @Override
                            public void layerNormGradient(INDArray x, INDArray weight, double epsilon,
                                                          INDArray outGradient, @Nullable INDArray addend,
                                                          @Nullable INDArray inputGradient,
                                                          @Nullable INDArray weightGradient,
                                                          @Nullable INDArray biasGradient) {
                                broken.gradient().run(right, x, weight, epsilon, outGradient, addend, inputGradient,
                                        weightGradient, biasGradient);
                            }
                        })));
    }

    private record Replaced(String mistake, UnaryOperator<Kind> kind, boolean coarse) {
    }

    private static List<Replaced> replaced() {
        return List.of(
                new Replaced("takes the approximate GELU for the exact one",
                        kind -> kind == Kind.GELU ? Kind.GELU_TANH : kind, false),
                new Replaced("takes the exact GELU for the approximate one",
                        kind -> kind == Kind.GELU_TANH ? Kind.GELU : kind, false),
                new Replaced("takes the quick GELU for the exact one",
                        kind -> kind == Kind.GELU ? Kind.QUICK_GELU : kind, false),
                new Replaced("takes SiLU for the quick GELU",
                        kind -> kind == Kind.QUICK_GELU ? Kind.SILU : kind, true),
                new Replaced("takes the ramp for SiLU", kind -> kind == Kind.SILU ? Kind.RELU : kind, true));
    }

    private static void activation(List<Mistake> mistakes) {
        replaced().forEach(broken -> {
            mistakes.add(new Mistake("activation", broken.mistake(), right -> new DelegatingKernels(right) {
                @Override
                public void activation(INDArray x, Kind kind, INDArray out) {
                    right.activation(x, broken.kind().apply(kind), out);
                }
            }, broken.coarse()));
            mistakes.add(new Mistake("activationGradient", broken.mistake(), right -> new DelegatingKernels(right) {
                @Override
                public void activationGradient(INDArray x, Kind kind, INDArray outGradient, INDArray inputGradient) {
                    right.activationGradient(x, broken.kind().apply(kind), outGradient, inputGradient);
                }
            }, broken.coarse()));
        });
        mistakes.add(new Mistake("activationGradient", "ignores the gradient from above",
                right -> new DelegatingKernels(right) {
            @Override
            public void activationGradient(INDArray x, Kind kind, INDArray outGradient, INDArray inputGradient) {
                right.activationGradient(x, kind, Nd4j.onesLike(outGradient), inputGradient);
            }
        }));
    }

    private static void gatedActivation(List<Mistake> mistakes) {
        replaced().forEach(broken -> mistakes.add(new Mistake("gatedActivation", broken.mistake(),
                right -> new DelegatingKernels(right) {
            @Override
            public void gatedActivation(INDArray gate, INDArray up, Activation.Kind kind, INDArray out) {
                right.gatedActivation(gate, up, broken.kind().apply(kind), out);
            }
        }, broken.coarse())));
        mistakes.add(new Mistake("gatedActivation", "gates by the wrong half", right -> new DelegatingKernels(right) {
            @Override
            public void gatedActivation(INDArray gate, INDArray up, Activation.Kind kind, INDArray out) {
                right.gatedActivation(up, gate, kind, out);
            }
        }));
        mistakes.add(new Mistake("gatedActivationGradient", "swaps its outputs", right -> new DelegatingKernels(right) {
            @Override
            public void gatedActivationGradient(INDArray gate, INDArray up, Activation.Kind kind, INDArray outGradient,
                                                INDArray gateGradient, INDArray upGradient) {
                right.gatedActivationGradient(gate, up, kind, outGradient, upGradient, gateGradient);
            }
        }));
        mistakes.add(new Mistake("gatedActivationGradient", "takes the sigmoid for a constant",
                right -> new DelegatingKernels(right) {
            @Override
            public void gatedActivationGradient(INDArray gate, INDArray up, Activation.Kind kind, INDArray outGradient,
                                                INDArray gateGradient, INDArray upGradient) {
                INDArray share = Transforms.sigmoid(wide(gate).dup());
                INDArray towards = wide(outGradient).mul(wide(up)).mul(share);
                right.gatedActivationGradient(gate, up, kind, outGradient, gateGradient, upGradient);
                if (kind == Kind.SILU && !gate.isEmpty()) {
                    gateGradient.assign(towards);
                }
            }
        }));
    }

    private static void softCap(List<Mistake> mistakes) {
        mistakes.add(new Mistake("softCap", "clips", right -> new DelegatingKernels(right) {
            @Override
            public void softCap(INDArray x, double cap, INDArray out) {
                if (!x.isEmpty()) {
                    out.assign(Transforms.max(Transforms.min(wide(x), cap, true), -cap, true));
                }
            }
        }));
        mistakes.add(new Mistake("softCap", "forgets to scale back", right -> new DelegatingKernels(right) {
            @Override
            public void softCap(INDArray x, double cap, INDArray out) {
                right.softCap(x, cap, out);
                right.scale(out, 1 / cap, out);
            }
        }));
        mistakes.add(new Mistake("softCapGradient", "passes the gradient on as it is", right -> new DelegatingKernels(right) {
            @Override
            public void softCapGradient(INDArray out, double cap, INDArray outGradient, INDArray inputGradient) {
                right.scale(outGradient, 1, inputGradient);
            }
        }));
        mistakes.add(new Mistake("softCapGradient", "forgets to divide by the cap", right -> new DelegatingKernels(right) {
            @Override
            public void softCapGradient(INDArray out, double cap, INDArray outGradient, INDArray inputGradient) {
                right.softCapGradient(out, 1, outGradient, inputGradient);
            }
        }));
    }

    private static void rowsAdded(List<Mistake> mistakes) {
        mistakes.add(new Mistake("addRow", "forgets the row", right -> new DelegatingKernels(right) {
            @Override
            public void addRow(INDArray x, INDArray row, INDArray out) {
                right.scale(x, 1, out);
            }
        }));
        mistakes.add(new Mistake("addRow", "adds it to the first row alone", right -> new DelegatingKernels(right) {
            @Override
            public void addRow(INDArray x, INDArray row, INDArray out) {
                right.scale(x, 1, out);
                if (!x.isEmpty()) {
                    right.addRow(out.getRow(0, true), row, out.getRow(0, true));
                }
            }
        }));
        mistakes.add(new Mistake("columnSums", "replaces what was there", right -> new DelegatingKernels(right) {
            @Override
            public void columnSums(INDArray x, INDArray sums) {
                sums.assign(0);
                right.columnSums(x, sums);
            }
        }));
        mistakes.add(new Mistake("columnSums", "takes the mean", right -> new DelegatingKernels(right) {
            @Override
            public void columnSums(INDArray x, INDArray sums) {
                if (!x.isEmpty()) {
                    sums.addi(wide(x).mean(0).castTo(sums.dataType()));
                }
            }
        }));
    }

    /** The counts of parts that are taken from a whole row instead of from every run of it. */
    private static int[] wholeRows(int[] counts, INDArray whole) {
        int runs = Math.toIntExact(whole.size(1) / Arrays.stream(counts).sum());
        return Arrays.stream(counts).map(count -> count * runs).toArray();
    }

    private static void parts(List<Mistake> mistakes) {
        mistakes.add(new Mistake("split", "takes each part from the row at once", right -> new DelegatingKernels(right) {
            @Override
            public void split(INDArray x, int[] counts, List<INDArray> outs) {
                right.split(x, wholeRows(counts, x), outs);
            }
        }));
        mistakes.add(new Mistake("split", "forgets the last part", right -> new DelegatingKernels(right) {
            @Override
            public void split(INDArray x, int[] counts, List<INDArray> outs) {
                INDArray last = outs.get(outs.size() - 1);
                INDArray before = last.dup();
                right.split(x, counts, outs);
                last.assign(before);
            }
        }));
        mistakes.add(new Mistake("join", "gives each part to the row at once", right -> new DelegatingKernels(right) {
            @Override
            public void join(List<@Nullable INDArray> parts, int[] counts, INDArray out) {
                right.join(parts, wholeRows(counts, out), out);
            }
        }));
        mistakes.add(new Mistake("join", "leaves what no part is given for", right -> new DelegatingKernels(right) {
            @Override
            public void join(List<@Nullable INDArray> parts, int[] counts, INDArray out) {
                INDArray before = out.dup();
                right.join(parts, counts, out);
                int period = Arrays.stream(counts).sum();
                int[] starts = IntStream.range(0, counts.length)
                        .map(i -> Arrays.stream(counts, 0, i).sum()).toArray();
                for (int i = 0; i < counts.length; i++) {
                    for (long c = starts[i]; Objects.isNull(parts.get(i)) && c < out.size(1); c += period) {
                        out.getColumn(c).assign(before.getColumn(c));
                    }
                }
            }
        }));
    }

    private static void means(List<Mistake> mistakes) {
        mistakes.add(new Mistake("meanRows", "forgets to divide", right -> new DelegatingKernels(right) {
            @Override
            public void meanRows(INDArray x, INDArray offsets, INDArray out) {
                right.meanRows(x, offsets, out);
                for (int s = 0; s + 1 < offsets.length(); s++) {
                    out.getRow(s).muli(offsets.getInt(s + 1) - offsets.getInt(s));
                }
            }
        }));
        mistakes.add(new Mistake("meanRows", "forgets the last row of each sequence", right -> new DelegatingKernels(right) {
            @Override
            public void meanRows(INDArray x, INDArray offsets, INDArray out) {
                INDArray less = wide(x).dup();
                for (int s = 1; s < offsets.length(); s++) {
                    less.getRow(offsets.getInt(s) - 1).assign(0);
                }
                right.meanRows(less.castTo(x.dataType()), offsets, out);
            }
        }));
        mistakes.add(new Mistake("meanRowsGradient", "forgets to divide", right -> new DelegatingKernels(right) {
            @Override
            public void meanRowsGradient(INDArray offsets, INDArray outGradient, INDArray inputGradient) {
                for (int s = 0; s + 1 < offsets.length(); s++) {
                    for (int t = offsets.getInt(s); t < offsets.getInt(s + 1); t++) {
                        inputGradient.getRow(t).assign(outGradient.getRow(s));
                    }
                }
            }
        }));
    }

    private static INDArray wide(INDArray x) {
        return x.dataType() == DataType.BFLOAT16 ? x.castTo(DataType.FLOAT) : x;
    }
}
