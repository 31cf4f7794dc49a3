package org.finetune4j.kernel.onednn;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.bytedeco.dnnl.global.dnnl;

/** A row-major FLOAT matrix whose every column is multiplied by a number of its own, by one thread. */
record ColumnScaling(int rows, int columns) {
    private static final int[] ARGUMENTS = {dnnl.DNNL_ARG_SRC_0, dnnl.DNNL_ARG_SRC_1, dnnl.DNNL_ARG_DST};

    /** Multiplies the columns of a matrix by {@code factors [columns]}, in place. */
    void run(Worker worker, long matrix, long factors) {
        run(worker, matrix, factors, matrix);
    }

    /** Multiplies the columns of the matrix at one address by {@code factors [columns]} to another. */
    void run(Worker worker, long from, long factors, long to) {
        worker.primitive(this, () -> compile(worker)).execute(from, factors, to);
    }

    private Primitive compile(Worker worker) {
        dnnl_memory_desc whole = Primitive.describe(dnnl.dnnl_f32, new long[] {rows, columns}, new long[] {columns, 1});
        dnnl_memory_desc row = Primitive.describe(dnnl.dnnl_f32, new long[] {1, columns}, new long[] {columns, 1});
        dnnl_primitive_attr attributes = Primitive.attributes();
        dnnl_primitive_desc description = new dnnl_primitive_desc();
        try {
            Primitive.check("product " + this, dnnl.dnnl_binary_primitive_desc_create(description, worker.engine(),
                    dnnl.dnnl_binary_mul, whole, row, whole, attributes));
            return new Primitive(worker, description, ARGUMENTS, new dnnl_memory_desc[] {whole, row, whole});
        } finally {
            dnnl.dnnl_primitive_attr_destroy(attributes);
            dnnl.dnnl_memory_desc_destroy(whole);
            dnnl.dnnl_memory_desc_destroy(row);
        }
    }
}
