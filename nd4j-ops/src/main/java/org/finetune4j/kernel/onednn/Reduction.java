package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * The sum or the largest of each row of contiguous FLOAT elements, by one thread. The largest may pass over a NaN, a
 * sum never does.
 *
 * @param rows    rows, one result each
 * @param count   elements of a row, at least 2
 * @param largest whether the largest is wanted, else the sum
 */
record Reduction(int rows, int count, boolean largest) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_DST};

    /** Reduces the rows at one address to the numbers at another. */
    void run(Worker worker, long from, long to) {
        worker.primitive(this, () -> compile(worker)).execute(from, to);
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc source = Primitive.describe(dnnl.dnnl_f32, new long[] {rows, count}, new long[] {count, 1});
        dnnl_memory_desc target = Primitive.describe(dnnl.dnnl_f32, new long[] {rows, 1}, new long[] {1, 1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("reduction " + this, dnnl.dnnl_reduction_primitive_desc_create(description, worker.engine(),
                    largest ? dnnl.dnnl_reduction_max : dnnl.dnnl_reduction_sum, source, target, 0, 0, attributes));
            return new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {source, target});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(source);
            dnnl.dnnl_memory_desc_destroy(target);
        }
    }
}
