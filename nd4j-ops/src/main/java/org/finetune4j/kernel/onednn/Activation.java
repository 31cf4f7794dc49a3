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
 * @param kind  the function
 */
record Activation(int count, Kind kind) {
    /** The functions. */
    enum Kind {
        /** {@code 1 / (1 + e^-x)}. */
        SIGMOID(dnnl.dnnl_eltwise_logistic, 0),
        /** {@code x sigmoid(x)}. */
        SWISH(dnnl.dnnl_eltwise_swish, 1),
        /** {@code tanh(x)}. */
        TANH(dnnl.dnnl_eltwise_tanh, 0);

        private final int number;
        private final float alpha;

        Kind(int number, float alpha) {
            this.number = number;
            this.alpha = alpha;
        }
    }

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
                    worker.engine(), dnnl.dnnl_forward_inference, kind.number, elements, elements, kind.alpha, 0,
                    attributes));
            return new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {elements, elements});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(elements);
        }
    }
}
