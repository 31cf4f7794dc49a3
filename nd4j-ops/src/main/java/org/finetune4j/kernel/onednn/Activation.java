package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * A function of each of contiguous FLOAT elements, by one thread; NaN where the element is. The output may be the
 * input.
 *
 * @param count elements
 * @param swish whether {@code x sigmoid(x)} is computed, else {@code sigmoid(x) = 1 / (1 + e^-x)}
 */
record Activation(int count, boolean swish) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_DST};

    /** Computes the elements at one address to another. */
    void run(Worker worker, long from, long to) {
        worker.primitive(this, () -> compile(worker)).execute(from, to);
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc elements = Primitive.describe(dnnl.dnnl_f32, new long[] {count}, new long[] {1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("activation " + this, dnnl.dnnl_eltwise_forward_primitive_desc_create(description,
                    worker.engine(), dnnl.dnnl_forward_inference,
                    swish ? dnnl.dnnl_eltwise_swish : dnnl.dnnl_eltwise_logistic,
                    elements, elements, swish ? 1 : 0, 0, attributes));
            return new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {elements, elements});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(elements);
        }
    }
}
