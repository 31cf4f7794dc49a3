package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * A function of each of contiguous FLOAT elements, or its gradient, by one thread; NaN where the element is, but for the
 * ramp. The output may lie where an input does.
 *
 * @param count    elements
 * @param function the function
 * @param gradient whether its derivative is computed and multiplied by another array
 */
record ActivationPass(int count, Function function, boolean gradient) {
    /** What oneDNN computes by itself. */
    enum Function {
        /** Exact GELU. */
        GELU,
        /** {@code x sigmoid(x)}. */
        SILU,
        /** {@code x sigmoid(1.702 x)}. */
        QUICK_GELU,
        /** {@code max(x, 0)}. */
        RELU,
        /** The hyperbolic tangent. */
        TANH,
        /** {@code 1 / (1 + e^-x)}. */
        SIGMOID
    }

    static final float QUICK = 1.702f;
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_DST};
    private static final int[] GRADIENT_ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_DIFF_DST,
        dnnl.DNNL_ARG_DIFF_SRC};

    /** {@code to = function(from)} of the elements at one address to another. */
    static void run(Worker worker, int count, Function function, long from, long to) {
        ActivationPass pass = new ActivationPass(count, function, false);
        worker.primitive(pass, () -> pass.compile(worker)).execute(from, to);
    }

    /** {@code to = function'(from) upstream} of the elements at these addresses. */
    static void gradient(Worker worker, int count, Function function, long from, long upstream, long to) {
        ActivationPass pass = new ActivationPass(count, function, true);
        worker.primitive(pass, () -> pass.compile(worker)).execute(from, upstream, to);
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc elements = Primitive.describe(dnnl.dnnl_f32, new long[] {count}, new long[] {1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc forward = new dnnl_primitive_desc();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("activation " + this, dnnl.dnnl_eltwise_forward_primitive_desc_create(forward,
                    worker.engine(), gradient ? dnnl.dnnl_forward_training : dnnl.dnnl_forward_inference, algorithm(),
                    elements, elements, parameter(), 0, attributes));
            if (!gradient) {
                return new Primitive(worker, forward, ARGUMENTS, new dnnl_memory_desc[] {elements, elements});
            }
            int status = dnnl.dnnl_eltwise_backward_primitive_desc_create(description, worker.engine(), algorithm(),
                    elements, elements, elements, parameter(), 0, forward, attributes);
            dnnl.dnnl_primitive_desc_destroy(forward);
            Primitive.check("gradient " + this, status);
            return new Primitive(worker, description, GRADIENT_ARGUMENTS,
                    new dnnl_memory_desc[] {elements, elements, elements});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(elements);
        }
    }

    private int algorithm() {
        return switch (function) {
            case GELU -> dnnl.dnnl_eltwise_gelu_erf;
            case SILU, QUICK_GELU -> dnnl.dnnl_eltwise_swish;
            case RELU -> dnnl.dnnl_eltwise_relu;
            case TANH -> dnnl.dnnl_eltwise_tanh;
            case SIGMOID -> dnnl.dnnl_eltwise_logistic;
        };
    }

    private float parameter() {
        return switch (function) {
            case SILU -> 1;
            case QUICK_GELU -> QUICK;
            default -> 0;
        };
    }
}
