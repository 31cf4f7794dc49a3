package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * A conversion between FLOAT and BFLOAT16 by one thread, rounding to nearest even.
 *
 * @param count      contiguous elements
 * @param toBfloat16 whether from FLOAT to BFLOAT16, else the other way
 */
record Conversion(int count, boolean toBfloat16) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_FROM, dnnl.DNNL_ARG_TO};

    /** Converts the elements at one address to another. */
    void run(Worker worker, long from, long to) {
        worker.primitive(this, () -> compile(worker)).execute(from, to);
    }

    private Primitive compile(Worker worker) {
        long[] shape = {count};
        long[] strides = {1};
        dnnl_memory_desc source = Primitive.describe(toBfloat16 ? dnnl.dnnl_f32 : dnnl.dnnl_bf16, shape, strides);
        dnnl_memory_desc target = Primitive.describe(toBfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32, shape, strides);
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("conversion " + this, dnnl.dnnl_reorder_primitive_desc_create(description, source, worker.engine(),
                    target, worker.engine(), attributes));
            return new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {source, target});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(source);
            dnnl.dnnl_memory_desc_destroy(target);
        }
    }
}
