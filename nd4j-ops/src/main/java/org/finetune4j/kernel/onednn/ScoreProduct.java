package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * A product of keys and queries with what attention does to each number of it, computed by one thread:
 * {@code out [keys, queries] = f(a [keys, depth] b' + bias [queries])}, where {@code f} is the exponential, or the product
 * with a matrix {@code factor [keys, queries]}, and {@code b} is {@code [queries, depth]}.
 *
 * @param aRow        elements from one row of {@code a} to the next; those of {@code b} lie one after another
 * @param type        oneDNN's type of all but the bias, which is f32
 * @param exponential whether {@code f} is the exponential
 */
record ScoreProduct(int keys, int queries, int depth, int aRow, int type, boolean exponential) {

    /** {@code out = e^(a b' + bias)}. */
    void exponentials(Worker worker, long a, long b, long bias, long out) {
        worker.primitive(this, () -> compile(worker)).execute(a, b, out, bias);
    }

    /** {@code out = (a b' + bias) * factor}. */
    void times(Worker worker, long a, long b, long bias, long factor, long out) {
        worker.primitive(this, () -> compile(worker)).execute(a, b, out, bias, factor);
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc source = Primitive.describe(type, new long[] {keys, depth}, new long[] {aRow, 1});
        dnnl_memory_desc weights = Primitive.describe(type, new long[] {depth, queries}, new long[] {1, depth});
        dnnl_memory_desc bias = Primitive.describe(dnnl.dnnl_f32, new long[] {1, queries}, new long[] {queries, 1});
        dnnl_memory_desc target = Primitive.describe(type, new long[] {keys, queries}, new long[] {queries, 1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_post_ops after = new dnnl_post_ops();
        Primitive.check("post-operations", dnnl.dnnl_post_ops_create(after));
        if (exponential) {
            Primitive.check("exponential", dnnl.dnnl_post_ops_append_eltwise(after, dnnl.dnnl_eltwise_exp, 0, 0));
        } else {
            Primitive.check("factor", dnnl.dnnl_post_ops_append_binary(after, dnnl.dnnl_binary_mul, target));
        }
        Primitive.check("post-operations", dnnl.dnnl_primitive_attr_set_post_ops(attributes, after));
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("matrix product " + this, dnnl.dnnl_matmul_primitive_desc_create(description, worker.engine(),
                    source, weights, bias, target, attributes));
            return exponential
                    ? new Primitive(worker, description, new int[] {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS,
                            dnnl.DNNL_ARG_DST, dnnl.DNNL_ARG_BIAS}, new dnnl_memory_desc[] {source, weights, target, bias})
                    : new Primitive(worker, description, new int[] {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS,
                            dnnl.DNNL_ARG_DST, dnnl.DNNL_ARG_BIAS,
                            dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE | dnnl.DNNL_ARG_SRC_1},
                            new dnnl_memory_desc[] {source, weights, target, bias, target});
        } finally {
            dnnl.dnnl_post_ops_destroy(after);
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(source);
            dnnl.dnnl_memory_desc_destroy(weights);
            dnnl.dnnl_memory_desc_destroy(bias);
            dnnl.dnnl_memory_desc_destroy(target);
        }
    }
}
