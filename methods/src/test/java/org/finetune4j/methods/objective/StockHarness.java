package org.finetune4j.methods.objective;

import java.io.OutputStream;
import java.io.PrintStream;
import java.util.HashMap;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** In double, on stock SameDiff operations whose gradients are known to be right, with SameDiff's own reverse pass. */
final class StockHarness implements ObjectiveHarness {
    @Override
    public Result evaluate(TokenLoss loss, double[][] logits, int[] labels, double[] weights,
                           double @Nullable [][] reference) {
        SameDiff graph = SameDiff.create();
        View view = new View(graph, logits, labels, reference);
        TokenLoss.Expression expression = loss.build(view);
        SDVariable total = expression.loss().mul(graph.constant(Nd4j.createFromArray(weights))).sum();
        total.markAsLoss();
        Map<String, double[]> values = new HashMap<>();
        values.put("loss", expression.loss().eval().toDoubleVector());
        expression.logged().forEach((name, variable) -> values.put(name, variable.eval().toDoubleVector()));
        double sum = total.eval().getDouble(0);
        return new Result(sum, gradient(graph).toDoubleMatrix(), values);
    }

    /** SameDiff prints every operation that it differentiates; that is kept out of the tests' output. */
    private static INDArray gradient(SameDiff graph) {
        PrintStream output = System.out;
        System.setOut(new PrintStream(OutputStream.nullOutputStream()));
        try {
            return graph.calculateGradients(Map.of(), "logits").get("logits");
        } finally {
            System.setOut(output);
        }
    }

    private static final class View implements TokenView {
        private final SameDiff graph;
        private final SDVariable logits;
        private final SDVariable labels;
        private final SDVariable oneHot;
        private final @Nullable SDVariable reference;

        View(SameDiff graph, double[][] logits, int[] labels, double @Nullable [][] reference) {
            this.graph = graph;
            this.logits = graph.var("logits", Nd4j.createFromArray(logits));
            this.labels = graph.constant(Nd4j.createFromArray(labels));
            double[][] indicator = new double[labels.length][logits[0].length];
            for (int t = 0; t < labels.length; t++) {
                indicator[t][labels[t]] = 1;
            }
            this.oneHot = graph.constant(Nd4j.createFromArray(indicator));
            this.reference = reference == null ? null : graph.constant(Nd4j.createFromArray(reference));
        }

        @Override
        public SameDiff graph() {
            return graph;
        }

        @Override
        public SDVariable logits() {
            return logits;
        }

        @Override
        public SDVariable labels() {
            return labels;
        }

        @Override
        public SDVariable logProbability() {
            return logits.mul(oneHot).sum(1).sub(logSumExp());
        }

        @Override
        public SDVariable logSumExp() {
            return logSumExp(logits);
        }

        @Override
        public SDVariable referenceLogits() {
            if (reference == null) {
                throw new IllegalStateException("this loss says that it needs no reference");
            }
            return reference;
        }

        @Override
        public SDVariable klDivergence(SDVariable from, SDVariable to) {
            SDVariable fromLog = logSoftmax(from);
            return graph.math().exp(fromLog).mul(fromLog.sub(logSoftmax(to))).sum(1);
        }

        @Override
        public SDVariable stopGradient(SDVariable x) {
            return graph.constant(x.eval().dup());
        }

        /** The shift by each row's maximum is a constant: it changes neither the value nor the gradient. */
        private SDVariable logSumExp(SDVariable z) {
            INDArray values = z.eval();
            SDVariable largest = graph.constant(values.max(1));
            SDVariable shifted = z.sub(graph.constant(values.max(true, 1)));
            return graph.math().log(graph.math().exp(shifted).sum(1)).add(largest);
        }

        private SDVariable logSoftmax(SDVariable z) {
            return z.sub(graph.expandDims(logSumExp(z), 1));
        }
    }
}
