package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.BytePointer;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A copy of a weight {@code [outputs, inputs]} in the layout in which oneDNN multiplies by its transpose: blocks of
 * {@value #COLUMNS} outputs, within each the inputs one after another (BFLOAT16: two at a time), filled up with zeros.
 * On a processor without instructions for BFLOAT16 the copy is of FLOAT numbers.
 */
final class PackedWeight implements AutoCloseable {
    /** Outputs in a block. */
    static final int COLUMNS = 64;
    private static final int ALIGNMENT = 64;
    /** Inputs are filled up to a multiple of this many words of four bytes. */
    private static final int INPUT_WORDS = 16;
    private final long source;
    private final int outputs;
    private final int inputs;
    private final boolean bfloat16;
    private final boolean widened;
    private final BytePointer memory;
    private final long start;
    private final long bytes;

    private PackedWeight(long source, int outputs, int inputs, boolean bfloat16, boolean widened) {
        this.source = source;
        this.outputs = outputs;
        this.inputs = inputs;
        this.bfloat16 = bfloat16;
        this.widened = widened;
        bytes = bytes(outputs, inputs, bfloat16 && !widened);
        memory = new BytePointer(bytes + ALIGNMENT);
        // Keeps it out of a PointerScope that the caller may have open.
        memory.retainReference();
        start = (memory.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Packs a weight, a block by each thread. */
    static PackedWeight of(INDArray weight, Workers workers) {
        Operands.matrix("hold", weight);
        boolean bfloat16 = Operands.isBfloat16("hold", weight);
        PackedWeight packed = new PackedWeight(Operands.address("hold", weight), Math.toIntExact(weight.size(0)),
                Math.toIntExact(weight.size(1)), bfloat16, bfloat16 && !workers.bfloat16());
        try {
            workers.run((packed.outputs + COLUMNS - 1) / COLUMNS, (worker, block) -> packed.pack(worker, block));
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

    boolean is(int wantedOutputs, int wantedInputs, boolean wantedBfloat16) {
        return outputs == wantedOutputs && inputs == wantedInputs && bfloat16 == wantedBfloat16;
    }

    /**
     * {@code out = alpha x w^T (+ out)} for the outputs from {@code first}, which begins a block, on.
     *
     * @param x      address of rows {@code [rows, inputs]}
     * @param stride elements from one row of {@code out} to the next
     */
    void multiply(Worker worker, long x, int rows, int first, int columns, long out, int stride, int outType, float alpha,
                  boolean accumulate) {
        long block = start + first / COLUMNS * blockBytes();
        if (!widened) {
            new Product(rows, columns, inputs, stride, bfloat16, outType, alpha, accumulate).run(worker, x, block, out);
            return;
        }
        long rowsOfFloats = Bfloat16.widened(worker, Bfloat16.FIRST, x, rows, inputs, inputs);
        if (outType == dnnl.dnnl_f32) {
            new Product(rows, columns, inputs, stride, false, outType, alpha, accumulate)
                    .run(worker, rowsOfFloats, block, out);
            return;
        }
        long result = Bfloat16.result(worker, out, rows, columns, stride, accumulate);
        new Product(rows, columns, inputs, columns, false, dnnl.dnnl_f32, alpha, accumulate)
                .run(worker, rowsOfFloats, block, result);
        Bfloat16.narrow(worker, result, rows, columns, out, stride);
    }

    private void pack(Worker worker, int block) {
        int columns = Math.min(COLUMNS, outputs - block * COLUMNS);
        long from = source + (long) block * COLUMNS * inputs * Lanes.width(bfloat16);
        long numbers = widened ? Bfloat16.widened(worker, Bfloat16.FIRST, from, columns, inputs, inputs) : from;
        new Packing(columns, inputs, bfloat16 && !widened).run(worker, numbers, start + block * blockBytes());
    }

    private long blockBytes() {
        return blockBytes(inputs, bfloat16 && !widened);
    }

    private static long blockBytes(long inputs, boolean bfloat16) {
        int width = Lanes.width(bfloat16);
        int multiple = INPUT_WORDS * 4 / width;
        return (inputs + multiple - 1) / multiple * multiple * COLUMNS * width;
    }

    /** Bytes of the copy of a weight of this size, of BFLOAT16 or of FLOAT numbers. */
    static long bytes(long outputs, long inputs, boolean bfloat16) {
        return (outputs + COLUMNS - 1) / COLUMNS * blockBytes(inputs, bfloat16);
    }

    @Override
    public void close() {
        memory.releaseReference();
    }

    private static dnnl_memory_desc describe(int inputs, int columns, boolean bfloat16) {
        dnnl_memory_desc description = new dnnl_memory_desc();
        Primitive.check("packed weight [" + columns + ", " + inputs + "]", dnnl.dnnl_memory_desc_create_with_tag(description, 2,
                new long[] {inputs, columns}, Primitive.type(bfloat16),
                bfloat16 ? dnnl.dnnl_BA16a64b2a : dnnl.dnnl_BA16a64b));
        return description;
    }

    private record Packing(int columns, int inputs, boolean bfloat16) {
        void run(Worker worker, long from, long to) {
            worker.primitive(this, () -> compile(worker)).execute(from, to);
        }

        private Primitive compile(Worker worker) {
            dnnl_memory_desc source = Primitive.describe(Primitive.type(bfloat16), new long[] {inputs, columns},
                    new long[] {1, inputs});
            dnnl_memory_desc target = describe(inputs, columns, bfloat16);
            return Primitive.reorder(worker, this, source, target);
        }
    }

    private record Product(int rows, int columns, int inputs, int stride, boolean bfloat16, int outType, float alpha,
                           boolean accumulate) {
        void run(Worker worker, long x, long weight, long out) {
            worker.primitive(this, () -> compile(worker)).execute(x, weight, out);
        }

        private Primitive compile(Worker worker) {
            dnnl_memory_desc weight = describe(inputs, columns, bfloat16);
            try {
                return new Matmul(rows, columns, inputs, inputs, 1, 1, inputs, stride, Primitive.type(bfloat16), outType,
                        alpha, accumulate).compile(worker, weight);
            } finally {
                dnnl.dnnl_memory_desc_destroy(weight);
            }
        }
    }
}
