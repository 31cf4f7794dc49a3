package org.finetune4j.kernel.onednn;

import org.finetune4j.kernel.onednn.BinaryPass.Kind;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Kernels over rows of logits: log-sum-exp, log-probabilities and divergence, with their gradients.
 *
 * <p>A row is passed over in pieces that stay in the second cache, by oneDNN's element-wise passes, whose exponential
 * is several times as fast as a loop in Java. That exponential makes infinity of a NaN; so a row whose log-sum-exp is
 * not finite takes a slow way, and only such rows hold a NaN or a positive infinity.
 */
final class Distributions {
    /** Logits per piece, at most: 128 KiB, and as much of what is made of them. */
    private static final int PIECE = 1 << 15;
    /** Rows shorter than this are computed in double by plain Java: oneDNN reduces no single element. */
    private static final int SHORT = 32;
    private static final int CHUNK = 1 << 15;
    private static final int NUMBERS = 0;
    private static final int FIRST = 1;
    private static final int SECOND = 2;
    private static final int NUMBER_BYTES = 64;
    private final Workers workers;

    Distributions(Workers workers) {
        this.workers = workers;
    }

    /** Computes one row. */
    private interface RowTask {
        void run(Worker worker, int row);
    }

    /** Computes the pieces of one row that begin at element {@code first}. */
    private interface PieceTask {
        void run(int first, int count);
    }

    void logSumExp(INDArray logits, INDArray out) {
        String kernel = "logSumExp";
        check(kernel, logits, out);
        int vocabulary = Math.toIntExact(logits.size(1));
        long from = address(kernel, logits);
        long to = address(kernel, out);
        forRows(logits, (worker, row) -> Memory.putFloat(to + 4L * row,
                (float) logSumExp(worker, from + 4L * vocabulary * row, vocabulary)));
    }

    void logSumExpGradient(INDArray logits, INDArray logSumExp, INDArray outGradient, @Nullable INDArray addend,
                           INDArray logitsGradient) {
        String kernel = "logSumExpGradient";
        check(kernel, logits, logSumExp, outGradient);
        Target target = new Target(kernel, logits, addend, logitsGradient);
        long from = address(kernel, logits);
        long sums = address(kernel, logSumExp);
        long upstream = address(kernel, outGradient);
        int vocabulary = Math.toIntExact(logits.size(1));
        forRows(logits, (worker, row) -> softmax(worker, from + 4L * vocabulary * row, Memory.getFloat(sums + 4L * row),
                Memory.getFloat(upstream + 4L * row), target, row));
    }

    void logProbability(INDArray logits, INDArray labels, INDArray logSumExp, INDArray out) {
        String kernel = "logProbability";
        check(kernel, logits, labels, logSumExp, out);
        int[] ids = Operands.indices(kernel, labels, logits.size(1));
        long vocabulary = logits.size(1);
        long from = address(kernel, logits);
        long sums = address(kernel, logSumExp);
        long to = address(kernel, out);
        for (int row = 0; row < ids.length; row++) {
            Memory.putFloat(to + 4L * row, Memory.getFloat(from + 4 * (vocabulary * row + ids[row]))
                    - Memory.getFloat(sums + 4L * row));
        }
    }

    void logProbabilityGradient(INDArray logits, INDArray labels, INDArray logSumExp, INDArray outGradient,
                                @Nullable INDArray addend, INDArray logitsGradient) {
        String kernel = "logProbabilityGradient";
        check(kernel, logits, labels, logSumExp, outGradient);
        Target target = new Target(kernel, logits, addend, logitsGradient);
        int[] ids = Operands.indices(kernel, labels, logits.size(1));
        long from = address(kernel, logits);
        long sums = address(kernel, logSumExp);
        long upstream = address(kernel, outGradient);
        int vocabulary = Math.toIntExact(logits.size(1));
        forRows(logits, (worker, row) -> {
            long address = from + 4L * vocabulary * row;
            float sum = Memory.getFloat(sums + 4L * row);
            float factor = Memory.getFloat(upstream + 4L * row);
            double probability = Math.exp((double) Memory.getFloat(address + 4L * ids[row]) - sum);
            // Read before the row is written, which may be in the addend's place.
            float added = target.added(row, ids[row]);
            softmax(worker, address, sum, -factor, target, row);
            target.put(row, ids[row], (float) (factor * (1 - probability)) + added);
        });
    }

    void klDivergence(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp, INDArray out) {
        String kernel = "klDivergence";
        Pair pair = new Pair(kernel, from, to, fromLogSumExp, toLogSumExp, out);
        long target = address(kernel, out);
        int vocabulary = pair.vocabulary;
        forRows(from, (worker, row) -> {
            double sum = 0;
            if (!pair.isFinite(row)) {
                sum = Double.NaN;
            } else if (vocabulary < SHORT) {
                for (int i = 0; i < vocabulary; i++) {
                    sum += pair.probability(row, i) * pair.logRatio(row, i);
                }
            } else {
                sum = divergence(worker, pair, row);
            }
            Memory.putFloat(target + 4L * row, (float) sum);
        });
    }

    private static double divergence(Worker worker, Pair pair, int row) {
        long numbers = worker.buffer(NUMBERS, NUMBER_BYTES);
        Memory.putFloat(numbers, pair.fromSum(row));
        Memory.putFloat(numbers + 4, 1);
        Memory.putFloat(numbers + 8, pair.fromSum(row) - pair.toSum(row));
        double[] sum = new double[1];
        forPieces(pair.vocabulary, (first, count) -> {
            long weights = worker.buffer(FIRST, 4L * count);
            long terms = worker.buffer(SECOND, 4L * count);
            new BinaryPass(Kind.EXPONENTIAL, count, false)
                    .run(worker, pair.from(row, first), numbers, numbers + 4, weights);
            new BinaryPass(Kind.WEIGHTED_DIFFERENCE, count, false).run(worker, pair.from(row, first),
                    pair.to(row, first), numbers + 8, weights, numbers + 4, terms);
            new Reduction(1, count, false).run(worker, terms, numbers + 12);
            sum[0] += Memory.getFloat(numbers + 12);
        });
        return sum[0];
    }

    void klDivergenceFromGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                  INDArray divergence, INDArray outGradient, @Nullable INDArray addend,
                                  INDArray fromGradient) {
        String kernel = "klDivergenceFromGradient";
        Pair pair = new Pair(kernel, from, to, fromLogSumExp, toLogSumExp, outGradient);
        check(kernel, from, divergence);
        Target target = new Target(kernel, from, addend, fromGradient);
        long upstream = address(kernel, outGradient);
        long centres = address(kernel, divergence);
        forRows(from, (worker, row) -> {
            float factor = Memory.getFloat(upstream + 4L * row);
            float centre = Memory.getFloat(centres + 4L * row);
            if (!pair.isFinite(row)) {
                target.fillWithNan(row);
            } else if (pair.vocabulary < SHORT) {
                for (int i = 0; i < pair.vocabulary; i++) {
                    double value = factor * pair.probability(row, i) * (pair.logRatio(row, i) - centre);
                    target.put(row, i, (float) (value + target.added(row, i)));
                }
            } else {
                long numbers = worker.buffer(NUMBERS, NUMBER_BYTES);
                Memory.putFloat(numbers, pair.fromSum(row));
                Memory.putFloat(numbers + 4, 1);
                Memory.putFloat(numbers + 8, pair.fromSum(row) - pair.toSum(row) + centre);
                Memory.putFloat(numbers + 12, factor);
                forPieces(pair.vocabulary, (first, count) -> {
                    long weights = worker.buffer(SECOND, 4L * count);
                    new BinaryPass(Kind.EXPONENTIAL, count, false)
                            .run(worker, pair.from(row, first), numbers, numbers + 4, weights);
                    target.pass(worker, Kind.WEIGHTED_DIFFERENCE, row, first, count, pair.from(row, first),
                            pair.to(row, first), numbers + 8, weights, numbers + 12);
                });
            }
        });
    }

    void klDivergenceToGradient(INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp,
                                INDArray outGradient, @Nullable INDArray addend, INDArray toGradient) {
        String kernel = "klDivergenceToGradient";
        Pair pair = new Pair(kernel, from, to, fromLogSumExp, toLogSumExp, outGradient);
        Target target = new Target(kernel, from, addend, toGradient);
        long upstream = address(kernel, outGradient);
        forRows(from, (worker, row) -> {
            float factor = Memory.getFloat(upstream + 4L * row);
            if (!pair.isFinite(row)) {
                target.fillWithNan(row);
            } else if (pair.vocabulary < SHORT) {
                for (int i = 0; i < pair.vocabulary; i++) {
                    double value = factor * (pair.otherProbability(row, i) - pair.probability(row, i));
                    target.put(row, i, (float) (value + target.added(row, i)));
                }
            } else {
                long numbers = worker.buffer(NUMBERS, NUMBER_BYTES);
                Memory.putFloat(numbers, pair.fromSum(row));
                Memory.putFloat(numbers + 4, -factor);
                Memory.putFloat(numbers + 8, pair.toSum(row));
                Memory.putFloat(numbers + 12, factor);
                forPieces(pair.vocabulary, (first, count) -> {
                    long other = worker.buffer(SECOND, 4L * count);
                    target.passInto(other, worker, Kind.EXPONENTIAL, row, first, count, pair.from(row, first), numbers,
                            numbers + 4);
                    target.passOn(other, worker, row, first, count, pair.to(row, first), numbers + 8, numbers + 12);
                });
            }
        });
    }

    /** Writes {@code factor * softmax + addend} of a row. */
    private static void softmax(Worker worker, long address, float logSumExp, float factor, Target target, int row) {
        if (!Float.isFinite(logSumExp)) {
            target.fillWithNan(row);
            return;
        }
        int vocabulary = target.vocabulary;
        if (vocabulary < SHORT) {
            for (int i = 0; i < vocabulary; i++) {
                double value = factor * Math.exp((double) Memory.getFloat(address + 4L * i) - logSumExp);
                target.put(row, i, (float) (value + target.added(row, i)));
            }
            return;
        }
        long numbers = worker.buffer(NUMBERS, NUMBER_BYTES);
        Memory.putFloat(numbers, logSumExp);
        Memory.putFloat(numbers + 4, factor);
        forPieces(vocabulary, (first, count) -> target.pass(worker, Kind.EXPONENTIAL, row, first, count,
                address + 4L * first, numbers, numbers + 4));
    }

    private static double logSumExp(Worker worker, long address, int vocabulary) {
        if (vocabulary < SHORT) {
            return plainLogSumExp(address, vocabulary);
        }
        long numbers = worker.buffer(NUMBERS, NUMBER_BYTES);
        Memory.putFloat(numbers + 4, 1);
        double[] state = {Double.NEGATIVE_INFINITY, 0};
        forPieces(vocabulary, (first, count) -> {
            long exponentials = worker.buffer(FIRST, 4L * count);
            new Reduction(1, count, true).run(worker, address + 4L * first, numbers);
            new BinaryPass(Kind.EXPONENTIAL, count, false)
                    .run(worker, address + 4L * first, numbers, numbers + 4, exponentials);
            new Reduction(1, count, false).run(worker, exponentials, numbers + 8);
            double max = Math.max(state[0], Memory.getFloat(numbers));
            state[1] = state[1] * Math.exp(state[0] - max)
                    + Memory.getFloat(numbers + 8) * Math.exp(Memory.getFloat(numbers) - max);
            state[0] = max;
        });
        double result = state[0] + Math.log(state[1]);
        return Double.isFinite(result) ? result : plainLogSumExp(address, vocabulary);
    }

    private static double plainLogSumExp(long address, int vocabulary) {
        double max = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < vocabulary; i++) {
            max = Math.max(max, Memory.getFloat(address + 4L * i));
        }
        if (!Double.isFinite(max)) {
            return max;
        }
        double sum = 0;
        for (int i = 0; i < vocabulary; i++) {
            sum += Math.exp(Memory.getFloat(address + 4L * i) - max);
        }
        return max + Math.log(sum);
    }

    private void forRows(INDArray logits, RowTask task) {
        int rows = Math.toIntExact(logits.size(0));
        int perChunk = (int) Math.max(1, CHUNK / Math.max(1, logits.size(1)));
        workers.run((rows + perChunk - 1) / perChunk, (worker, chunk) -> {
            int end = Math.min(rows, (chunk + 1) * perChunk);
            for (int row = chunk * perChunk; row < end; row++) {
                task.run(worker, row);
            }
        });
    }

    /** Cuts a row into pieces of about one size, so that only two sizes are compiled. */
    private static void forPieces(int vocabulary, PieceTask task) {
        int pieces = (vocabulary + PIECE - 1) / PIECE;
        int size = ((vocabulary + pieces - 1) / pieces + 15) / 16 * 16;
        for (int first = 0; first < vocabulary; first += size) {
            task.run(first, Math.min(size, vocabulary - first));
        }
    }

    private static long address(String kernel, INDArray array) {
        return array.isEmpty() ? 0 : Operands.address(kernel, array);
    }

    private static void check(String kernel, INDArray logits, INDArray... perRow) {
        Operands.matrix(kernel, logits);
        Operands.isFloat(kernel, logits);
        for (INDArray array : perRow) {
            Operands.shape(kernel, array, logits, logits.size(0));
            if (array.dataType() != DataType.INT) {
                Operands.isFloat(kernel, array);
            }
        }
        if (logits.size(1) == 0 && logits.size(0) > 0) {
            throw Operands.mismatch(kernel, logits, perRow[0], "the vocabulary must not be empty");
        }
    }

    /** Two distributions of each row. */
    private static final class Pair {
        private final int vocabulary;
        private final long from;
        private final long to;
        private final long fromSums;
        private final long toSums;

        Pair(String kernel, INDArray from, INDArray to, INDArray fromLogSumExp, INDArray toLogSumExp, INDArray perRow) {
            check(kernel, from, fromLogSumExp, toLogSumExp, perRow);
            Operands.isFloat(kernel, to);
            Operands.sameShape(kernel, from, to);
            vocabulary = Math.toIntExact(from.size(1));
            this.from = address(kernel, from);
            this.to = address(kernel, to);
            fromSums = address(kernel, fromLogSumExp);
            toSums = address(kernel, toLogSumExp);
        }

        long from(int row, int index) {
            return from + 4 * ((long) row * vocabulary + index);
        }

        long to(int row, int index) {
            return to + 4 * ((long) row * vocabulary + index);
        }

        float fromSum(int row) {
            return Memory.getFloat(fromSums + 4L * row);
        }

        float toSum(int row) {
            return Memory.getFloat(toSums + 4L * row);
        }

        boolean isFinite(int row) {
            return Float.isFinite(fromSum(row)) && Float.isFinite(toSum(row));
        }

        double probability(int row, int index) {
            return Math.exp((double) Memory.getFloat(from(row, index)) - fromSum(row));
        }

        double otherProbability(int row, int index) {
            return Math.exp((double) Memory.getFloat(to(row, index)) - toSum(row));
        }

        double logRatio(int row, int index) {
            return (double) Memory.getFloat(from(row, index)) - fromSum(row)
                    - Memory.getFloat(to(row, index)) + toSum(row);
        }
    }

    /** The gradient of the logits, and what is added to it. */
    private static final class Target {
        private final int vocabulary;
        private final long out;
        private final long addend;
        private final boolean bfloat16;

        Target(String kernel, INDArray logits, @Nullable INDArray addend, INDArray gradient) {
            bfloat16 = Operands.isBfloat16(kernel, gradient);
            Operands.sameShape(kernel, logits, gradient);
            if (addend != null) {
                Operands.isFloat(kernel, addend);
                Operands.sameShape(kernel, logits, addend);
            }
            vocabulary = Math.toIntExact(logits.size(1));
            out = Distributions.address(kernel, gradient);
            this.addend = addend == null ? 0 : Distributions.address(kernel, addend);
        }

        private long place(int row, int index) {
            return (long) row * vocabulary + index;
        }

        private long target(int row, int index) {
            return out + Lanes.width(bfloat16) * place(row, index);
        }

        float added(int row, int index) {
            return addend == 0 ? 0 : Memory.getFloat(addend + 4 * place(row, index));
        }

        void put(int row, int index, float value) {
            if (bfloat16) {
                Memory.putShort(target(row, index), Lanes.toBfloat16(value));
            } else {
                Memory.putFloat(target(row, index), value);
            }
        }

        void fillWithNan(int row) {
            for (int i = 0; i < vocabulary; i++) {
                put(row, i, Float.NaN);
            }
        }

        /** Runs a pass over a piece of a row, adds the addend, and writes the result. */
        void pass(Worker worker, Kind kind, int row, int first, int count, long... arguments) {
            long place = bfloat16 ? worker.buffer(FIRST, 4L * count) : target(row, first);
            passInto(place, worker, kind, row, first, count, arguments);
            convert(worker, place, row, first, count);
        }

        /** Runs a pass over a piece of a row, adds the addend, and keeps the result as floats at a place. */
        void passInto(long place, Worker worker, Kind kind, int row, int first, int count, long... arguments) {
            run(worker, kind, count, addend == 0 ? 0 : addend + 4 * place(row, first), place, arguments);
        }

        /** Writes the exponentials of a piece of a row, added to the floats at {@code other}. */
        void passOn(long other, Worker worker, int row, int first, int count, long... arguments) {
            long place = bfloat16 ? other : target(row, first);
            run(worker, Kind.EXPONENTIAL, count, other, place, arguments);
            convert(worker, place, row, first, count);
        }

        private static void run(Worker worker, Kind kind, int count, long added, long place, long[] arguments) {
            long[] all = new long[arguments.length + (added == 0 ? 1 : 2)];
            System.arraycopy(arguments, 0, all, 0, arguments.length);
            all[arguments.length] = added;
            all[all.length - 1] = place;
            new BinaryPass(kind, count, added != 0).run(worker, all);
        }

        private void convert(Worker worker, long place, int row, int first, int count) {
            if (bfloat16) {
                new Conversion(count, true).run(worker, place, target(row, first));
            }
        }
    }
}
