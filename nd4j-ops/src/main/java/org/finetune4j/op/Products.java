package org.finetune4j.op;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.Product;
import org.finetune4j.kernel.ProductSum;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Several sums of matrix products that do not depend on each other, computed side by side: what {@link ProductFusion}
 * makes of {@link MatMul} and {@link Add} operations. It stands in schedules only and has no gradient of its own.
 */
final class Products extends OwnOp {
    /**
     * A product; matrices are given by their place among the inputs.
     *
     * @param a      the left matrix, and
     * @param b      the right one
     * @param scales of the rows of {@code b}, or -1
     */
    record Term(int a, boolean transposeA, int b, boolean transposeB, double factor, int scales) {
    }

    /**
     * What makes one output.
     *
     * @param terms  the products
     * @param addend the place of what they are added to, or -1
     */
    record Sum(List<Term> terms, int addend) {
    }

    private final List<Sum> sums;

    Products(List<Sum> sums) {
        this.sums = List.copyOf(sums);
    }

    @Override
    public String opName() {
        return "finetune4j_products";
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        List<long[]> shapes = new ArrayList<>();
        for (Sum sum : sums) {
            long[] shape = null;
            for (Term term : sum.terms()) {
                long[] product = MatMul.productShape(inputs.get(term.a()), term.transposeA(), inputs.get(term.b()),
                        term.transposeB());
                if (shape != null && (shape[0] != product[0] || shape[1] != product[1])) {
                    throw new IllegalArgumentException("a sum of products of " + shape[0] + " x " + shape[1] + " and "
                            + product[0] + " x " + product[1]);
                }
                shape = product;
            }
            shapes.add(shape);
        }
        return shapes;
    }

    @Override
    protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
        double operations = 0;
        for (int i = 0; i < sums.size(); i++) {
            for (Term term : sums.get(i).terms()) {
                operations += 2.0 * outputs.get(i).length() * inputs.get(term.a()).size(term.transposeA() ? 0 : 1);
            }
        }
        return operations;
    }

    @Override
    protected List<Integer> rightFactors() {
        return sums.stream().flatMap(sum -> sum.terms().stream())
                .filter(term -> !term.transposeA() && !term.transposeB() && term.scales() < 0).map(Term::b).toList();
    }

    @Override
    protected Write write(int index) {
        return sums.get(index).addend() < 0 ? Write.EITHER : Write.REPLACE;
    }

    @Override
    protected int reusableInput(int output) {
        int addend = sums.get(0).addend();
        boolean readAsMatrix = sums.get(0).terms().stream().anyMatch(term -> term.a() == addend || term.b() == addend);
        return sums.size() == 1 && !readAsMatrix ? addend : -1;
    }

    @Override
    protected void execute(Execution execution) {
        List<ProductSum> work = new ArrayList<>(sums.size());
        for (int i = 0; i < sums.size(); i++) {
            Sum sum = sums.get(i);
            List<Product> products = new ArrayList<>(sum.terms().size());
            for (Term term : sum.terms()) {
                products.add(new Product(execution.input(term.a()), term.transposeA(), execution.input(term.b()),
                        term.transposeB(), term.factor(),
                        term.scales() < 0 ? null : execution.input(term.scales())));
            }
            work.add(new ProductSum(products, sum.addend() < 0 ? null : execution.input(sum.addend()),
                    execution.output(i), execution.accumulates(i)));
        }
        execution.kernels().products(work);
    }
}
