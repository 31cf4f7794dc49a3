package org.finetune4j.methods.adapt;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.LinearSite;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A layer on stock operations in double. */
final class StockSite implements LinearSite {
    final List<Double> dropped = new ArrayList<>();

    private final SameDiff graph = SameDiff.create();
    private final String name;
    private final INDArray weight;
    private final SDVariable input;
    private final Map<String, INDArray> parameters;

    StockSite(String name, INDArray weight, INDArray input, Map<String, INDArray> parameters) {
        this.name = name;
        this.weight = weight;
        this.input = graph.constant("input", input);
        this.parameters = parameters;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public SDVariable input() {
        return input;
    }

    @Override
    public SDVariable parameter(String suffix) {
        return graph.constant(parameters.get(suffix));
    }

    @Override
    public SDVariable linear(SDVariable x, SDVariable matrix) {
        return graph.mmul(x, matrix, false, true, false);
    }

    @Override
    public SDVariable linearAdd(SDVariable addend, double factor, SDVariable x, SDVariable matrix) {
        return addend.add(linear(x, matrix).mul(factor));
    }

    @Override
    public SDVariable dropout(SDVariable x, double rate) {
        dropped.add(rate);
        return x.mul(0);
    }

    @Override
    public SDVariable throughWeight(SDVariable rows) {
        return linear(rows, graph.constant(weight));
    }

    @Override
    public SDVariable squaredRowNorms() {
        return graph.constant(weight.mul(weight).sum(1));
    }

    @Override
    public SDVariable full(SDVariable x) {
        return x;
    }

    @Override
    public SDVariable rounded(SDVariable x) {
        return x;
    }

    @Override
    public SDVariable detached(SDVariable x) {
        return x;
    }

    double[] output(LinearAdapter adapter) {
        return adapter.adapt(this, linear(input, graph.constant(weight))).eval().toDoubleVector();
    }
}
