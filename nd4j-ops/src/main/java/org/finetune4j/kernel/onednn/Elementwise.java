package org.finetune4j.kernel.onednn;

import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.onednn.BinaryPass.Kind;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Kernels that treat every element alike, in tiles that stay in a core's first cache. */
final class Elementwise {
    private static final int TILE = 2048;
    /** Elements that one primitive computes: long against the cost of a call, and in the second cache as FLOAT. */
    private static final int PIECE = 1 << 14;
    private static final long CHUNK = 1 << 15;
    private final Workers workers;

    Elementwise(Workers workers) {
        this.workers = workers;
    }

    /** Computes {@code count} elements from {@code first} on. */
    private interface Tile {
        void run(Worker worker, long first, int count);
    }

    private static int chunks(long length) {
        return Math.toIntExact((length + CHUNK - 1) / CHUNK);
    }

    private static void tiles(Worker worker, int chunk, long length, Tile body) {
        long end = Math.min(length, (chunk + 1) * CHUNK);
        for (long first = chunk * CHUNK; first < end; first += TILE) {
            body.run(worker, first, (int) Math.min(TILE, end - first));
        }
    }

    private void forTiles(long length, Tile body) {
        workers.run(chunks(length), (worker, chunk) -> tiles(worker, chunk, length, body));
    }

    /**
     * Pieces for oneDNN: of few different lengths whatever the length, so that their primitives are soon all
     * compiled.
     */
    private void forPieces(long length, Tile body) {
        workers.run(chunks(length), (worker, chunk) -> {
            long first = chunk * CHUNK;
            int left = (int) Math.min(CHUNK, length - first);
            for (int count = PIECE; left > 0; count = Math.max(1, count / 2)) {
                int piece = count > 16 ? count : left;
                for (; piece <= left && left > 0; left -= piece, first += piece) {
                    body.run(worker, first, piece);
                }
            }
        });
    }

    void add(INDArray a, INDArray b, INDArray out) {
        String kernel = "add";
        boolean bfloat16 = Operands.isBfloat16(kernel, a);
        alike(kernel, a, b, out);
        if (a.length() == 0) {
            return;
        }
        long x = Operands.address(kernel, a);
        long y = Operands.address(kernel, b);
        long z = Operands.address(kernel, out);
        int width = Lanes.width(bfloat16);
        forPieces(a.length(), (worker, first, count) -> new BinaryPass(Kind.SUM, count, false, bfloat16)
                .run(worker, x + first * width, y + first * width, z + first * width));
    }

    void scale(INDArray x, double factor, INDArray out) {
        String kernel = "scale";
        boolean from16 = Operands.isBfloat16(kernel, x);
        boolean to16 = Operands.isBfloat16(kernel, out);
        Operands.sameShape(kernel, x, out);
        if (x.length() == 0) {
            return;
        }
        long from = Operands.address(kernel, x);
        long to = Operands.address(kernel, out);
        float by = (float) factor;
        if (by == 1 && from16 != to16) {
            convert(from, x.length(), to, to16);
            return;
        }
        forTiles(x.length(), (worker, first, count) -> {
            float[] tile = worker.floats(0, TILE);
            long source = from + first * Lanes.width(from16);
            long target = to + first * Lanes.width(to16);
            if (from16 == to16) {
                Lanes.load(worker, from16, source, count, tile);
                multiply(tile, by, count);
                Lanes.store(worker, to16, tile, count, target);
            } else {
                Lanes.loadInOrder(worker, from16, source, count, tile);
                multiply(tile, by, count);
                Lanes.storeInOrder(worker, to16, tile, count, target);
            }
        });
    }

    private void convert(long from, long length, long to, boolean to16) {
        forPieces(length, (worker, first, count) -> new Conversion(count, to16)
                .run(worker, from + first * Lanes.width(!to16), to + first * Lanes.width(to16)));
    }

    private static void multiply(float[] tile, float by, int count) {
        for (int i = 0; i < count; i++) {
            tile[i] *= by;
        }
    }

    void dropout(INDArray x, double rate, long seed, INDArray out) {
        String kernel = "dropout";
        if (!(rate >= 0 && rate < 1)) {
            throw new IllegalArgumentException(kernel + ": a rate of " + rate + "; it must be at least 0 and below 1");
        }
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        alike(kernel, x, x, out);
        if (x.length() == 0) {
            return;
        }
        long from = Operands.address(kernel, x);
        long to = Operands.address(kernel, out);
        int width = Lanes.width(bfloat16);
        float kept = (float) (1 / (1 - rate));
        forTiles(x.length(), (worker, first, count) -> {
            float[] tile = worker.floats(0, TILE);
            Lanes.load(worker, bfloat16, from + first * width, count, tile);
            for (int i = 0; i < count; i++) {
                int lane = Lanes.lane(bfloat16, i, count);
                tile[lane] *= CounterRandom.uniform(seed, first + i) >= rate ? kept : 0;
            }
            Lanes.store(worker, bfloat16, tile, count, to + first * width);
        });
    }

    void swiglu(INDArray gate, INDArray up, INDArray out) {
        String kernel = "swiglu";
        boolean bfloat16 = Operands.isBfloat16(kernel, gate);
        alike(kernel, gate, up, out);
        if (gate.length() == 0) {
            return;
        }
        long g = Operands.address(kernel, gate);
        long u = Operands.address(kernel, up);
        long o = Operands.address(kernel, out);
        int width = Lanes.width(bfloat16);
        forPieces(gate.length(), (worker, first, count) -> {
            long swish = worker.buffer(0, 4L * count);
            new Activation(count, Activation.Kind.SWISH)
                    .run(worker, Conversion.floats(worker, 0, bfloat16, g + first * width, count), swish);
            long ups = Conversion.floats(worker, 1, bfloat16, u + first * width, count);
            new BinaryPass(Kind.PRODUCT, count, false).run(worker, swish, ups, bfloat16 ? swish : o + first * width);
            if (bfloat16) {
                new Conversion(count, true).run(worker, swish, o + first * width);
            }
        });
    }

    void swigluGradient(INDArray gate, INDArray up, INDArray outGradient, INDArray gateGradient, INDArray upGradient) {
        String kernel = "swigluGradient";
        boolean bfloat16 = Operands.isBfloat16(kernel, gate);
        alike(kernel, gate, up, outGradient);
        alike(kernel, gate, gateGradient, upGradient);
        if (gate.length() == 0) {
            return;
        }
        long g = Operands.address(kernel, gate);
        long u = Operands.address(kernel, up);
        long o = Operands.address(kernel, outGradient);
        long gg = Operands.address(kernel, gateGradient);
        long ug = Operands.address(kernel, upGradient);
        int width = Lanes.width(bfloat16);
        forPieces(gate.length(), (worker, first, count) -> {
            long gates = Conversion.floats(worker, 0, bfloat16, g + first * width, count);
            long ups = Conversion.floats(worker, 1, bfloat16, u + first * width, count);
            long outs = Conversion.floats(worker, 2, bfloat16, o + first * width, count);
            long sigmoids = worker.buffer(3, 4L * count);
            new Activation(count, Activation.Kind.SIGMOID).run(worker, gates, sigmoids);
            long gateResult = bfloat16 ? gates : gg + first * width;
            long upResult = bfloat16 ? ups : ug + first * width;
            for (int begin = 0; begin < count; begin += TILE) {
                swigluGradient(worker, Math.min(TILE, count - begin), gates + 4L * begin, ups + 4L * begin,
                        outs + 4L * begin, sigmoids + 4L * begin, gateResult + 4L * begin, upResult + 4L * begin);
            }
            if (bfloat16) {
                Conversion narrow = new Conversion(count, true);
                narrow.run(worker, gateResult, gg + first * width);
                narrow.run(worker, upResult, ug + first * width);
            }
        });
    }

    /** With {@code s = sigmoid(gate)}: {@code outGradient up (s + gate s (1 - s))} and {@code outGradient gate s}. */
    private static void swigluGradient(Worker worker, int count, long gate, long up, long outGradient, long sigmoid,
                                       long gateGradient, long upGradient) {
        float[] gates = worker.floats(0, TILE);
        float[] ups = worker.floats(1, TILE);
        float[] outs = worker.floats(2, TILE);
        float[] sigmoids = worker.floats(3, TILE);
        Memory.read(gate, gates, 0, count);
        Memory.read(up, ups, 0, count);
        Memory.read(outGradient, outs, 0, count);
        Memory.read(sigmoid, sigmoids, 0, count);
        for (int i = 0; i < count; i++) {
            float swish = gates[i] * sigmoids[i];
            float slope = sigmoids[i] + swish * (1 - sigmoids[i]);
            ups[i] = outs[i] * ups[i] * slope;
            gates[i] = outs[i] * swish;
        }
        Memory.write(ups, 0, gateGradient, count);
        Memory.write(gates, 0, upGradient, count);
    }

    double squaredNorm(INDArray x) {
        String kernel = "squaredNorm";
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        if (x.length() == 0) {
            return 0;
        }
        long from = Operands.address(kernel, x);
        int width = Lanes.width(bfloat16);
        double[] partial = new double[chunks(x.length())];
        workers.run(partial.length, (worker, chunk) -> tiles(worker, chunk, x.length(), (same, first, count) -> {
            float[] tile = worker.floats(0, TILE);
            Lanes.load(worker, bfloat16, from + first * width, count, tile);
            partial[chunk] += VectorMath.squares(tile, count);
        }));
        double sum = 0;
        for (double part : partial) {
            sum += part;
        }
        return sum;
    }

    void adamW(INDArray parameter, INDArray gradient, INDArray firstMoment, INDArray secondMoment, AdamWStep step) {
        String kernel = "adamW";
        Operands.isFloat(kernel, parameter);
        alike(kernel, parameter, gradient, firstMoment);
        alike(kernel, parameter, secondMoment, secondMoment);
        if (parameter.length() == 0) {
            return;
        }
        long w = Operands.address(kernel, parameter);
        long g = Operands.address(kernel, gradient);
        long m = Operands.address(kernel, firstMoment);
        long v = Operands.address(kernel, secondMoment);
        float beta1 = (float) step.beta1();
        float rest1 = (float) ((1 - step.beta1()) * step.gradientScale());
        float beta2 = (float) step.beta2();
        float rest2 = (float) (1 - step.beta2());
        float scale = (float) step.gradientScale();
        float correct1 = (float) (1 / (1 - Math.pow(step.beta1(), step.step())));
        float correct2 = (float) (1 / (1 - Math.pow(step.beta2(), step.step())));
        float epsilon = (float) step.epsilon();
        float rate = (float) step.learningRate();
        float decay = (float) step.weightDecay();
        forTiles(parameter.length(), (worker, first, count) -> {
            float[] weights = worker.floats(0, TILE);
            float[] gradients = worker.floats(1, TILE);
            float[] means = worker.floats(2, TILE);
            float[] squares = worker.floats(3, TILE);
            Memory.read(w + 4 * first, weights, 0, count);
            Memory.read(g + 4 * first, gradients, 0, count);
            Memory.read(m + 4 * first, means, 0, count);
            Memory.read(v + 4 * first, squares, 0, count);
            for (int i = 0; i < count; i++) {
                float scaled = gradients[i] * scale;
                means[i] = beta1 * means[i] + rest1 * gradients[i];
                squares[i] = beta2 * squares[i] + rest2 * (scaled * scaled);
            }
            for (int i = 0; i < count; i++) {
                float root = (float) Math.sqrt(squares[i] * correct2);
                weights[i] -= rate * (decay * weights[i] + means[i] * correct1 / (root + epsilon));
            }
            Memory.write(weights, 0, w + 4 * first, count);
            Memory.write(means, 0, m + 4 * first, count);
            Memory.write(squares, 0, v + 4 * first, count);
        });
    }

    private static void alike(String kernel, INDArray first, INDArray second, INDArray third) {
        Operands.sameType(kernel, first, second);
        Operands.sameType(kernel, first, third);
        Operands.sameShape(kernel, first, second);
        Operands.sameShape(kernel, first, third);
    }
}
