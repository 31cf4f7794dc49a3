package org.finetune4j.kernel.nd4j;

import static org.finetune4j.kernel.nd4j.Arithmetic.accumulate;
import static org.finetune4j.kernel.nd4j.Arithmetic.read;
import static org.finetune4j.kernel.nd4j.Arithmetic.row;
import static org.finetune4j.kernel.nd4j.Arithmetic.rows;
import static org.finetune4j.kernel.nd4j.Arithmetic.type;
import static org.finetune4j.kernel.nd4j.Arithmetic.write;
import static org.finetune4j.kernel.nd4j.Arithmetic.writeSum;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Kernels on whole rows: layer normalisation, biases, splits and means. */
final class RowKernels {
    private RowKernels() {
    }

    static void layerNorm(INDArray x, INDArray weight, @Nullable INDArray bias, double epsilon, INDArray out) {
        Arguments check = new Arguments("layerNorm");
        check.numbers(x, weight, out);
        check.rank("x", x, 2);
        check.shape("weight", weight, "x", x, x.size(1));
        check.sameShape("out", out, "x", x);
        if (bias != null) {
            check.numbers(bias);
            check.shape("bias", bias, "x", x, x.size(1));
        }
        if (x.isEmpty()) {
            return;
        }
        DataType type = type(x, weight);
        INDArray centred = centred(read(x, type));
        INDArray scaled = centred.mul(reciprocalRoot(centred, epsilon)).mul(row(read(weight, type)));
        write(bias == null ? scaled : scaled.add(row(read(bias, type))), out);
    }

    static void layerNormGradient(INDArray x, INDArray weight, double epsilon, INDArray outGradient,
                                  @Nullable INDArray addend, @Nullable INDArray inputGradient,
                                  @Nullable INDArray weightGradient, @Nullable INDArray biasGradient) {
        Arguments check = new Arguments("layerNormGradient");
        check.numbers(x, weight, outGradient);
        check.rank("x", x, 2);
        check.shape("weight", weight, "x", x, x.size(1));
        check.sameShape("outGradient", outGradient, "x", x);
        like(check, "addend", addend, "x", x);
        like(check, "inputGradient", inputGradient, "x", x);
        like(check, "weightGradient", weightGradient, "weight", weight);
        like(check, "biasGradient", biasGradient, "weight", weight);
        if (x.isEmpty()) {
            return;
        }
        DataType type = type(x, weight);
        INDArray centred = centred(read(x, type));
        INDArray upstream = read(outGradient, type);
        INDArray r = reciprocalRoot(centred, epsilon);
        if (inputGradient != null) {
            INDArray g = upstream.mul(row(read(weight, type)));
            INDArray along = g.mul(centred).mean(true, 1).mul(r).mul(r).mul(r);
            writeSum(centred(g).mul(r).sub(centred.mul(along)), addend, inputGradient);
        }
        if (weightGradient != null) {
            accumulate(upstream.mul(centred).mul(r).sum(0), weightGradient);
        }
        if (biasGradient != null) {
            accumulate(upstream.sum(0), biasGradient);
        }
    }

    /** Refuses an array, where it is given, whose type is not one of numbers or whose shape is not the partner's. */
    static void like(Arguments check, String name, @Nullable INDArray array, String partnerName, INDArray partner) {
        if (array != null) {
            check.numbers(array);
            check.sameShape(name, array, partnerName, partner);
        }
    }

    private static INDArray centred(INDArray x) {
        return x.sub(x.mean(true, 1));
    }

    /** {@code 1 / sqrt(mean(x^2) + epsilon)} of each row, as {@code [rows, 1]}. */
    static INDArray reciprocalRoot(INDArray x, double epsilon) {
        return Transforms.sqrt(x.mul(x).mean(true, 1).add(epsilon), true).rdiv(1);
    }

    static void addRow(INDArray x, INDArray row, INDArray out) {
        Arguments check = new Arguments("addRow");
        check.numbers(x, row, out);
        check.rank("x", x, 2);
        check.shape("row", row, "x", x, x.size(1));
        check.sameShape("out", out, "x", x);
        if (!x.isEmpty()) {
            DataType type = type(x, row);
            write(read(x, type).add(row(read(row, type))), out);
        }
    }

    static void columnSums(INDArray x, INDArray sums) {
        Arguments check = new Arguments("columnSums");
        check.numbers(x, sums);
        check.rank("x", x, 2);
        check.shape("sums", sums, "x", x, x.size(1));
        if (!x.isEmpty()) {
            accumulate(read(x, type(x, sums)).sum(0), sums);
        }
    }

    static void meanRows(INDArray x, INDArray offsets, INDArray out) {
        Arguments check = new Arguments("meanRows");
        check.numbers(x, out);
        check.rank("x", x, 2);
        int[] bounds = sequences(check, offsets, x.size(0));
        check.shape("out", out, "offsets of shape " + Arguments.text(offsets.shape()) + " with x", x, bounds.length - 1,
                x.size(1));
        if (x.isEmpty()) {
            return;
        }
        INDArray wide = read(x, type(x));
        INDArray means = Nd4j.create(type(x), out.shape());
        for (int s = 0; s + 1 < bounds.length; s++) {
            rows(means, s, s + 1).assign(rows(wide, bounds[s], bounds[s + 1]).mean(true, 0));
        }
        write(means, out);
    }

    static void meanRowsGradient(INDArray offsets, INDArray outGradient, INDArray inputGradient) {
        Arguments check = new Arguments("meanRowsGradient");
        check.numbers(outGradient, inputGradient);
        check.rank("inputGradient", inputGradient, 2);
        int[] bounds = sequences(check, offsets, inputGradient.size(0));
        check.shape("outGradient", outGradient, "offsets of shape " + Arguments.text(offsets.shape())
                + " with inputGradient", inputGradient, bounds.length - 1, inputGradient.size(1));
        if (inputGradient.isEmpty()) {
            return;
        }
        INDArray wide = read(outGradient, type(outGradient));
        INDArray result = Nd4j.create(wide.dataType(), inputGradient.shape());
        for (int s = 0; s + 1 < bounds.length; s++) {
            INDArray share = rows(wide, s, s + 1).div(bounds[s + 1] - bounds[s]);
            for (int t = bounds[s]; t < bounds[s + 1]; t++) {
                rows(result, t, t + 1).assign(share);
            }
        }
        write(result, inputGradient);
    }

    private static int[] sequences(Arguments check, INDArray offsets, long tokens) {
        int[] bounds = check.offsets(offsets, tokens);
        for (int s = 0; s + 1 < bounds.length; s++) {
            if (bounds[s] == bounds[s + 1]) {
                throw check.refused("sequence " + s + " of offsets " + Arrays.toString(bounds)
                        + " is empty and has no mean; leave it out of the batch");
            }
        }
        return bounds;
    }

    static void split(INDArray x, int[] counts, List<INDArray> outs) {
        Arguments check = new Arguments("split");
        checkParts(check, x, "x", counts, outs);
        if (!x.isEmpty()) {
            move(x, counts, outs, true);
        }
    }

    static void join(List<@Nullable INDArray> parts, int[] counts, INDArray out) {
        Arguments check = new Arguments("join");
        checkParts(check, out, "out", counts, parts);
        if (!out.isEmpty()) {
            out.assign(0);
            move(out, counts, parts, false);
        }
    }

    private static void checkParts(Arguments check, INDArray whole, String name, int[] counts,
                                   List<? extends @Nullable INDArray> parts) {
        check.numbers(whole);
        check.rank(name, whole, 2);
        int period = Arrays.stream(counts).sum();
        if (counts.length != parts.size() || period == 0 || whole.size(1) % period != 0
                || parts.stream().allMatch(Objects::isNull)) {
            throw check.refused(name + " of shape " + Arguments.text(whole.shape()) + " cannot be parted into "
                    + Arrays.toString(counts) + " by " + parts.size() + " arrays; the counts must come to a divisor of the "
                    + "width, and each have its array");
        }
        for (int i = 0; i < counts.length; i++) {
            INDArray part = parts.get(i);
            if (part != null) {
                check.numbers(part);
                check.shape("part " + i, part, name, whole, whole.size(0), whole.size(1) / period * counts[i]);
            }
        }
    }

    private static void move(INDArray whole, int[] counts, List<? extends @Nullable INDArray> parts, boolean out) {
        int period = Arrays.stream(counts).sum();
        for (int run = 0; run < whole.size(1) / period; run++) {
            long from = (long) run * period;
            for (int i = 0; i < counts.length; i++) {
                INDArray part = parts.get(i);
                INDArray inWhole = columns(whole, from, counts[i]);
                from += counts[i];
                if (part != null && out) {
                    columns(part, (long) run * counts[i], counts[i]).assign(inWhole);
                } else if (part != null) {
                    inWhole.assign(columns(part, (long) run * counts[i], counts[i]));
                }
            }
        }
    }

    private static INDArray columns(INDArray matrix, long begin, long count) {
        return matrix.get(NDArrayIndex.all(), NDArrayIndex.interval(begin, begin + count));
    }
}
