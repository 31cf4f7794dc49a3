package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * A conversion between FLOAT and BFLOAT16 by one thread, rounding to nearest even.
 *
 * @param count      contiguous elements
 * @param toBfloat16 whether from FLOAT to BFLOAT16, else the other way
 */
record Conversion(int count, boolean toBfloat16) {
    /** Converts the elements at one address to another. */
    void run(Worker worker, long from, long to) {
        if (worker.bfloat16()) {
            worker.primitive(this, () -> compile(worker)).execute(from, to);
        } else if (toBfloat16) {
            Bfloat16.narrow(worker, from, to, count);
        } else {
            Bfloat16.widen(from, to, count);
        }
    }

    /** The address of elements as FLOAT: their own, or that of a copy in a worker's buffer. */
    static long floats(Worker worker, int slot, boolean bfloat16, long address, int count) {
        if (!bfloat16) {
            return address;
        }
        long copy = worker.buffer(slot, 4L * count);
        new Conversion(count, false).run(worker, address, copy);
        return copy;
    }

    /** Writes FLOAT elements to BFLOAT16 ones; where those wanted are FLOAT they lie there already. */
    static void narrow(Worker worker, boolean bfloat16, int count, long from, long to) {
        if (bfloat16) {
            new Conversion(count, true).run(worker, from, to);
        }
    }

    /** Whether BFLOAT16 elements are computed as {@link #floats}, for lack of instructions that take them as they lie. */
    static boolean isWidened(Worker worker, boolean bfloat16) {
        return bfloat16 && !worker.bfloat16();
    }

    private Primitive compile(Worker worker) {
        long[] shape = {count};
        long[] strides = {1};
        dnnl_memory_desc source = Primitive.describe(toBfloat16 ? dnnl.dnnl_f32 : dnnl.dnnl_bf16, shape, strides);
        dnnl_memory_desc target = Primitive.describe(toBfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32, shape, strides);
        return Primitive.reorder(worker, this, source, target);
    }
}
