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
 * @param type       oneDNN's type of {@code a}
 * @param bType      oneDNN's type of {@code b}: that of {@code a}, or signed bytes with a factor for each column, or bf16
 *                   where {@code a} and {@code out} are f32, which processors without instructions for bf16 multiply too
 * @param outType    oneDNN's type of {@code out}
 * @param accumulate whether to add to {@code out}
 */
record Matmul(int m, int n, int k, long aRow, long aColumn, long bRow, long bColumn, long outRow, int type, int bType,
              int outType, float alpha, boolean accumulate) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST};
    private static final int[] SCALED_ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST,
        dnnl.DNNL_ARG_ATTR_SCALES | dnnl.DNNL_ARG_WEIGHTS};
    private static final int EACH_COLUMN = 1 << 1;

    /** A product of matrices of one type. */
    Matmul(int m, int n, int k, long aRow, long aColumn, long bRow, long bColumn, long outRow, int type, int outType,
           float alpha, boolean accumulate) {
        this(m, n, k, aRow, aColumn, bRow, bColumn, outRow, type, type, outType, alpha, accumulate);
    }

    /** Computes the product of the matrices at these addresses. */
    void run(Worker worker, long a, long b, long out) {
        run(worker, a, b, 0, out);
    }

    /** Computes the product with the factors of the columns of {@code b}, if that is of bytes, at an address of their own. */
    void run(Worker worker, long a, long b, long factors, long out) {
        if ((type == dnnl.dnnl_bf16 || outType == dnnl.dnnl_bf16) && !worker.bfloat16()) {
            Bfloat16.multiply(worker, this, a, b, factors, out);
        } else if (isScaled()) {
            worker.primitive(this, () -> compile(worker)).execute(a, b, out, factors);
        } else {
            worker.primitive(this, () -> compile(worker)).execute(a, b, out);
        }
    }

    private boolean isScaled() {
        return bType == dnnl.dnnl_s8;
    }

    /** Whether the result is rounded to BFLOAT16. */
    boolean roundsToBfloat16() {
        return outType == dnnl.dnnl_bf16;
    }

    /** The same product of a FLOAT matrix that lies in another way, into FLOAT numbers. */
    Matmul ofFloats(long newARow, long newAColumn, long newOutRow) {
        return new Matmul(m, n, k, newARow, newAColumn, bRow, bColumn, newOutRow, dnnl.dnnl_f32, bType, dnnl.dnnl_f32, alpha,
                accumulate);
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
        dnnl_memory_desc weights = Primitive.describe(bType, new long[] {k, n}, new long[] {bRow, bColumn});
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
            if (isScaled()) {
                int mode = type == dnnl.dnnl_bf16 ? dnnl.dnnl_fpmath_mode_bf16 : dnnl.dnnl_fpmath_mode_strict;
                Primitive.check("bytes as weights", dnnl.dnnl_primitive_attr_set_fpmath_mode_v2(attributes, mode, 1));
                Primitive.check("factors of columns",
                        dnnl.dnnl_primitive_attr_set_scales_mask(attributes, dnnl.DNNL_ARG_WEIGHTS, EACH_COLUMN));
            }
            Primitive.check("matrix product " + this, dnnl.dnnl_matmul_primitive_desc_create(description, worker.engine(),
                    source, weights, null, target, attributes));
            return isScaled()
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
