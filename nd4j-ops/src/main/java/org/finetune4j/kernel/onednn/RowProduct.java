package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/** {@code out[r, h] = a[r, h] b[r, h] weight[h]} of FLOAT rows, by one thread. */
record RowProduct(int rows, int hidden) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC_0, dnnl.DNNL_ARG_SRC_1,
        dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE | dnnl.DNNL_ARG_SRC_1, dnnl.DNNL_ARG_DST};

    /** Multiplies the rows at two addresses and the weight at a third. */
    void run(Worker worker, long a, long b, long weight, long out) {
        worker.primitive(this, () -> compile(worker)).execute(new long[] {a, b, weight, out});
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc matrix = Primitive.describe(dnnl.dnnl_f32, new long[] {rows, hidden}, new long[] {hidden, 1});
        dnnl_memory_desc vector = Primitive.describe(dnnl.dnnl_f32, new long[] {1, hidden}, new long[] {hidden, 1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_post_ops after = new dnnl_post_ops();
        Primitive.check("post-operations", dnnl.dnnl_post_ops_create(after));
        Primitive.check("weight", dnnl.dnnl_post_ops_append_binary(after, dnnl.dnnl_binary_mul, vector));
        Primitive.check("post-operations", dnnl.dnnl_primitive_attr_set_post_ops(attributes, after));
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("product " + this, dnnl.dnnl_binary_primitive_desc_create(description, worker.engine(),
                    dnnl.dnnl_binary_mul, matrix, matrix, matrix, attributes));
            return new Primitive(worker, description, ARGUMENTS,
                    new dnnl_memory_desc[] {matrix, matrix, vector, matrix});
        } finally {
            dnnl.dnnl_post_ops_destroy(after);
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(matrix);
            dnnl.dnnl_memory_desc_destroy(vector);
        }
    }
}
