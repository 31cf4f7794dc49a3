package org.finetune4j.kernel.onednn;

import java.util.List;
import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * Scores of keys and queries below a softcap, {@code t = cap tanh(a b' / cap)}, and what attention computes of them, by
 * one thread. Matrices are {@code [keys, queries]} row by row; {@code a} is {@code [keys, depth]}, {@code b}
 * {@code [queries, depth]}.
 *
 * @param type oneDNN's type of {@code a}, {@code b} and of exponentials; scores and shifts are f32
 * @param cap  positive
 */
record CappedScores(int keys, int queries, int depth, int type, float cap) {
    private static final int[] EXPONENTIALS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST,
        dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * 4 | dnnl.DNNL_ARG_SRC_1};
    private static final int[] CAPPED = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST};
    private static final int[] PROBABILITIES = {dnnl.DNNL_ARG_SRC_0, dnnl.DNNL_ARG_SRC_1, dnnl.DNNL_ARG_DST};
    private static final int[] SLOPES = {dnnl.DNNL_ARG_SRC_0, dnnl.DNNL_ARG_SRC_1,
        dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * 2 | dnnl.DNNL_ARG_SRC_1, dnnl.DNNL_ARG_DST};

    private enum Kind { EXPONENTIALS, CAPPED, PROBABILITIES, SLOPES }

    private record Key(CappedScores scores, Kind kind) {
    }

    /** {@code out = e^(t + shift)}, a shift for each query. */
    void exponentials(Worker worker, long a, long b, long shifts, long out) {
        primitive(worker, Kind.EXPONENTIALS).execute(a, b, out, shifts);
    }

    /** {@code out = t}, as f32. */
    void capped(Worker worker, long a, long b, long out) {
        primitive(worker, Kind.CAPPED).execute(a, b, out);
    }

    /** {@code out = e^(t + shift)} of scores that {@link #capped} has computed. */
    void probabilities(Worker worker, long capped, long shifts, long out) {
        primitive(worker, Kind.PROBABILITIES).execute(capped, shifts, out);
    }

    /** Multiplies {@code x} by the cap's slopes, {@code 1 - (t / cap)^2}, at scores that {@link #capped} has computed. */
    void timesSlopes(Worker worker, long capped, long x) {
        primitive(worker, Kind.SLOPES).execute(capped, capped, x, x);
    }

    private Primitive primitive(Worker worker, Kind kind) {
        return worker.primitive(new Key(this, kind), () -> compile(worker, kind));
    }

    private Primitive compile(Worker worker, Kind kind) {
        dnnl_memory_desc a = Primitive.describe(type, new long[] {keys, depth}, new long[] {depth, 1});
        dnnl_memory_desc b = Primitive.describe(type, new long[] {depth, queries}, new long[] {1, depth});
        dnnl_memory_desc shifts = Primitive.describe(dnnl.dnnl_f32, new long[] {1, queries}, new long[] {queries, 1});
        long[] matrix = {keys, queries};
        long[] strides = {queries, 1};
        dnnl_memory_desc scores = Primitive.describe(dnnl.dnnl_f32, matrix, strides);
        dnnl_memory_desc numbers = Primitive.describe(type, matrix, strides);
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_post_ops after = operations(kind, shifts, numbers);
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("post-operations", dnnl.dnnl_primitive_attr_set_post_ops(attributes, after));
            Primitive.check("capped scores " + this + " " + kind, switch (kind) {
                case EXPONENTIALS, CAPPED -> dnnl.dnnl_matmul_primitive_desc_create(description, worker.engine(), a, b,
                        null, kind == Kind.CAPPED ? scores : numbers, attributes);
                case PROBABILITIES -> dnnl.dnnl_binary_primitive_desc_create(description, worker.engine(),
                        dnnl.dnnl_binary_add, scores, shifts, numbers, attributes);
                case SLOPES -> dnnl.dnnl_binary_primitive_desc_create(description, worker.engine(),
                        dnnl.dnnl_binary_mul, scores, scores, numbers, attributes);
            });
            return switch (kind) {
                case EXPONENTIALS -> new Primitive(worker, description, EXPONENTIALS,
                        new dnnl_memory_desc[] {a, b, numbers, shifts});
                case CAPPED -> new Primitive(worker, description, CAPPED, new dnnl_memory_desc[] {a, b, scores});
                case PROBABILITIES -> new Primitive(worker, description, PROBABILITIES,
                        new dnnl_memory_desc[] {scores, shifts, numbers});
                case SLOPES -> new Primitive(worker, description, SLOPES,
                        new dnnl_memory_desc[] {scores, scores, numbers, numbers});
            };
        } finally {
            dnnl.dnnl_post_ops_destroy(after);
            dnnl.dnnl_primitive_attr_destroy(attributes);
            for (dnnl_memory_desc described : List.of(a, b, shifts, scores, numbers)) {
                dnnl.dnnl_memory_desc_destroy(described);
            }
        }
    }

    /** What follows the product or the first binary operation. */
    private dnnl_post_ops operations(Kind kind, dnnl_memory_desc shifts, dnnl_memory_desc numbers) {
        dnnl_post_ops after = new dnnl_post_ops();
        Primitive.check("post-operations", dnnl.dnnl_post_ops_create(after));
        if (kind == Kind.EXPONENTIALS || kind == Kind.CAPPED) {
            // 2 sigmoid(2 x) - 1 is tanh x, and several times as fast in oneDNN where there is no AVX-512.
            function(after, dnnl.dnnl_eltwise_linear, 2 / cap, 0);
            function(after, dnnl.dnnl_eltwise_logistic, 0, 0);
            function(after, dnnl.dnnl_eltwise_linear, 2 * cap, -cap);
        }
        if (kind == Kind.EXPONENTIALS) {
            Primitive.check("shifts", dnnl.dnnl_post_ops_append_binary(after, dnnl.dnnl_binary_add, shifts));
        }
        if (kind == Kind.EXPONENTIALS || kind == Kind.PROBABILITIES) {
            function(after, dnnl.dnnl_eltwise_exp, 0, 0);
        }
        if (kind == Kind.SLOPES) {
            function(after, dnnl.dnnl_eltwise_linear, -1 / (cap * cap), 1);
            Primitive.check("factor", dnnl.dnnl_post_ops_append_binary(after, dnnl.dnnl_binary_mul, numbers));
        }
        return after;
    }

    private static void function(dnnl_post_ops after, int function, float alpha, float beta) {
        Primitive.check("function", dnnl.dnnl_post_ops_append_eltwise(after, function, alpha, beta));
    }
}
