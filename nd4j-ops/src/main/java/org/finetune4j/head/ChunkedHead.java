package org.finetune4j.head;

import java.util.List;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Memory;
import org.finetune4j.kernel.Kernels;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Runs a token loss over supervised tokens chunk by chunk, and owns the memory of one chunk.
 *
 * <p>The last chunk is filled up to a multiple of {@value #ROW_MULTIPLE} rows with tokens of weight zero, so that only
 * few different shapes occur; every other chunk is read and written where its tokens lie.
 */
public final class ChunkedHead implements AutoCloseable {
    private static final int ROW_MULTIPLE = 16;
    private static final int LEAST_ROWS = 256;
    private static final int MOST_ROWS = 1024;
    private static final long CHUNK_BYTES = 48L << 20;

    private final TokenLossProgram program;
    private final LogitScaling scaling;
    private final DataType lossType;
    private final int rowsPerChunk;
    private final Memory memory = new Memory();

    /**
     * A head for this token loss.
     *
     * @param lossType     type of logits and token losses: FLOAT, or DOUBLE in gradient checks
     * @param hiddenType   type of hidden states, in which the logits' gradient is multiplied: {@code lossType} or
     *                     BFLOAT16
     * @param rowsPerChunk tokens whose logits exist at a time, a multiple of {@value #ROW_MULTIPLE}
     * @param scaling      what the family does to its logits, those of the reference too
     */
    public ChunkedHead(TokenLoss tokenLoss, DataType lossType, DataType hiddenType, int rowsPerChunk,
                       LogitScaling scaling, Kernels kernels) {
        if (rowsPerChunk < ROW_MULTIPLE || rowsPerChunk % ROW_MULTIPLE != 0) {
            throw new IllegalArgumentException("rows per chunk must be a positive multiple of " + ROW_MULTIPLE);
        }
        this.program = new TokenLossProgram(tokenLoss, lossType, hiddenType, kernels);
        this.scaling = scaling;
        this.lossType = lossType;
        this.rowsPerChunk = rowsPerChunk;
    }

    /**
     * Rows per chunk such that its logits take about 48 MiB, within bounds that keep matrix products efficient: every
     * chunk reads the head's whole weight, which for 128 rows takes a tenth longer than for 256.
     */
    public static int rowsFor(long vocabulary) {
        long rows = CHUNK_BYTES / (vocabulary * Float.BYTES) / ROW_MULTIPLE * ROW_MULTIPLE;
        return (int) Math.min(MOST_ROWS, Math.max(LEAST_ROWS, rows));
    }

    /** Names of the per-token values. */
    public List<String> valueNames() {
        return program.valueNames();
    }

    /** Bytes of native memory held for one chunk. */
    public long bytes() {
        return memory.bytes() + program.arenaBytes();
    }

    /**
     * The most that {@link #bytes()} comes to with so many supervised tokens, found without allocating it.
     *
     * @param hidden width of hidden states
     * @param type   their type
     */
    public long mostBytes(long supervised, long hidden, long vocabulary, DataType type) {
        long chunks = (supervised + rowsPerChunk - 1) / rowsPerChunk;
        long rows = ((supervised + chunks - 1) / chunks + ROW_MULTIPLE - 1) / ROW_MULTIPLE * ROW_MULTIPLE;
        int models = program.needsReference() ? 2 : 1;
        long logits = models * rows * vocabulary * lossType.width();
        long states = (models + 1) * rows * hidden * type.width();
        long labelsAndWeights = rows * (DataType.INT.width() + lossType.width());
        return program.mostBytes(rows, vocabulary) + logits + states + labelsAndWeights;
    }

    void run(Kernels kernels, INDArray hidden, INDArray weight, INDArray labels, INDArray weights,
             @Nullable INDArray referenceHidden, @Nullable INDArray referenceWeight, double upstream, INDArray loss,
             INDArray values, @Nullable INDArray hiddenGradient, @Nullable INDArray weightGradient,
             boolean accumulateWeight) {
        int supervised = (int) labels.length();
        int chunks = (supervised + rowsPerChunk - 1) / rowsPerChunk;
        int chunkRows = multiple((supervised + chunks - 1) / chunks);
        boolean withGradient = hiddenGradient != null || weightGradient != null;
        double total = 0;
        for (int begin = 0; begin < supervised; begin += chunkRows) {
            int rows = Math.min(chunkRows, supervised - begin);
            INDArray chunkLabels = part(labels, begin, rows, "labels");
            INDArray chunkWeights = part(weights, begin, rows, "weights");
            if (upstream != 1) {
                INDArray scaled = memory.array("scaled weights", lossType, chunkWeights.length());
                kernels.scale(chunkWeights, upstream, scaled);
                chunkWeights = scaled;
            }
            INDArray chunkHidden = part(hidden, begin, rows, "hidden");
            INDArray logits = project(kernels, chunkHidden, weight, "logits");
            INDArray reference = referenceHidden == null || referenceWeight == null ? null
                    : project(kernels, part(referenceHidden, begin, rows, "reference hidden"), referenceWeight,
                            "reference logits");
            TokenLossProgram.Result result = program.run(logits, chunkLabels, chunkWeights, reference, withGradient);
            for (int v = 0; v < result.values().size(); v++) {
                INDArray row = result.values().get(v);
                long target = Memory.address(values)
                        + (v * (long) supervised + begin) * lossType.width();
                Memory.copy(Memory.address(row), target, (long) rows * lossType.width());
            }
            INDArray tokenLosses = result.values().get(0);
            for (int r = 0; r < rows; r++) {
                total += weights.getDouble(begin + r) * tokenLosses.getDouble(r);
            }
            INDArray logitsGradient = result.logitsGradient();
            if (logitsGradient != null) {
                clearPadding(logitsGradient, rows);
                if (scaling.cap() != null) {
                    kernels.softCapGradient(logits, scaling.cap(), logitsGradient, logitsGradient);
                }
                push(kernels, logitsGradient, chunkHidden, weight, begin, rows, hiddenGradient, weightGradient,
                        accumulateWeight || begin > 0);
            }
        }
        loss.putScalar(0, total);
    }

    private INDArray project(Kernels kernels, INDArray chunkHidden, INDArray weight, String name) {
        INDArray logits = memory.array(name, lossType, chunkHidden.size(0), weight.size(0));
        kernels.matmul(chunkHidden, false, weight, true, logits, scaling.factor(), false);
        if (scaling.cap() != null) {
            kernels.softCap(logits, scaling.cap(), logits);
        }
        return logits;
    }

    private void push(Kernels kernels, INDArray gradient, INDArray chunkHidden, INDArray weight, int begin, int rows,
                      @Nullable INDArray hiddenGradient, @Nullable INDArray weightGradient,
                      boolean accumulateWeight) {
        if (hiddenGradient != null) {
            boolean whole = chunkHidden.size(0) == rows;
            INDArray chunk = whole ? rows(hiddenGradient, begin, rows)
                    : memory.array("hidden gradient", chunkHidden.dataType(), chunkHidden.shape());
            kernels.matmul(gradient, false, weight, false, chunk, scaling.factor(), false);
            if (!whole) {
                Memory.copy(Memory.address(chunk), Memory.address(rows(hiddenGradient, begin, rows)),
                        rows * rowBytes(hiddenGradient));
            }
        }
        if (weightGradient != null) {
            kernels.matmul(gradient, true, chunkHidden, false, weightGradient, scaling.factor(), accumulateWeight);
        }
    }

    /** A loss may be singular where a padding row stands, and zero times infinity would spoil the head's gradient. */
    private static void clearPadding(INDArray logitsGradient, int rows) {
        long rowBytes = rowBytes(logitsGradient);
        Memory.zero(Memory.address(logitsGradient) + rows * rowBytes, (logitsGradient.size(0) - rows) * rowBytes);
    }

    /** Rows {@code begin..begin+rows} in place, or where they are no multiple, a copy filled up with zeros. */
    private INDArray part(INDArray from, int begin, int rows, String name) {
        INDArray part = rows(from, begin, rows);
        int padded = multiple(rows);
        if (padded == rows) {
            return part;
        }
        long[] shape = from.shape().clone();
        shape[0] = padded;
        INDArray chunk = memory.array(name, from.dataType(), shape);
        long bytes = rows * rowBytes(from);
        Memory.copy(Memory.address(part), Memory.address(chunk), bytes);
        Memory.zero(Memory.address(chunk) + bytes, (padded - rows) * rowBytes(from));
        return chunk;
    }

    private static int multiple(int rows) {
        return (rows + ROW_MULTIPLE - 1) / ROW_MULTIPLE * ROW_MULTIPLE;
    }

    private static INDArray rows(INDArray array, int begin, int rows) {
        long[] shape = array.shape().clone();
        shape[0] = rows;
        return Arena.arrayAt(Memory.address(array) + begin * rowBytes(array), array.dataType(), shape);
    }

    private static long rowBytes(INDArray array) {
        return (array.rank() == 1 ? 1 : array.size(1)) * array.dataType().width();
    }

    @Override
    public void close() {
        memory.close();
        program.close();
    }
}
