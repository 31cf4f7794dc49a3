package org.finetune4j.kernel.onednn;

import java.util.ArrayList;
import java.util.List;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * One pass over contiguous elements by one thread, which combines whole arrays and single numbers in one of a few
 * ways. The output may lie where an array of the same size lies that is read.
 *
 * @param kind     the formula
 * @param count    elements
 * @param addend   whether an array is added at the end; its address is then the last before the output's
 * @param bfloat16 whether all arrays are BFLOAT16, else FLOAT; numbers are FLOAT
 */
record BinaryPass(Kind kind, int count, boolean addend, boolean bfloat16) {
    /** What is computed of arrays {@code a, b, c} and numbers {@code s, f}; the addresses are given in this order. */
    enum Kind {
        /** {@code a + b}: a, b. */
        SUM,
        /** {@code a b}: a, b. */
        PRODUCT,
        /** {@code e^(a - s) f}: a, s, f. Infinite, not NaN, where a is NaN. */
        EXPONENTIAL,
        /** {@code sigmoid(a s) f - c}: a, s, f, c, the last a number too. */
        SIGMOID,
        /** {@code sigmoid(a s) b c}: a, s, b, c, the last two arrays. */
        SIGMOID_PRODUCT,
        /** {@code (a - b - s) c f}: a, b, s, c, f. */
        WEIGHTED_DIFFERENCE
    }

    /** A pass over FLOAT elements. */
    BinaryPass(Kind kind, int count, boolean addend) {
        this(kind, count, addend, false);
    }

    /**
     * Runs on the arrays and numbers at these addresses.
     *
     * @param addresses as the kind says, then the addend's if there is one, then the output's
     */
    void run(Worker worker, long... addresses) {
        worker.primitive(this, () -> compile(worker)).execute(addresses);
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc whole = Primitive.describe(bfloat16 ? dnnl.dnnl_bf16 : dnnl.dnnl_f32, new long[] {1, count},
                new long[] {count, 1});
        dnnl_memory_desc single = Primitive.describe(dnnl.dnnl_f32, new long[] {1, 1}, new long[] {1, 1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        Chain chain = new Chain();
        boolean curved = kind == Kind.EXPONENTIAL || kind == Kind.SIGMOID || kind == Kind.SIGMOID_PRODUCT;
        dnnl_memory_desc second = curved ? single : whole;
        chain.ids.add(dnnl.DNNL_ARG_SRC_0);
        chain.ids.add(dnnl.DNNL_ARG_SRC_1);
        chain.descriptions.add(whole);
        chain.descriptions.add(second);
        if (curved) {
            chain.curve(kind == Kind.EXPONENTIAL ? dnnl.dnnl_eltwise_exp : dnnl.dnnl_eltwise_logistic);
            chain.then(dnnl.dnnl_binary_mul, kind == Kind.SIGMOID_PRODUCT ? whole : single);
            if (kind == Kind.SIGMOID) {
                chain.then(dnnl.dnnl_binary_sub, single);
            } else if (kind == Kind.SIGMOID_PRODUCT) {
                chain.then(dnnl.dnnl_binary_mul, whole);
            }
        } else if (kind == Kind.WEIGHTED_DIFFERENCE) {
            chain.then(dnnl.dnnl_binary_sub, single);
            chain.then(dnnl.dnnl_binary_mul, whole);
            chain.then(dnnl.dnnl_binary_mul, single);
        }
        if (addend) {
            chain.then(dnnl.dnnl_binary_add, whole);
        }
        chain.ids.add(dnnl.DNNL_ARG_DST);
        chain.descriptions.add(whole);
        Primitive.check("post-operations", dnnl.dnnl_primitive_attr_set_post_ops(attributes, chain.operations));
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            int operation = switch (kind) {
                case SUM -> dnnl.dnnl_binary_add;
                case PRODUCT, SIGMOID, SIGMOID_PRODUCT -> dnnl.dnnl_binary_mul;
                case EXPONENTIAL, WEIGHTED_DIFFERENCE -> dnnl.dnnl_binary_sub;
            };
            Primitive.check("pass " + this, dnnl.dnnl_binary_primitive_desc_create(description, worker.engine(),
                    operation, whole, second, whole, attributes));
            return new Primitive(worker, description, chain.ids.stream().mapToInt(id -> id).toArray(),
                    chain.descriptions.toArray(new dnnl_memory_desc[0]));
        } finally {
            dnnl.dnnl_post_ops_destroy(chain.operations);
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(whole);
            dnnl.dnnl_memory_desc_destroy(single);
        }
    }

    /** What follows the first operation, and the arguments that it takes. */
    private static final class Chain {
        private final dnnl_post_ops operations = new dnnl_post_ops();
        private final List<Integer> ids = new ArrayList<>();
        private final List<dnnl_memory_desc> descriptions = new ArrayList<>();
        private int length;

        Chain() {
            Primitive.check("post-operations", dnnl.dnnl_post_ops_create(operations));
        }

        void curve(int algorithm) {
            Primitive.check("curve", dnnl.dnnl_post_ops_append_eltwise(operations, algorithm, 0, 0));
            length++;
        }

        void then(int operation, dnnl_memory_desc operand) {
            Primitive.check("operand", dnnl.dnnl_post_ops_append_binary(operations, operation, operand));
            length++;
            ids.add(dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * length | dnnl.DNNL_ARG_SRC_1);
            descriptions.add(operand);
        }
    }
}
