package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * A row-major FLOAT matrix {@code [rows, columns]} written transposed by one thread.
 *
 * @param toBfloat16 whether to round to BFLOAT16 on the way, to nearest even
 */
record Transposition(int rows, int columns, boolean toBfloat16) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_FROM, dnnl.DNNL_ARG_TO};

    /** Writes the matrix at one address transposed to another. */
    void run(Worker worker, long from, long to) {
        worker.primitive(this, () -> compile(worker)).execute(from, to);
    }

    private Primitive compile(Worker worker) {
        long[] shape = {columns, rows};
        dnnl_memory_desc source = Primitive.describe(dnnl.dnnl_f32, shape, new long[] {1, columns});
        dnnl_memory_desc target = Primitive.describe(toBfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32, shape,
                new long[] {rows, 1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("transposition " + this, dnnl.dnnl_reorder_primitive_desc_create(description, source,
                    worker.engine(), target, worker.engine(), attributes));
            return new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {source, target});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(source);
            dnnl.dnnl_memory_desc_destroy(target);
        }
    }
}
