package org.finetune4j.kernel.onednn;

import java.util.concurrent.atomic.AtomicBoolean;
import org.finetune4j.kernel.AdamWStep;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.onednn.BinaryPass.Kind;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Kernels that treat every element alike, in tiles that stay in a core's first cache. */
final class Elementwise {
    private static final int TILE = Tiles.TILE;
    private final Tiles tiles;

    Elementwise(Workers workers) {
        this.tiles = new Tiles(workers);
    }

    void add(INDArray a, INDArray b, INDArray out) {
        String kernel = "add";
        boolean bfloat16 = Operands.isBfloat16(kernel, a);
        Operands.alike(kernel, a, b, out);
        if (a.length() == 0) {
            return;
        }
        long x = Operands.address(kernel, a);
        long y = Operands.address(kernel, b);
        long z = Operands.address(kernel, out);
        int width = Lanes.width(bfloat16);
        tiles.forPieces(a.length(), (worker, first, count) -> {
            boolean widened = Conversion.isWidened(worker, bfloat16);
            long firsts = Conversion.floats(worker, 0, widened, x + first * width, count);
            long seconds = Conversion.floats(worker, 1, widened, y + first * width, count);
            long sums = widened ? firsts : z + first * width;
            new BinaryPass(Kind.SUM, count, false, bfloat16 && !widened).run(worker, firsts, seconds, sums);
            Conversion.narrow(worker, widened, count, sums, z + first * width);
        });
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
        tiles.forTiles(x.length(), (worker, first, count) -> {
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
        tiles.forPieces(length, (worker, first, count) -> new Conversion(count, to16)
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
        Operands.alike(kernel, x, x, out);
        if (x.length() == 0) {
            return;
        }
        long from = Operands.address(kernel, x);
        long to = Operands.address(kernel, out);
        int width = Lanes.width(bfloat16);
        float kept = (float) (1 / (1 - rate));
        tiles.forTiles(x.length(), (worker, first, count) -> {
            float[] tile = worker.floats(0, TILE);
            Lanes.load(worker, bfloat16, from + first * width, count, tile);
            for (int i = 0; i < count; i++) {
                int lane = Lanes.lane(bfloat16, i, count);
                tile[lane] *= CounterRandom.uniform(seed, first + i) >= rate ? kept : 0;
            }
            Lanes.store(worker, bfloat16, tile, count, to + first * width);
        });
    }

    double squaredNorm(INDArray x) {
        String kernel = "squaredNorm";
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        if (x.length() == 0) {
            return 0;
        }
        long from = Operands.address(kernel, x);
        int width = Lanes.width(bfloat16);
        double[] partial = new double[Tiles.chunks(x.length())];
        tiles.forTiles(x.length(), (worker, first, count) -> {
            float[] tile = worker.floats(0, TILE);
            Lanes.load(worker, bfloat16, from + first * width, count, tile);
            partial[Tiles.chunk(first)] += VectorMath.squares(tile, count);
        });
        double sum = 0;
        for (double part : partial) {
            sum += part;
        }
        return sum;
    }

    boolean isFinite(INDArray x) {
        String kernel = "isFinite";
        boolean bfloat16 = Operands.isBfloat16(kernel, x);
        if (x.length() == 0) {
            return true;
        }
        long from = Operands.address(kernel, x);
        int width = Lanes.width(bfloat16);
        // An exponent of ones is infinite or NaN: one more in its lowest place carries into the place of the sign.
        int hidden = bfloat16 ? 0x7fff7fff : 0x7fffffff;
        int one = bfloat16 ? 0x00800080 : 0x00800000;
        AtomicBoolean finite = new AtomicBoolean(true);
        tiles.forTiles(x.length(), (worker, first, count) -> {
            int[] words = worker.ints(0, TILE);
            int whole = (count * width + 3) / 4;
            words[whole - 1] = 0;
            Memory.readBytes(from + first * width, words, count * width);
            if ((carried(words, hidden, one, whole) & ~hidden) != 0) {
                finite.set(false);
            }
        });
        return finite.get();
    }

    private static int carried(int[] words, int hidden, int one, int count) {
        int carried = 0;
        for (int i = 0; i < count; i++) {
            carried |= (words[i] & hidden) + one;
        }
        return carried;
    }

    void adamW(INDArray parameter, INDArray gradient, INDArray firstMoment, INDArray secondMoment, AdamWStep step) {
        String kernel = "adamW";
        Operands.isFloat(kernel, parameter);
        Operands.alike(kernel, parameter, gradient, firstMoment);
        Operands.alike(kernel, parameter, secondMoment, secondMoment);
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
        tiles.forTiles(parameter.length(), (worker, first, count) -> {
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
}
