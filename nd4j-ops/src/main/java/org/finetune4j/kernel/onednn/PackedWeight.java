package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A copy of a weight {@code [outputs, inputs]} in the layout in which oneDNN multiplies by it from the right, as a matrix
 * {@code [inner, columns]}: blocks of some columns, within each the rows one after another, filled up with zeros; BFLOAT16
 * rows two at a time where the processor multiplies them so, else by themselves, to be multiplied by FLOAT.
 */
final class PackedWeight implements AutoCloseable {
    /** Every so many columns a block begins. */
    static final int COLUMNS = 64;
    private static final int ALIGNMENT = 64;
    private final long source;
    private final Use use;
    private final int columns;
    private final int inner;
    private final Layout layout;
    private final BytePointer memory;
    private final long start;
    private final long bytes;

    /** How the numbers of a block lie. */
    enum Layout {
        FLOATS(false, 16, 64, dnnl.dnnl_BA16a64b), BFLOAT16_PAIRS(true, 32, 64, dnnl.dnnl_BA16a64b2a),
        /** As wide as the two tiles of AMX that are multiplied side by side: a quarter faster there than blocks of 64. */
        BFLOAT16_PAIRS_FOR_AMX(true, 32, 32, dnnl.dnnl_BA16a32b2a), BFLOAT16_ROWS(true, 16, 64, dnnl.dnnl_BA16a64b);

        private final boolean bfloat16;
        private final int multiple;
        private final int width;
        private final int tag;

        Layout(boolean bfloat16, int multiple, int width, int tag) {
            this.bfloat16 = bfloat16;
            this.multiple = multiple;
            this.width = width;
            this.tag = tag;
        }

        /** The layout of copies of a weight on this processor. */
        static Layout of(boolean bfloat16, Workers workers) {
            if (!bfloat16) {
                return FLOATS;
            }
            return workers.amx() ? BFLOAT16_PAIRS_FOR_AMX : workers.bfloat16() ? BFLOAT16_PAIRS : BFLOAT16_ROWS;
        }

        private int blocks(long columns) {
            return Math.toIntExact((columns + width - 1) / width);
        }

        private long blockBytes(long inner) {
            return (inner + multiple - 1) / multiple * multiple * width * Lanes.width(bfloat16);
        }

        /** Bytes of a copy of this size. */
        long bytes(long columns, long inner) {
            return blocks(columns) * blockBytes(inner);
        }

        private dnnl_memory_desc describe(int inner, int columns) {
            dnnl_memory_desc description = new dnnl_memory_desc();
            Primitive.check("packed weight [" + inner + ", " + columns + "]", dnnl.dnnl_memory_desc_create_with_tag(
                    description, 2, new long[] {inner, columns}, Primitive.type(bfloat16), tag));
            return description;
        }
    }

    /** What a weight {@code [outputs, inputs]} is multiplied by. */
    enum Use {
        /** The inputs of a layer, {@code x weight^T}: columns are outputs. */
        FORWARD,
        /** The gradient of its outputs, {@code upstream weight}: columns are inputs. */
        GRADIENT
    }

    private PackedWeight(long source, Use use, int outputs, int inputs, Layout layout) {
        this.source = source;
        this.use = use;
        this.layout = layout;
        columns = use == Use.FORWARD ? outputs : inputs;
        inner = use == Use.FORWARD ? inputs : outputs;
        bytes = layout.bytes(columns, inner);
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
        Layout layout = Layout.of(Operands.isBfloat16("hold", weight), workers);
        if (layout == Layout.BFLOAT16_ROWS && use == Use.GRADIENT) {
            throw new IllegalArgumentException("hold: this processor does not multiply BFLOAT16, and a copy of a weight of "
                    + "that type would not make gradients faster");
        }
        PackedWeight packed = new PackedWeight(Operands.address("hold", weight), use, Math.toIntExact(weight.size(0)),
                Math.toIntExact(weight.size(1)), layout);
        try {
            workers.run(layout.blocks(packed.columns), (worker, block) -> packed.pack(worker, block));
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

    boolean is(int wantedColumns, int wantedInner, boolean bfloat16) {
        return columns == wantedColumns && inner == wantedInner && layout.bfloat16 == bfloat16;
    }

    /**
     * {@code out = alpha x w (+ out)} for the columns from {@code first}, which begins a block, on.
     *
     * @param x      address of rows {@code [rows, inner]} of the weight's type, but of FLOAT for {@link Layout#BFLOAT16_ROWS}
     * @param count  how many columns
     * @param stride elements from one row of {@code out} to the next
     */
    void multiply(Worker worker, long x, int rows, int first, int count, long out, int stride, int outType, float alpha,
                  boolean accumulate) {
        new Product(rows, count, inner, stride, layout, outType, alpha, accumulate)
                .run(worker, x, start + first / layout.width * layout.blockBytes(inner), out);
    }

    private void pack(Worker worker, int block) {
        int first = block * layout.width;
        int count = Math.min(layout.width, columns - first);
        long to = start + block * layout.blockBytes(inner);
        if (use == Use.GRADIENT) {
            new Packing(count, inner, columns, 1, layout)
                    .run(worker, source + (long) first * Lanes.width(layout.bfloat16), to);
            return;
        }
        long from = source + (long) first * inner * Lanes.width(layout.bfloat16);
        if (layout != Layout.BFLOAT16_ROWS) {
            new Packing(count, inner, 1, inner, layout).run(worker, from, to);
            return;
        }
        // oneDNN moves BFLOAT16 a hundred times more slowly than FLOAT here, in which the same blocks are as many numbers.
        long numbers = Bfloat16.widened(worker, Bfloat16.FIRST, from, count, inner, inner);
        int length = Math.toIntExact(layout.blockBytes(inner) / 2);
        long packed = worker.buffer(Bfloat16.RESULT, 4L * length);
        new Packing(count, inner, 1, inner, Layout.FLOATS).run(worker, numbers, packed);
        Bfloat16.narrow(worker, packed, to, length);
    }

    @Override
    public void close() {
        memory.releaseReference();
    }

    private record Packing(int columns, int inner, long innerStride, long columnStride, Layout layout) {
        void run(Worker worker, long from, long to) {
            worker.primitive(this, () -> compile(worker)).execute(from, to);
        }

        private Primitive compile(Worker worker) {
            dnnl_memory_desc source = Primitive.describe(Primitive.type(layout.bfloat16), new long[] {inner, columns},
                    new long[] {innerStride, columnStride});
            return Primitive.reorder(worker, this, source, layout.describe(inner, columns));
        }
    }

    private record Product(int rows, int columns, int inner, int stride, Layout layout, int outType, float alpha,
                           boolean accumulate) {
        void run(Worker worker, long x, long weight, long out) {
            worker.primitive(this, () -> compile(worker)).execute(x, weight, out);
        }

        private Primitive compile(Worker worker) {
            dnnl_memory_desc weight = layout.describe(inner, columns);
            try {
                int type = Primitive.type(layout.bfloat16 && layout != Layout.BFLOAT16_ROWS);
                return new Matmul(rows, columns, inner, inner, 1, 1, inner, stride, type, Primitive.type(layout.bfloat16),
                        outType, alpha, accumulate).compile(worker, weight);
            } finally {
                dnnl.dnnl_memory_desc_destroy(weight);
            }
        }
    }
}
