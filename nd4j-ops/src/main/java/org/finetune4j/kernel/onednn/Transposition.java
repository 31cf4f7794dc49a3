package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * A row-major FLOAT matrix {@code [rows, columns]} written transposed by one thread.
 *
 * @param toBfloat16 whether to round to BFLOAT16 on the way, to nearest even
 */
record Transposition(int rows, int columns, boolean toBfloat16) {
    /** Writes the matrix at one address transposed to another. */
    void run(Worker worker, long from, long to) {
        if (toBfloat16 && !worker.bfloat16()) {
            long transposed = worker.buffer(Bfloat16.RESULT, 4L * rows * columns);
            new Transposition(rows, columns, false).run(worker, from, transposed);
            Bfloat16.narrow(worker, transposed, to, rows * columns);
            return;
        }
        worker.primitive(this, () -> compile(worker)).execute(from, to);
    }

    private Primitive compile(Worker worker) {
        long[] shape = {columns, rows};
        dnnl_memory_desc source = Primitive.describe(dnnl.dnnl_f32, shape, new long[] {1, columns});
        dnnl_memory_desc target = Primitive.describe(toBfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32, shape,
                new long[] {rows, 1});
        return Primitive.reorder(worker, this, source, target);
    }
}
