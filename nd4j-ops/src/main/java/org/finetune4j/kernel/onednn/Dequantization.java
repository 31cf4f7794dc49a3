package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * Turns a part of a matrix of signed bytes into a dense matrix of numbers, {@code out[r, c] = scales[r] * bytes[r, c]},
 * by one thread.
 *
 * @param rows      rows of the part
 * @param columns   columns of the part
 * @param rowBytes  bytes from one row of the whole matrix to the next
 * @param type      oneDNN's type of the numbers
 */
record Dequantization(int rows, int columns, long rowBytes, int type) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_FROM, dnnl.DNNL_ARG_TO,
        dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_FROM};
    private static final int EACH_ROW = 1;

    void run(Worker worker, long bytes, long scales, long out) {
        worker.primitive(this, () -> compile(worker)).execute(bytes, out, scales);
    }

    private Primitive compile(Worker worker) {
        long[] shape = {rows, columns};
        dnnl_memory_desc source = Primitive.describe(dnnl.dnnl_s8, shape, new long[] {rowBytes, 1});
        dnnl_memory_desc target = Primitive.describe(type, shape, new long[] {columns, 1});
        dnnl_memory_desc factors = Primitive.describe(dnnl.dnnl_f32, new long[] {rows}, new long[] {1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("scales of rows",
                    dnnl.dnnl_primitive_attr_set_scales_mask(attributes, dnnl.DNNL_ARG_FROM, EACH_ROW));
            Primitive.check("dequantisation " + this, dnnl.dnnl_reorder_primitive_desc_create(description, source,
                    worker.engine(), target, worker.engine(), attributes));
            return new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {source, target, factors});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(source);
            dnnl.dnnl_memory_desc_destroy(target);
            dnnl.dnnl_memory_desc_destroy(factors);
        }
    }
}
