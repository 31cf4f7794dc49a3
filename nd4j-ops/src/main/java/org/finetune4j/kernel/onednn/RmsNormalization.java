package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * {@code out = weight * x / sqrt(mean(x^2) + epsilon)} of FLOAT rows with a FLOAT weight, by one thread. The output may
 * be the input.
 */
record RmsNormalization(int rows, int hidden, float epsilon) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_SCALE, dnnl.DNNL_ARG_DST};

    /** Normalises the rows at one address to another. */
    void run(Worker worker, long from, long weight, long to) {
        worker.primitive(this, () -> compile(worker)).execute(from, weight, to);
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc matrix = Primitive.describe(dnnl.dnnl_f32, new long[] {rows, hidden}, new long[] {hidden, 1});
        dnnl_memory_desc vector = Primitive.describe(dnnl.dnnl_f32, new long[] {hidden}, new long[] {1});
        dnnl_memory_desc statistics = Primitive.describe(dnnl.dnnl_f32, new long[] {rows}, new long[] {1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("normalisation " + this, dnnl.dnnl_layer_normalization_forward_primitive_desc_create_v2(
                    description, worker.engine(), dnnl.dnnl_forward_inference, matrix, matrix, statistics,
                    dnnl.dnnl_f32,
                    epsilon, dnnl.dnnl_use_scale | dnnl.dnnl_rms_norm, attributes));
            return new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {matrix, vector, matrix});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(matrix);
            dnnl.dnnl_memory_desc_destroy(vector);
            dnnl.dnnl_memory_desc_destroy(statistics);
        }
    }
}
