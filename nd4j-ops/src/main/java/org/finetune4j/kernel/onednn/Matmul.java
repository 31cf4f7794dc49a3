package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * The shape, layout and types of a matrix product {@code out [m, n] = alpha * a [m, k] b [k, n] (+ out)} computed by one
 * thread.
 *
 * @param aRow       elements from one row of {@code a} to the next
 * @param aColumn    elements from one column of {@code a} to the next; one of the two is 1
 * @param outRow     elements from one row of {@code out} to the next
 * @param type       oneDNN's type of {@code a}, and of {@code b} unless that is of bytes
 * @param scaled     whether {@code b} is of signed bytes with a factor for each of its columns
 * @param outType    oneDNN's type of {@code out}
 * @param accumulate whether to add to {@code out}
 */
record Matmul(int m, int n, int k, long aRow, long aColumn, long bRow, long bColumn, long outRow, int type, boolean scaled, int outType,
              float alpha, boolean accumulate) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST};
    private static final int[] SCALED_ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST,
        dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_WEIGHTS};
    private static final int EACH_COLUMN = 1 << 1;

    /** A product of matrices of one type. */
    Matmul(int m, int n, int k, long aRow, long aColumn, long bRow, long bColumn, long outRow, int type, int outType,
           float alpha, boolean accumulate) {
        this(m, n, k, aRow, aColumn, bRow, bColumn, outRow, type, false, outType, alpha, accumulate);
    }

    /** Computes the product of the matrices at these addresses. */
    void run(Worker worker, long a, long b, long out) {
        if (type == dnnl.dnnl_bf16 && !worker.bfloat16()) {
            Bfloat16.multiply(worker, this, a, b, out);
        } else {
            worker.primitive(this, () -> compile(worker)).execute(a, b, out);
        }
    }

    /** Whether the result is rounded to BFLOAT16. */
    boolean roundsToBfloat16() {
        return outType == dnnl.dnnl_bf16;
    }

    /** The same product of FLOAT matrices that lie in another way. */
    Matmul ofFloats(long newARow, long newAColumn, long newBRow, long newBColumn, long newOutRow) {
        return new Matmul(m, n, k, newARow, newAColumn, newBRow, newBColumn, newOutRow, dnnl.dnnl_f32, dnnl.dnnl_f32, alpha,
                accumulate);
    }

    /** Computes the product with the factors of the columns of {@code b} at an address of their own. */
    void run(Worker worker, long a, long b, long factors, long out) {
        worker.primitive(this, () -> compile(worker)).execute(a, b, out, factors);
    }

    /** Whether oneDNN multiplies BFLOAT16 matrices on this processor, which takes AVX-512 or its like. */
    static boolean multipliesBfloat16(Worker worker) {
        try {
            new Matmul(16, 16, 16, 16, 1, 16, 1, 16, dnnl.dnnl_bf16, dnnl.dnnl_f32, 1, false).compile(worker).close();
            return true;
        } catch (IllegalStateException refused) {
            return false;
        }
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc weights = Primitive.describe(scaled ? dnnl.dnnl_s8 : type, new long[] {k, n},
                new long[] {bRow, bColumn});
        try {
            return compile(worker, weights);
        } finally {
            dnnl.dnnl_memory_desc_destroy(weights);
        }
    }

    /** Compiles the product with {@code b} laid out as described, which stays the caller's. */
    Primitive compile(Worker worker, dnnl_memory_desc weights) {
        dnnl_memory_desc source = Primitive.describe(type, new long[] {m, k}, new long[] {aRow, aColumn});
        dnnl_memory_desc target = Primitive.describe(outType, new long[] {m, n}, new long[] {outRow, 1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_post_ops after = new dnnl_post_ops();
        Primitive.check("post-operations", dnnl.dnnl_post_ops_create(after));
        if (alpha != 1) {
            Primitive.check("factor", dnnl.dnnl_post_ops_append_eltwise(after, dnnl.dnnl_eltwise_linear, alpha, 0));
        }
        if (accumulate) {
            Primitive.check("sum", dnnl.dnnl_post_ops_append_sum(after, 1, 0, dnnl.dnnl_data_type_undef));
        }
        Primitive.check("post-operations", dnnl.dnnl_primitive_attr_set_post_ops(attributes, after));
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        dnnl_memory_desc factors = Primitive.describe(dnnl.dnnl_f32, new long[] {n}, new long[] {1});
        try {
            if (scaled) {
                Primitive.check("bytes as weights",
                        dnnl.dnnl_primitive_attr_set_fpmath_mode_v2(attributes, dnnl.dnnl_fpmath_mode_bf16, 1));
                Primitive.check("factors of columns",
                        dnnl.dnnl_primitive_attr_set_scales_mask(attributes, dnnl.DNNL_ARG_WEIGHTS, EACH_COLUMN));
            }
            Primitive.check("matrix product " + this, dnnl.dnnl_matmul_primitive_desc_create(description, worker.engine(),
                    source, weights, null, target, attributes));
            return scaled
                    ? new Primitive(worker, description, SCALED_ARGUMENTS,
                            new dnnl_memory_desc[] {source, weights, target, factors})
                    : new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {source, weights, target});
        } finally {
            dnnl.dnnl_post_ops_destroy(after);
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(source);
            dnnl.dnnl_memory_desc_destroy(target);
            dnnl.dnnl_memory_desc_destroy(factors);
        }
    }
}
