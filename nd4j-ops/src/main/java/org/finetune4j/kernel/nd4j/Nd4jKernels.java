package org.finetune4j.kernel.nd4j;

import static org.finetune4j.kernel.nd4j.Arithmetic.accumulate;
import static org.finetune4j.kernel.nd4j.Arithmetic.column;
import static org.finetune4j.kernel.nd4j.Arithmetic.product;
import static org.finetune4j.kernel.nd4j.Arithmetic.read;
import static org.finetune4j.kernel.nd4j.Arithmetic.row;
import static org.finetune4j.kernel.nd4j.Arithmetic.rows;
import static org.finetune4j.kernel.nd4j.Arithmetic.type;
import static org.finetune4j.kernel.nd4j.Arithmetic.write;
import static org.finetune4j.kernel.nd4j.Arithmetic.writeSum;
import static org.finetune4j.kernel.nd4j.RowKernels.like;
import static org.finetune4j.kernel.nd4j.RowKernels.reciprocalRoot;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.RotaryAngles;
import org.finetune4j.kernel.RotaryPositions;
import org.finetune4j.kernel.RotaryTable;
import org.finetune4j.op.Activation;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * The kernels as stock ND4J operations, for DOUBLE, FLOAT and BFLOAT16, on whatever device ND4J runs on.
 *
 * <p>This is the reference: every kernel does its formula step by step, in double where an array is DOUBLE and in f32
 * otherwise, and rounds once, when it writes its output. It holds nothing, may be shared by threads, and refuses wrong
 * shapes, types and indices by {@link IllegalArgumentException}. Where there are no rows it does nothing.
 */
public final class Nd4jKernels implements Kernels {
    /** Numbers summed one after another by {@link #squaredNorm}, whatever the number of threads. */
    private static final long NORM_BLOCK = 1024;

    static boolean isSupported(DataType type) {
        return type == DataType.DOUBLE || type == DataType.FLOAT || type == DataType.BFLOAT16;
    }

    @Override
    public String name() {
        return "nd4j";
    }

    @Override
    public boolean supports(DataType type) {
        return isSupported(type);
    }

    @Override
    public void matmul(INDArray a, boolean transposeA, INDArray b, boolean transposeB, INDArray out, double alpha,
                       boolean accumulate) {
        Arguments check = new Arguments("matmul");
        check.numbers(a, b, out);
        check.rank("a", a, 2);
        check.rank("b", b, 2);
        long m = a.size(transposeA ? 1 : 0);
        long inner = a.size(transposeA ? 0 : 1);
        long n = b.size(transposeB ? 0 : 1);
        if (b.size(transposeB ? 1 : 0) != inner) {
            throw check.refused("a" + (transposeA ? "'" : "") + " of shape " + Arguments.text(m, inner) + " and b"
                    + (transposeB ? "'" : "") + " of shape " + Arguments.text(b.size(transposeB ? 1 : 0), n)
                    + " do not multiply: the columns of the first must be the rows of the second");
        }
        check.shape("out", out, "a of shape " + Arguments.text(a.shape()) + " with b", b, m, n);
        boolean widened = a.dataType() == DataType.BFLOAT16 && out.dataType() == DataType.FLOAT;
        if (b.dataType() != a.dataType() || out.dataType() != a.dataType() && !widened) {
            throw check.refused("a is " + a.dataType() + ", b " + b.dataType() + " and out " + out.dataType()
                    + ", but all must be of one type, or out FLOAT where a and b are BFLOAT16");
        }
        if (out.isEmpty()) {
            return;
        }
        if (inner == 0) {
            if (!accumulate) {
                out.assign(0);
            }
            return;
        }
        DataType type = type(a);
        INDArray left = read(a, type);
        INDArray right = read(b, type);
        INDArray product = product(transposeA ? left.transpose() : left, transposeB ? right.transpose() : right);
        if (accumulate) {
            accumulate(product.mul(alpha), out);
        } else {
            write(product.mul(alpha), out);
        }
    }

    @Override
    public void embedding(INDArray ids, INDArray table, INDArray out) {
        Arguments check = new Arguments("embedding");
        check.numbers(table, out);
        check.rank("table", table, 2);
        int[] places = check.indices("ids", ids, table.size(0));
        check.shape("out", out, "ids of shape " + Arguments.text(ids.shape()) + " with table", table, places.length,
                table.size(1));
        copyRows(table, places, out);
    }

    @Override
    public void embeddingGradient(INDArray ids, INDArray outGradient, INDArray tableGradient) {
        Arguments check = new Arguments("embeddingGradient");
        check.numbers(outGradient, tableGradient);
        check.rank("tableGradient", tableGradient, 2);
        int[] places = check.indices("ids", ids, tableGradient.size(0));
        check.shape("outGradient", outGradient, "ids of shape " + Arguments.text(ids.shape()) + " with tableGradient",
                tableGradient, places.length, tableGradient.size(1));
        for (int t = 0; t < places.length; t++) {
            INDArray gradient = rows(outGradient, t, t + 1);
            accumulate(read(gradient, type(outGradient, tableGradient)),
                    rows(tableGradient, places[t], places[t] + 1));
        }
    }

    @Override
    public void gatherRows(INDArray x, INDArray rows, INDArray out) {
        Arguments check = new Arguments("gatherRows");
        check.numbers(x, out);
        check.rank("x", x, 2);
        int[] places = distinct(check, rows, x.size(0));
        check.shape("out", out, "rows of shape " + Arguments.text(rows.shape()) + " with x", x, places.length,
                x.size(1));
        copyRows(x, places, out);
    }

    @Override
    public void gatherRowsGradient(INDArray rows, INDArray outGradient, INDArray inputGradient) {
        Arguments check = new Arguments("gatherRowsGradient");
        check.numbers(outGradient, inputGradient);
        check.rank("inputGradient", inputGradient, 2);
        int[] places = distinct(check, rows, inputGradient.size(0));
        check.shape("outGradient", outGradient, "rows of shape " + Arguments.text(rows.shape())
                + " with inputGradient", inputGradient, places.length, inputGradient.size(1));
        if (inputGradient.isEmpty()) {
            return;
        }
        inputGradient.assign(0);
        for (int r = 0; r < places.length; r++) {
            rows(inputGradient, places[r], places[r] + 1).assign(rows(outGradient, r, r + 1));
        }
    }

    @Override
    public void rmsNorm(INDArray x, INDArray weight, boolean zeroCentred, double epsilon, INDArray out) {
        Arguments check = new Arguments("rmsNorm");
        check.numbers(x, weight, out);
        check.rank("x", x, 2);
        check.shape("weight", weight, "x", x, x.size(1));
        check.sameShape("out", out, "x", x);
        if (x.isEmpty()) {
            return;
        }
        DataType type = type(x, weight);
        INDArray wide = read(x, type);
        write(wide.mul(reciprocalRoot(wide, epsilon)).mul(factors(weight, zeroCentred, type)), out);
    }

    /** What RMSNorm multiplies by: the weight, or 1 + weight. */
    private static INDArray factors(INDArray weight, boolean zeroCentred, DataType type) {
        return row(zeroCentred ? read(weight, type).add(1) : read(weight, type));
    }

    @Override
    public void rmsNormGradient(INDArray x, INDArray weight, boolean zeroCentred, double epsilon,
                                INDArray outGradient, @Nullable INDArray addend, @Nullable INDArray inputGradient,
                                @Nullable INDArray weightGradient) {
        Arguments check = new Arguments("rmsNormGradient");
        check.numbers(x, weight, outGradient);
        check.rank("x", x, 2);
        check.shape("weight", weight, "x", x, x.size(1));
        check.sameShape("outGradient", outGradient, "x", x);
        like(check, "addend", addend, "x", x);
        like(check, "inputGradient", inputGradient, "x", x);
        like(check, "weightGradient", weightGradient, "weight", weight);
        if (x.isEmpty()) {
            return;
        }
        DataType type = type(x, weight);
        INDArray wide = read(x, type);
        INDArray upstream = read(outGradient, type);
        INDArray r = reciprocalRoot(wide, epsilon);
        if (inputGradient != null) {
            INDArray g = upstream.mul(factors(weight, zeroCentred, type));
            INDArray mean = g.mul(wide).mean(true, 1);
            writeSum(g.mul(r).sub(wide.mul(r.mul(r).mul(r).mul(mean))), addend, inputGradient);
        }
        if (weightGradient != null) {
            accumulate(upstream.mul(wide).mul(r).sum(0), weightGradient);
        }
    }

    @Override
    public void rotary(INDArray x, INDArray positions, RotaryTable table, boolean inverse, INDArray out) {
        Arguments check = new Arguments("rotary");
        check.numbers(x, out);
        check.rank("x", x, 2);
        int[] places = check.indices("positions", positions, Integer.MAX_VALUE);
        check.shape("positions", positions, "x", x, x.size(0));
        check.sameShape("out", out, "x", x);
        int head = table.headDimension();
        if (x.size(1) % head != 0) {
            throw check.refused("x has shape " + Arguments.text(x.shape()) + ", but its rows must be whole heads of "
                    + "shape " + Arguments.text(head) + ", as the rotary table is of that head dimension");
        }
        if (x.isEmpty()) {
            return;
        }
        DataType type = type(x);
        int pairs = table.pairs();
        RotaryAngles turns = table.angles(places);
        double[][] angles = new double[places.length][pairs];
        for (int t = 0; t < places.length; t++) {
            for (int i = 0; i < pairs; i++) {
                angles[t][i] = (inverse ? -1.0 : 1.0) * places[t] * turns.frequency(i);
            }
        }
        INDArray angle = Nd4j.createFromArray(angles);
        INDArray cosine = Transforms.cos(angle, true).mul(table.magnitude()).castTo(type);
        INDArray sine = Transforms.sin(angle, true).mul(table.magnitude()).castTo(type);
        INDArray wide = read(x, type);
        INDArray result = wide.dup('c');
        for (long begin = 0; begin < x.size(1); begin += head) {
            INDArray a = columns(wide, begin, pairs);
            INDArray b = columns(wide, begin + pairs, pairs);
            columns(result, begin, pairs).assign(a.mul(cosine).sub(b.mul(sine)));
            columns(result, begin + pairs, pairs).assign(b.mul(cosine).add(a.mul(sine)));
        }
        write(result, out);
    }

    @Override
    public void attention(INDArray query, INDArray key, INDArray value, INDArray offsets, AttentionShape shape,
                          @Nullable RotaryPositions rotary, INDArray out, INDArray logSumExp) {
        Arguments check = new Arguments("attention");
        int[] bounds = checkAttention(check, query, key, value, offsets, shape);
        check.numbers(out, logSumExp);
        check.sameShape("out", out, "query", query);
        check.shape("logSumExp", logSumExp, "query", query, query.size(0), shape.heads());
        DataType type = type(query, key, value);
        SequenceAttention attention = new SequenceAttention(shape);
        INDArray turnedQuery = turned(check, "query", query, rotary, shape, type);
        INDArray turnedKey = turned(check, "key", key, rotary, shape, type);
        for (int b = 0; b + 1 < bounds.length; b++) {
            int begin = bounds[b];
            int end = bounds[b + 1];
            if (begin == end) {
                continue;
            }
            INDArray result = Nd4j.create(type, end - begin, shape.queryWidth());
            INDArray logs = Nd4j.create(type, end - begin, shape.heads());
            attention.forward(rows(turnedQuery, begin, end).dup('c'), rows(turnedKey, begin, end).dup('c'),
                    read(rows(value, begin, end), type), result, logs);
            write(result, rows(out, begin, end));
            for (int t = 0; t < end - begin; t++) {
                for (int head = 0; head < shape.heads(); head++) {
                    logSumExp.putScalar(begin + t, head, logs.getDouble(t, head));
                }
            }
        }
    }

    @Override
    public void attentionGradient(INDArray query, INDArray key, INDArray value, INDArray offsets,
                                  AttentionShape shape, @Nullable RotaryPositions rotary, INDArray out,
                                  INDArray logSumExp, INDArray outGradient, INDArray queryGradient,
                                  INDArray keyGradient, INDArray valueGradient) {
        Arguments check = new Arguments("attentionGradient");
        int[] bounds = checkAttention(check, query, key, value, offsets, shape);
        check.numbers(out, logSumExp, outGradient, queryGradient, keyGradient, valueGradient);
        check.shape("logSumExp", logSumExp, "query", query, query.size(0), shape.heads());
        check.sameShape("out", out, "query", query);
        check.sameShape("outGradient", outGradient, "query", query);
        check.sameShape("queryGradient", queryGradient, "query", query);
        check.sameShape("keyGradient", keyGradient, "key", key);
        check.sameShape("valueGradient", valueGradient, "value", value);
        if (query.isEmpty()) {
            return;
        }
        DataType type = type(query, key, value);
        SequenceAttention attention = new SequenceAttention(shape);
        INDArray turnedQuery = turned(check, "query", query, rotary, shape, type);
        INDArray turnedKey = turned(check, "key", key, rotary, shape, type);
        INDArray turnedQueryGradient = Nd4j.create(type, query.shape());
        INDArray turnedKeyGradient = Nd4j.create(type, key.shape());
        for (int b = 0; b + 1 < bounds.length; b++) {
            int begin = bounds[b];
            int end = bounds[b + 1];
            if (begin == end) {
                continue;
            }
            INDArray dQuery = Nd4j.create(type, end - begin, shape.queryWidth());
            INDArray dKey = Nd4j.create(type, end - begin, shape.keyValueWidth());
            INDArray dValue = Nd4j.create(type, end - begin, shape.keyValueWidth());
            attention.backward(rows(turnedQuery, begin, end).dup('c'), rows(turnedKey, begin, end).dup('c'),
                    read(rows(value, begin, end), type), read(rows(outGradient, begin, end), type), dQuery, dKey,
                    dValue);
            write(dQuery, rows(turnedQueryGradient, begin, end));
            write(dKey, rows(turnedKeyGradient, begin, end));
            write(dValue, rows(valueGradient, begin, end));
        }
        write(turnedBack(turnedQueryGradient, rotary), queryGradient);
        write(turnedBack(turnedKeyGradient, rotary), keyGradient);
    }

    @Override
    public void cachedAttention(INDArray query, INDArray key, INDArray value, INDArray keyCache, INDArray valueCache,
                                INDArray cacheLengths, INDArray offsets, AttentionShape shape,
                                @Nullable RotaryPositions rotary, INDArray out) {
        Arguments check = new Arguments("cachedAttention");
        if (!shape.scores().causal()) {
            throw check.refused(shape + " is not causal, so cached tokens would have to see the new ones; "
                    + "use attention over whole sequences");
        }
        int[] bounds = checkAttention(check, query, key, value, offsets, shape);
        int sequences = bounds.length - 1;
        check.numbers(keyCache, valueCache, out);
        check.sameShape("out", out, "query", query);
        check.rank("keyCache", keyCache, 3);
        check.shape("keyCache", keyCache, "offsets of shape " + Arguments.text(offsets.shape()) + " with key", key,
                sequences, keyCache.size(1), shape.keyValueWidth());
        check.sameShape("valueCache", valueCache, "keyCache", keyCache);
        int[] lengths = check.indices("cacheLengths", cacheLengths, keyCache.size(1) + 1);
        check.shape("cacheLengths", cacheLengths, "offsets", offsets, sequences);
        for (int b = 0; b < sequences; b++) {
            if (lengths[b] + (long) bounds[b + 1] - bounds[b] > keyCache.size(1)) {
                throw check.refused("sequence " + b + " has " + lengths[b] + " places filled and "
                        + (bounds[b + 1] - bounds[b]) + " new tokens, which is more than keyCache of shape "
                        + Arguments.text(keyCache.shape()) + " holds; give a larger capacity");
            }
        }
        DataType type = type(query, key, value);
        SequenceAttention attention = new SequenceAttention(shape);
        INDArray turnedQuery = turned(check, "query", query, rotary, shape, type);
        INDArray turnedKey = turned(check, "key", key, rotary, shape, type);
        for (int b = 0; b < sequences; b++) {
            int begin = bounds[b];
            int end = bounds[b + 1];
            if (begin == end) {
                continue;
            }
            int filled = lengths[b] + end - begin;
            cached(keyCache, b, lengths[b], filled).assign(rows(turnedKey, begin, end));
            cached(valueCache, b, lengths[b], filled).assign(rows(value, begin, end));
            INDArray result = Nd4j.create(type, end - begin, shape.queryWidth());
            attention.forward(rows(turnedQuery, begin, end).dup('c'), read(cached(keyCache, b, 0, filled), type),
                    read(cached(valueCache, b, 0, filled), type), result, Nd4j.create(type, end - begin, shape.heads()));
            write(result, rows(out, begin, end));
        }
    }

    @Override
    public void layerNorm(INDArray x, INDArray weight, @Nullable INDArray bias, double epsilon, INDArray out) {
        RowKernels.layerNorm(x, weight, bias, epsilon, out);
    }

    @Override
    public void layerNormGradient(INDArray x, INDArray weight, double epsilon, INDArray outGradient,
                                  @Nullable INDArray addend, @Nullable INDArray inputGradient,
                                  @Nullable INDArray weightGradient, @Nullable INDArray biasGradient) {
        RowKernels.layerNormGradient(x, weight, epsilon, outGradient, addend, inputGradient, weightGradient,
                biasGradient);
    }

    @Override
    public void meanRows(INDArray x, INDArray offsets, INDArray out) {
        RowKernels.meanRows(x, offsets, out);
    }

    @Override
    public void meanRowsGradient(INDArray offsets, INDArray outGradient, INDArray inputGradient) {
        RowKernels.meanRowsGradient(offsets, outGradient, inputGradient);
    }

    @Override
    public void activation(INDArray x, Activation.Kind kind, INDArray out) {
        Activations.activation(x, kind, out);
    }

    @Override
    public void activationGradient(INDArray x, Activation.Kind kind, INDArray outGradient, INDArray inputGradient) {
        Activations.activationGradient(x, kind, outGradient, inputGradient);
    }

    @Override
    public void gatedActivation(INDArray gate, INDArray up, Activation.Kind kind, INDArray out) {
        Activations.gated(gate, up, kind, out);
    }

    @Override
    public void gatedActivationGradient(INDArray gate, INDArray up, Activation.Kind kind, INDArray outGradient,
                                        INDArray gateGradient, INDArray upGradient) {
        Activations.gatedGradient(gate, up, kind, outGradient, gateGradient, upGradient);
    }

    @Override
    public void softCap(INDArray x, double cap, INDArray out) {
        Activations.softCap(x, cap, out);
    }

    @Override
    public void softCapGradient(INDArray out, double cap, INDArray outGradient, INDArray inputGradient) {
        Activations.softCapGradient(out, cap, outGradient, inputGradient);
    }

    @Override
    public void addRow(INDArray x, INDArray row, INDArray out) {
        RowKernels.addRow(x, row, out);
    }

    @Override
    public void columnSums(INDArray x, INDArray sums) {
        RowKernels.columnSums(x, sums);
    }

    @Override
    public void split(INDArray x, int[] counts, List<INDArray> outs) {
        RowKernels.split(x, counts, outs);
    }

    @Override
    public void join(List<@Nullable INDArray> parts, int[] counts, INDArray out) {
        RowKernels.join(parts, counts, out);
    }

    @Override
    public void add(INDArray a, INDArray b, INDArray out) {
        Arguments check = new Arguments("add");
        check.numbers(a, b, out);
        check.sameShape("b", b, "a", a);
        check.sameShape("out", out, "a", a);
        if (a.isEmpty()) {
            return;
        }
        DataType type = type(a, b);
        write(read(a, type).add(read(b, type)), out);
    }

    @Override
    public void chooseExperts(INDArray logits, boolean normalize, INDArray chosen, INDArray weights) {
        ExpertKernels.choose(logits, normalize, chosen, weights);
    }

    @Override
    public void chooseExpertsGradient(INDArray logits, boolean normalize, INDArray chosen, INDArray weightGradient,
                                      INDArray logitsGradient) {
        ExpertKernels.chooseGradient(logits, normalize, chosen, weightGradient, logitsGradient);
    }

    @Override
    public void combineRows(INDArray y, INDArray places, @Nullable INDArray weights, INDArray out) {
        ExpertKernels.combine(y, places, weights, out);
    }

    @Override
    public void combineRowsGradient(INDArray y, INDArray places, INDArray weights, INDArray outGradient,
                                    @Nullable INDArray yGradient, @Nullable INDArray weightGradient) {
        ExpertKernels.combineGradient(y, places, weights, outGradient, yGradient, weightGradient);
    }

    @Override
    public void scale(INDArray x, double factor, INDArray out) {
        Arguments check = new Arguments("scale");
        check.numbers(x, out);
        check.sameShape("out", out, "x", x);
        if (x.isEmpty()) {
            return;
        }
        write(read(x, type(x)).mul(factor), out);
    }

    @Override
    public void dropout(INDArray x, double rate, long seed, INDArray out) {
        Arguments check = new Arguments("dropout");
        check.numbers(x, out);
        check.sameShape("out", out, "x", x);
        if (!(rate >= 0 && rate < 1)) {
            throw check.refused("rate " + rate + " must be at least 0 and below 1");
        }
        if (x.isEmpty()) {
            return;
        }
        double[] factors = new double[Math.toIntExact(x.length())];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = CounterRandom.uniform(seed, i) >= rate ? 1 / (1 - rate) : 0;
        }
        DataType type = type(x);
        INDArray mask = Nd4j.createFromArray(factors).castTo(type).reshape(x.shape());
        write(read(x, type).mul(mask), out);
    }

    @Override
    public void logSumExp(INDArray logits, INDArray out) {
        Arguments check = new Arguments("logSumExp");
        check.numbers(logits, out);
        check.rank("logits", logits, 2);
        check.shape("out", out, "logits", logits, logits.size(0));
        if (logits.isEmpty()) {
            return;
        }
        write(Arithmetic.logSumExp(read(logits, type(logits))).reshape(logits.size(0)), out);
    }

    @Override
    public void logSumExpGradient(INDArray logits, INDArray logSumExp, INDArray outGradient, @Nullable INDArray addend,
                                  INDArray logitsGradient) {
        Arguments check = new Arguments("logSumExpGradient");
        checkRows(check, logits, logSumExp, outGradient);
        checkGradient(check, logits, addend, logitsGradient);
        if (logits.isEmpty()) {
            return;
        }
        DataType type = type(logits);
        writeSum(softmax(logits, logSumExp, type).mul(column(read(outGradient, type))), addend, logitsGradient);
    }

    @Override
    public void logProbability(INDArray logits, INDArray labels, INDArray logSumExp, INDArray out) {
        Arguments check = new Arguments("logProbability");
        int[] places = checkLabels(check, logits, labels);
        checkRows(check, logits, logSumExp, out);
        for (int c = 0; c < places.length; c++) {
            out.putScalar(c, logits.getDouble(c, places[c]) - logSumExp.getDouble(c));
        }
    }

    @Override
    public void logProbabilityGradient(INDArray logits, INDArray labels, INDArray logSumExp, INDArray outGradient,
                                       @Nullable INDArray addend, INDArray logitsGradient) {
        Arguments check = new Arguments("logProbabilityGradient");
        int[] places = checkLabels(check, logits, labels);
        checkRows(check, logits, logSumExp, outGradient);
        checkGradient(check, logits, addend, logitsGradient);
        if (logits.isEmpty()) {
            return;
        }
        DataType type = type(logits);
        INDArray difference = softmax(logits, logSumExp, type).neg();
        for (int c = 0; c < places.length; c++) {
            difference.putScalar(c, places[c], 1 + difference.getDouble(c, places[c]));
        }
        writeSum(difference.mul(column(read(outGradient, type))), addend, logitsGradient);
    }

    @Override
    public void klDivergence(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp, INDArray out) {
        Arguments check = new Arguments("klDivergence");
        checkPair(check, from, to, fromLogSumExp, toLogSumExp);
        checkRows(check, from, out);
        if (from.isEmpty()) {
            return;
        }
        DataType type = type(from, to);
        INDArray logP = logSoftmax(from, fromLogSumExp, type);
        INDArray logQ = logSoftmax(to, toLogSumExp, type);
        write(Transforms.exp(logP, true).mul(logP.sub(logQ)).sum(1), out);
    }

    @Override
    public void klDivergenceFromGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                         INDArray divergence, INDArray outGradient, @Nullable INDArray addend,
                                         INDArray fromGradient) {
        Arguments check = new Arguments("klDivergenceFromGradient");
        checkPair(check, from, to, fromLogSumExp, toLogSumExp);
        checkRows(check, from, divergence, outGradient);
        checkGradient(check, from, addend, fromGradient);
        if (from.isEmpty()) {
            return;
        }
        DataType type = type(from, to);
        INDArray logP = logSoftmax(from, fromLogSumExp, type);
        INDArray logRatio = logP.sub(logSoftmax(to, toLogSumExp, type));
        INDArray centred = logRatio.sub(column(read(divergence, type)));
        writeSum(Transforms.exp(logP, true).mul(centred).mul(column(read(outGradient, type))), addend, fromGradient);
    }

    @Override
    public void klDivergenceToGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                       INDArray outGradient, @Nullable INDArray addend, INDArray toGradient) {
        Arguments check = new Arguments("klDivergenceToGradient");
        checkPair(check, from, to, fromLogSumExp, toLogSumExp);
        checkRows(check, from, outGradient);
        checkGradient(check, from, addend, toGradient);
        if (from.isEmpty()) {
            return;
        }
        DataType type = type(from, to);
        INDArray difference = softmax(to, toLogSumExp, type).sub(softmax(from, fromLogSumExp, type));
        writeSum(difference.mul(column(read(outGradient, type))), addend, toGradient);
    }

    private static INDArray logSoftmax(INDArray logits, INDArray logSumExp, DataType type) {
        return read(logits, type).sub(column(read(logSumExp, type)));
    }

    private static INDArray softmax(INDArray logits, INDArray logSumExp, DataType type) {
        return Transforms.exp(logSoftmax(logits, logSumExp, type), true);
    }

    /** Refuses arrays that are not one number for each row of logits. */
    private static void checkRows(Arguments check, INDArray logits, INDArray... perRow) {
        check.numbers(logits);
        check.rank("logits", logits, 2);
        check.numbers(perRow);
        for (INDArray array : perRow) {
            check.shape("an array of one number per row", array, "logits", logits, logits.size(0));
        }
    }

    private static void checkPair(Arguments check, INDArray from, INDArray to, INDArray... logSumExps) {
        checkRows(check, from, logSumExps);
        check.numbers(to);
        check.sameShape("to", to, "from", from);
    }

    private static void checkGradient(Arguments check, INDArray logits, @Nullable INDArray addend, INDArray gradient) {
        check.numbers(gradient);
        check.sameShape("the gradient", gradient, "logits", logits);
        if (addend != null) {
            check.numbers(addend);
            check.sameShape("addend", addend, "logits", logits);
        }
    }

    @Override
    public double squaredNorm(INDArray x) {
        new Arguments("squaredNorm").numbers(x);
        if (x.isEmpty()) {
            return 0;
        }
        INDArray flat = read(x, DataType.DOUBLE).reshape(x.length());
        long whole = x.length() / NORM_BLOCK * NORM_BLOCK;
        double sum = 0;
        if (whole > 0) {
            INDArray blocks = flat.get(NDArrayIndex.interval(0, whole)).reshape(whole / NORM_BLOCK, NORM_BLOCK);
            for (double block : blocks.mul(blocks).sum(1).toDoubleVector()) {
                sum += block;
            }
        }
        for (long i = whole; i < x.length(); i++) {
            sum += flat.getDouble(i) * flat.getDouble(i);
        }
        return sum;
    }

    @Override
    public boolean isFinite(INDArray x) {
        new Arguments("isFinite").numbers(x);
        if (x.isEmpty()) {
            return true;
        }
        INDArray wide = read(x, DataType.DOUBLE);
        // What is finite is 0 then, and anything else NaN.
        return wide.sub(wide).sumNumber().doubleValue() == 0;
    }

    @Override
    public void adamW(INDArray parameter, INDArray gradient, INDArray firstMoment, INDArray secondMoment,
                      AdamWStep step) {
        Arguments check = new Arguments("adamW");
        for (INDArray array : new INDArray[] {parameter, gradient, firstMoment, secondMoment}) {
            check.sameShape("gradient, a moment or the parameter itself", array, "parameter", parameter);
            if (array.dataType() != parameter.dataType() || array.dataType() == DataType.BFLOAT16) {
                throw check.refused("an array is of type " + array.dataType() + " and parameter of type "
                        + parameter.dataType() + ", but all must be FLOAT, or all DOUBLE; keep f32 master weights");
            }
        }
        check.numbers(parameter);
        if (step.step() < 1) {
            throw check.refused("step " + step.step() + " must be at least 1");
        }
        if (parameter.isEmpty()) {
            return;
        }
        INDArray g = gradient.mul(step.gradientScale());
        write(firstMoment.mul(step.beta1()).add(g.mul(1 - step.beta1())), firstMoment);
        write(secondMoment.mul(step.beta2()).add(g.mul(g).mul(1 - step.beta2())), secondMoment);
        INDArray mean = firstMoment.div(1 - Math.pow(step.beta1(), step.step()));
        INDArray root = Transforms.sqrt(secondMoment.div(1 - Math.pow(step.beta2(), step.step())), true);
        INDArray direction = parameter.mul(step.weightDecay()).add(mean.div(root.add(step.epsilon())));
        write(parameter.sub(direction.mul(step.learningRate())), parameter);
    }

    /** Holds nothing, so frees nothing. */
    @Override
    public void close() {
    }

    private static void copyRows(INDArray from, int[] places, INDArray out) {
        for (int r = 0; r < places.length; r++) {
            rows(out, r, r + 1).assign(rows(from, places[r], places[r] + 1));
        }
    }

    private static INDArray columns(INDArray matrix, long begin, long count) {
        return matrix.get(NDArrayIndex.all(), NDArrayIndex.interval(begin, begin + count));
    }

    private static INDArray cached(INDArray cache, int sequence, long begin, long end) {
        return cache.get(NDArrayIndex.point(sequence), NDArrayIndex.interval(begin, end), NDArrayIndex.all());
    }

    private static int[] distinct(Arguments check, INDArray rows, long bound) {
        int[] places = check.indices("rows", rows, bound);
        int[] sorted = places.clone();
        Arrays.sort(sorted);
        for (int i = 1; i < sorted.length; i++) {
            if (sorted[i] == sorted[i - 1]) {
                throw check.refused("rows of shape " + Arguments.text(rows.shape()) + " hold " + sorted[i]
                        + " twice, but must be distinct");
            }
        }
        return places;
    }

    private static int[] checkLabels(Arguments check, INDArray logits, INDArray labels) {
        check.numbers(logits);
        check.rank("logits", logits, 2);
        int[] places = check.indices("labels", labels, logits.size(1));
        check.shape("labels", labels, "logits", logits, logits.size(0));
        return places;
    }

    private static int[] checkAttention(Arguments check, INDArray query, INDArray key, INDArray value,
                                        INDArray offsets, AttentionShape shape) {
        check.numbers(query, key, value);
        check.rank("query", query, 2);
        check.shape("query", query, shape + ", with key", key, query.size(0), shape.queryWidth());
        check.shape("key", key, shape + ", with query", query, query.size(0), shape.keyValueWidth());
        check.sameShape("value", value, "key", key);
        return check.offsets(offsets, query.size(0));
    }

    /** Queries or keys in the type of the arithmetic, with their rotary embedding if there is one. */
    private INDArray turned(Arguments check, String name, INDArray x, @Nullable RotaryPositions rotary,
                            AttentionShape shape, DataType type) {
        if (rotary != null) {
            check.shape("positions", rotary.positions(), name, x, x.size(0));
            check.indices("positions", rotary.positions(), Integer.MAX_VALUE);
            if (rotary.table().headDimension() != shape.headDimension()) {
                throw check.refused("the rotary table is of head dimension " + rotary.table().headDimension() + ", but "
                        + shape + " asks for " + shape.headDimension() + "; make the table for this head dimension");
            }
        }
        if (x.isEmpty()) {
            return x;
        }
        INDArray wide = read(x, type);
        if (rotary != null) {
            rotary(wide, rotary.positions(), rotary.table(), false, wide);
        }
        return wide;
    }

    private INDArray turnedBack(INDArray gradient, @Nullable RotaryPositions rotary) {
        if (rotary != null) {
            rotary(gradient, rotary.positions(), rotary.table(), true, gradient);
        }
        return gradient;
    }
}
