package org.finetune4j.head;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Memory;
import org.finetune4j.kernel.Kernels;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

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
    private final LogitScaling referenceScaling;
    private final DataType lossType;
    private final int rowsPerChunk;
    private final @Nullable SequenceLoss sequenceLoss;
    private final Memory memory = new Memory();
    private BatchExtras extras = BatchExtras.NONE;
    private int[] sequencesOfRows = new int[0];
    private int[] samplesOfRows = new int[0];
    private int[] positionsOfRows = new int[0];
    private SampleLosses sampleLosses = SampleLosses.NONE;

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
        this(tokenLoss, lossType, hiddenType, rowsPerChunk, scaling, scaling, kernels);
    }

    /** As the other constructor, with a reference of another family, which does {@code referenceScaling} to its logits. */
    public ChunkedHead(TokenLoss tokenLoss, DataType lossType, DataType hiddenType, int rowsPerChunk,
                       LogitScaling scaling, LogitScaling referenceScaling, Kernels kernels) {
        if (rowsPerChunk < ROW_MULTIPLE || rowsPerChunk % ROW_MULTIPLE != 0) {
            throw new IllegalArgumentException("rows per chunk must be a positive multiple of " + ROW_MULTIPLE);
        }
        this.program = new TokenLossProgram(tokenLoss, lossType, hiddenType, kernels);
        this.sequenceLoss = tokenLoss.sequenceLoss();
        this.scaling = scaling;
        this.referenceScaling = referenceScaling;
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

    /**
     * Tells what the next passes are about.
     *
     * @param next      what the token loss wants beside the logits
     * @param sequences the sequence of each supervised token {@code [supervised]}, ascending
     * @throws FinetuneException when it lacks a column or keys that the token loss asks for
     */
    public void begin(BatchExtras next, int[] sequences, int[] positions) {
        for (String column : program.columns()) {
            if (!next.columns().containsKey(column)) {
                throw new FinetuneException("the objective needs a number '" + column + "' for every supervised token, "
                        + "and the batch has only " + next.columns().keySet() + ".");
            }
        }
        if (program.drawsTokens() && next.keys() == null) {
            throw new FinetuneException("the objective draws tokens, for which the batch brings no keys.");
        }
        extras = next;
        sequencesOfRows = sequences;
        samplesOfRows = next.samples(sequences);
        positionsOfRows = positions;
        sampleLosses = SampleLosses.NONE;
    }

    /** What the sequence loss made of the last pass; {@link SampleLosses#NONE} where there is none. */
    public SampleLosses sampleLosses() {
        return sampleLosses;
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
     * @param hidden          width of hidden states
     * @param referenceHidden width of those of the reference, where there is one
     * @param type            their type
     */
    public long mostBytes(long supervised, long hidden, long referenceHidden, long vocabulary, DataType type) {
        long chunks = (supervised + rowsPerChunk - 1) / rowsPerChunk;
        long rows = ((supervised + chunks - 1) / chunks + ROW_MULTIPLE - 1) / ROW_MULTIPLE * ROW_MULTIPLE;
        boolean reference = program.needsReference();
        long logits = (reference ? 2 : 1) * rows * vocabulary * lossType.width();
        long states = (2 * hidden + (reference ? referenceHidden : 0)) * rows * type.width();
        long labelsAndWeights = rows * (DataType.INT.width() + lossType.width());
        return program.mostBytes(rows, vocabulary) + logits + states + labelsAndWeights;
    }

    void run(Kernels kernels, INDArray hidden, INDArray weight, INDArray labels, INDArray weights,
             @Nullable INDArray referenceHidden, @Nullable INDArray referenceWeight, double upstream, INDArray loss,
             INDArray values, @Nullable INDArray hiddenGradient, @Nullable INDArray weightGradient,
             boolean accumulateWeight) {
        boolean withGradient = hiddenGradient != null || weightGradient != null;
        Pass pass = new Pass(kernels, hidden, weight, labels, referenceHidden, referenceWeight, values, hiddenGradient,
                weightGradient, accumulateWeight);
        if (sequenceLoss == null) {
            loss.putScalar(0, pass.run(weights, upstream, withGradient));
            return;
        }
        // The weight of a token depends on the losses of others, so that all of them come first.
        pass.run(weights, upstream, false);
        sampleLosses = SampleLosses.of(sequenceLoss, extras, sequencesOfRows, values.getRow(0).toDoubleVector(),
                weights.toDoubleVector(), withGradient);
        loss.putScalar(0, sampleLosses.total());
        if (withGradient) {
            pass.run(Nd4j.createFromArray(sampleLosses.gradients()).castTo(lossType), upstream, true);
        }
    }

    /** What one call of {@link #run} reads and writes. */
    private final class Pass {
        private final Kernels kernels;
        private final INDArray hidden;
        private final INDArray weight;
        private final INDArray labels;
        private final @Nullable INDArray referenceHidden;
        private final @Nullable INDArray referenceWeight;
        private final INDArray values;
        private final @Nullable INDArray hiddenGradient;
        private final @Nullable INDArray weightGradient;
        private final boolean accumulateWeight;

        Pass(Kernels kernels, INDArray hidden, INDArray weight, INDArray labels, @Nullable INDArray referenceHidden,
             @Nullable INDArray referenceWeight, INDArray values, @Nullable INDArray hiddenGradient,
             @Nullable INDArray weightGradient, boolean accumulateWeight) {
            this.kernels = kernels;
            this.hidden = hidden;
            this.weight = weight;
            this.labels = labels;
            this.referenceHidden = referenceHidden;
            this.referenceWeight = referenceWeight;
            this.values = values;
            this.hiddenGradient = hiddenGradient;
            this.weightGradient = weightGradient;
            this.accumulateWeight = accumulateWeight;
        }

        /** Goes through all chunks, and returns the sum of the weighted token losses. */
        double run(INDArray weights, double upstream, boolean withGradient) {
            int supervised = (int) labels.length();
            int chunks = (supervised + rowsPerChunk - 1) / rowsPerChunk;
            int chunkRows = multiple((supervised + chunks - 1) / chunks);
            double total = 0;
            for (int begin = 0; begin < supervised; begin += chunkRows) {
                int rows = Math.min(chunkRows, supervised - begin);
                INDArray chunkWeights = part(weights, begin, rows, "weights");
                if (upstream != 1) {
                    INDArray scaled = memory.array("scaled weights", lossType, chunkWeights.length());
                    kernels.scale(chunkWeights, upstream, scaled);
                    chunkWeights = scaled;
                }
                INDArray chunkHidden = part(hidden, begin, rows, "hidden");
                INDArray logits = project(kernels, chunkHidden, weight, scaling, "logits");
                INDArray reference = referenceHidden == null || referenceWeight == null ? null
                        : project(kernels, part(referenceHidden, begin, rows, "reference hidden"), referenceWeight,
                                referenceScaling, "reference logits");
                TokenLossProgram.Result result = program.run(logits, part(labels, begin, rows, "labels"), chunkWeights,
                        reference, beside(begin, rows), withGradient);
                for (int v = 0; v < result.values().size(); v++) {
                    INDArray row = result.values().get(v);
                    long target = Memory.address(values) + (v * (long) supervised + begin) * lossType.width();
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
            return total;
        }
    }

    private Map<String, INDArray> columns(int begin, int rows) {
        Map<String, INDArray> columns = new LinkedHashMap<>();
        for (String name : program.columns()) {
            float[] values = extras.columns().get(name);
            columns.put(name, Nd4j.createFromArray(Arrays.copyOf(Arrays.copyOfRange(values, begin, begin + rows),
                    multiple(rows))).castTo(lossType));
        }
        return columns;
    }

    private TokenLossProgram.Beside beside(int begin, int rows) {
        int[] keys = extras.keys();
        TokenLossProgram.Beside beside = TokenLossProgram.Beside.of(columns(begin, rows),
                keys == null || !program.drawsTokens() ? null : part(keys, begin, rows));
        // A caller that tells of no batch has none of these either.
        return positionsOfRows.length < begin + rows ? beside
                : beside.at(part(positionsOfRows, begin, rows), part(samplesOfRows, begin, rows));
    }

    private static INDArray part(int[] values, int begin, int rows) {
        return Nd4j.createFromArray(Arrays.copyOf(Arrays.copyOfRange(values, begin, begin + rows), multiple(rows)));
    }

    private INDArray project(Kernels kernels, INDArray chunkHidden, INDArray weight, LogitScaling own, String name) {
        INDArray logits = memory.array(name, lossType, chunkHidden.size(0), weight.size(0));
        kernels.matmul(chunkHidden, false, weight, true, logits, own.factor(), false);
        if (own.cap() != null) {
            kernels.softCap(logits, own.cap(), logits);
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
