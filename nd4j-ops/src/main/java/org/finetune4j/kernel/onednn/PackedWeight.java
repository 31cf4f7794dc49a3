package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A copy of a weight {@code [outputs, inputs]} in the layout in which oneDNN multiplies by it from the right, as a matrix
 * {@code [inner, columns]}: blocks of {@value #COLUMNS} columns, within each the rows one after another (BFLOAT16: two at a
 * time), filled up with zeros. On a processor without instructions for BFLOAT16 the copy is of FLOAT numbers.
 */
final class PackedWeight implements AutoCloseable {
    /** Columns in a block. */
    static final int COLUMNS = 64;
    private static final int ALIGNMENT = 64;
    /** Rows are filled up to a multiple of this many words of four bytes. */
    private static final int INNER_WORDS = 16;
    private final long source;
    private final Use use;
    private final int columns;
    private final int inner;
    private final boolean bfloat16;
    private final boolean widened;
    private final BytePointer memory;
    private final long start;
    private final long bytes;

    /** What a weight {@code [outputs, inputs]} is multiplied by. */
    enum Use {
        /** The inputs of a layer, {@code x weight^T}: columns are outputs. */
        FORWARD,
        /** The gradient of its outputs, {@code upstream weight}: columns are inputs. */
        GRADIENT
    }

    private PackedWeight(long source, Use use, int outputs, int inputs, boolean bfloat16, boolean widened) {
        this.source = source;
        this.use = use;
        columns = use == Use.FORWARD ? outputs : inputs;
        inner = use == Use.FORWARD ? inputs : outputs;
        this.bfloat16 = bfloat16;
        this.widened = widened;
        bytes = bytes(columns, inner, bfloat16 && !widened);
        memory = new BytePointer(bytes + ALIGNMENT);
        // Keeps it out of a PointerScope that the caller may have open.
        memory.retainReference();
        start = (memory.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /**
     * Packs a weight, a block by each thread.
     *
     * @throws IllegalArgumentException for the gradient's use on a processor that does not multiply the weight's type
     */
    static PackedWeight of(INDArray weight, Use use, Workers workers) {
        Operands.matrix("hold", weight);
        boolean bfloat16 = Operands.isBfloat16("hold", weight);
        boolean widened = bfloat16 && !workers.bfloat16();
        if (widened && use == Use.GRADIENT) {
            throw new IllegalArgumentException("hold: this processor does not multiply BFLOAT16, so that no copy of a weight "
                    + "of that type serves gradients");
        }
        PackedWeight packed = new PackedWeight(Operands.address("hold", weight), use, Math.toIntExact(weight.size(0)),
                Math.toIntExact(weight.size(1)), bfloat16, widened);
        try {
            workers.run((packed.columns + COLUMNS - 1) / COLUMNS, (worker, block) -> packed.pack(worker, block));
            return packed;
        } catch (RuntimeException | Error e) {
            packed.close();
            throw e;
        }
    }

    /** Address of the weight that this is a copy of. */
    long source() {
        return source;
    }

    long bytes() {
        return bytes;
    }

    boolean is(int wantedColumns, int wantedInner, boolean wantedBfloat16) {
        return columns == wantedColumns && inner == wantedInner && bfloat16 == wantedBfloat16;
    }

    /**
     * {@code out = alpha x w (+ out)} for the columns from {@code first}, which begins a block, on.
     *
     * @param x      address of rows {@code [rows, inner]}
     * @param count  how many columns
     * @param stride elements from one row of {@code out} to the next
     */
    void multiply(Worker worker, long x, int rows, int first, int count, long out, int stride, int outType, float alpha,
                  boolean accumulate) {
        long block = start + first / COLUMNS * blockBytes();
        if (!widened) {
            new Product(rows, count, inner, stride, bfloat16, outType, alpha, accumulate).run(worker, x, block, out);
            return;
        }
        long rowsOfFloats = Bfloat16.widened(worker, Bfloat16.FIRST, x, rows, inner, inner);
        if (outType == dnnl.dnnl_f32) {
            new Product(rows, count, inner, stride, false, outType, alpha, accumulate)
                    .run(worker, rowsOfFloats, block, out);
            return;
        }
        long result = Bfloat16.result(worker, out, rows, count, stride, accumulate);
        new Product(rows, count, inner, count, false, dnnl.dnnl_f32, alpha, accumulate)
                .run(worker, rowsOfFloats, block, result);
        Bfloat16.narrow(worker, result, rows, count, out, stride);
    }

    private void pack(Worker worker, int block) {
        int first = block * COLUMNS;
        int count = Math.min(COLUMNS, columns - first);
        int width = Lanes.width(bfloat16);
        long to = start + block * blockBytes();
        if (use == Use.GRADIENT) {
            new Packing(count, inner, columns, 1, bfloat16).run(worker, source + (long) first * width, to);
            return;
        }
        long from = source + (long) first * inner * width;
        long numbers = widened ? Bfloat16.widened(worker, Bfloat16.FIRST, from, count, inner, inner) : from;
        new Packing(count, inner, 1, inner, bfloat16 && !widened).run(worker, numbers, to);
    }

    private long blockBytes() {
        return blockBytes(inner, bfloat16 && !widened);
    }

    private static long blockBytes(long inner, boolean bfloat16) {
        int width = Lanes.width(bfloat16);
        int multiple = INNER_WORDS * 4 / width;
        return (inner + multiple - 1) / multiple * multiple * COLUMNS * width;
    }

    /** Bytes of a copy of this size, of BFLOAT16 or of FLOAT numbers. */
    static long bytes(long columns, long inner, boolean bfloat16) {
        return (columns + COLUMNS - 1) / COLUMNS * blockBytes(inner, bfloat16);
    }

    @Override
    public void close() {
        memory.releaseReference();
    }

    private static dnnl_memory_desc describe(int inner, int columns, boolean bfloat16) {
        dnnl_memory_desc description = new dnnl_memory_desc();
        Primitive.check("packed weight [" + inner + ", " + columns + "]", dnnl.dnnl_memory_desc_create_with_tag(description, 2,
                new long[] {inner, columns}, Primitive.type(bfloat16),
                bfloat16 ? dnnl.dnnl_BA16a64b2a : dnnl.dnnl_BA16a64b));
        return description;
    }

    private record Packing(int columns, int inner, long innerStride, long columnStride, boolean bfloat16) {
        void run(Worker worker, long from, long to) {
            worker.primitive(this, () -> compile(worker)).execute(from, to);
        }

        private Primitive compile(Worker worker) {
            dnnl_memory_desc source = Primitive.describe(Primitive.type(bfloat16), new long[] {inner, columns},
                    new long[] {innerStride, columnStride});
            dnnl_memory_desc target = describe(inner, columns, bfloat16);
            return Primitive.reorder(worker, this, source, target);
        }
    }

    private record Product(int rows, int columns, int inner, int stride, boolean bfloat16, int outType, float alpha,
                           boolean accumulate) {
        void run(Worker worker, long x, long weight, long out) {
            worker.primitive(this, () -> compile(worker)).execute(x, weight, out);
        }

        private Primitive compile(Worker worker) {
            dnnl_memory_desc weight = describe(inner, columns, bfloat16);
            try {
                return new Matmul(rows, columns, inner, inner, 1, 1, inner, stride, Primitive.type(bfloat16), outType,
                        alpha, accumulate).compile(worker, weight);
            } finally {
                dnnl.dnnl_memory_desc_destroy(weight);
            }
        }
    }
}
