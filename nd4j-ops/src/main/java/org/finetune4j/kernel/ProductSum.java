package org.finetune4j.kernel;

import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A sum of matrix products {@code out = addend + sum of products}, or {@code out += sum of products}.
 *
 * @param products   at least one, all of one shape {@code [m, n]} and all of one type
 * @param addend     {@code [m, n]}, of the type of {@code out}; null for none; may be {@code out} itself
 * @param out        {@code [m, n]}, of the type of the products, or FLOAT where that is BFLOAT16
 * @param accumulate whether to add to what {@code out} holds; not together with an addend
 */
public record ProductSum(List<Product> products, @Nullable INDArray addend, INDArray out, boolean accumulate) {
    /** Refuses a sum without products, and one that both accumulates and has an addend. */
    public ProductSum {
        if (products.isEmpty() || accumulate && addend != null) {
            throw new IllegalArgumentException("a sum of " + products.size() + " products"
                    + (accumulate && addend != null ? " with an addend that also accumulates" : ""));
        }
        products = List.copyOf(products);
    }
}
