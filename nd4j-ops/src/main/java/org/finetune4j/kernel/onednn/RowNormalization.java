package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * Rows normalised with a FLOAT weight, by one thread: {@code weight * x / sqrt(mean(x^2) + epsilon)}, or where they
 * are centred {@code weight * (x - mean) / sqrt(variance + epsilon)}. The output may be the input.
 *
 * @param biased   whether a bias is added
 * @param bfloat16 whether rows are BFLOAT16, rounded once at the end, else FLOAT
 */
record RowNormalization(int rows, int hidden, boolean centred, boolean biased, float epsilon, boolean bfloat16) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_SCALE, dnnl.DNNL_ARG_DST};
    private static final int[] BIASED_ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_SCALE, dnnl.DNNL_ARG_SHIFT,
        dnnl.DNNL_ARG_DST};

    /** Normalises the rows at one address to another; the bias is read where it is added. */
    void run(Worker worker, long from, long weight, long bias, long to) {
        Primitive primitive = worker.primitive(this, () -> compile(worker));
        if (biased) {
            primitive.execute(from, weight, bias, to);
        } else {
            primitive.execute(from, weight, to);
        }
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc matrix = Primitive.describe(Primitive.type(bfloat16), new long[] {rows, hidden},
                new long[] {hidden, 1});
        dnnl_memory_desc vector = Primitive.describe(dnnl.dnnl_f32, new long[] {hidden}, new long[] {1});
        dnnl_memory_desc statistics = Primitive.describe(dnnl.dnnl_f32, new long[] {rows}, new long[] {1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("normalisation " + this, dnnl.dnnl_layer_normalization_forward_primitive_desc_create_v2(
                    description, worker.engine(), dnnl.dnnl_forward_inference, matrix, matrix, statistics,
                    dnnl.dnnl_f32,
                    epsilon, dnnl.dnnl_use_scale | (centred ? 0 : dnnl.dnnl_rms_norm)
                            | (biased ? dnnl.dnnl_use_shift : 0), attributes));
            return biased
                    ? new Primitive(worker, description, BIASED_ARGUMENTS,
                            new dnnl_memory_desc[] {matrix, vector, vector, matrix})
                    : new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {matrix, vector, matrix});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(matrix);
            dnnl.dnnl_memory_desc_destroy(vector);
            dnnl.dnnl_memory_desc_destroy(statistics);
        }
    }
}
