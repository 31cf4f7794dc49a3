package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/**
 * A plain oneDNN matrix product {@code out [rows, columns] = a [rows, inner] b [inner, columns]} of dense arrays, as one
 * thread computes it when nothing but its speed counts.
 *
 * @param type    oneDNN's type of {@code a} and {@code b}
 * @param outType oneDNN's type of {@code out}
 * @param layout  how {@code b} lies in memory
 */
record LimitProduct(int rows, int columns, int inner, int type, int outType, Layout layout) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC, dnnl.DNNL_ARG_WEIGHTS, dnnl.DNNL_ARG_DST};

    /** How the second matrix lies in memory. */
    enum Layout {
        /** Row by row. */
        ROWS("rows"),
        /** Column by column, as the weight of a linear layer lies in its forward pass. */
        COLUMNS("columns"),
        /** In the blocks that oneDNN chooses, as a weight can lie that is packed once and used often. */
        BLOCKS("oneDNN's blocks");

        private final String words;

        Layout(String words) {
            this.words = words;
        }

        String words() {
            return words;
        }
    }

    /** Compiles the product for a worker. The bytes of {@code b} are at most {@link #secondBytes}. */
    Primitive compile(Worker worker) {
        dnnl_memory_desc first = Primitive.describe(type, new long[] {rows, inner}, new long[] {inner, 1});
        dnnl_memory_desc second = new dnnl_memory_desc();
        long[] shape = {inner, columns};
        if (layout == Layout.BLOCKS) {
            Primitive.check("weights", dnnl.dnnl_memory_desc_create_with_tag(second, 2, shape, type,
                    dnnl.dnnl_format_tag_any));
        } else {
            long[] strides = layout == Layout.ROWS ? new long[] {columns, 1} : new long[] {1, inner};
            Primitive.check("weights", dnnl.dnnl_memory_desc_create_with_strides(second, 2, shape, type, strides));
        }
        dnnl_memory_desc out = Primitive.describe(outType, new long[] {rows, columns}, new long[] {columns, 1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("matrix product " + this, dnnl.dnnl_matmul_primitive_desc_create(description,
                    worker.engine(), first, second, null, out, attributes));
            // Owned by the description, and copied into the memory that the primitive makes of it.
            dnnl_memory_desc chosen = dnnl.dnnl_primitive_desc_query_md(description, dnnl.dnnl_query_weights_md, 0);
            if (dnnl.dnnl_memory_desc_get_size(chosen) > secondBytes()) {
                throw new IllegalStateException("oneDNN wants " + dnnl.dnnl_memory_desc_get_size(chosen)
                        + " bytes for the packed weights of " + this + ", more than the " + secondBytes() + " given");
            }
            return new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {first, chosen, out});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(first);
            dnnl.dnnl_memory_desc_destroy(second);
            dnnl.dnnl_memory_desc_destroy(out);
        }
    }

    /** Bytes to give to {@code b}, with what blocks may be filled up by: to 64 columns and 64 rows. */
    long secondBytes() {
        return (columns + 63L) / 64 * 64 * ((inner + 63L) / 64 * 64) * (type == dnnl.dnnl_bf16 ? 2 : 4);
    }

    double operations() {
        return 2.0 * rows * columns * inner;
    }
}
