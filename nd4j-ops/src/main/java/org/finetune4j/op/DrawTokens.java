package org.finetune4j.op;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.kernel.Largest;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Draws tokens: how often each of the vocabulary is among {@code count} independent draws, with replacement, from
 * {@code softmax(logits / temperature)} of its row. Logits {@code [rows, vocabulary]}, keys INT {@code [rows]}, result
 * {@code [rows, vocabulary]} of the logits' type. A row's draws are a pure function of its key and its logits. No gradient
 * flows.
 */
public final class DrawTokens extends OwnOp {
    private final double temperature;
    private final int count;
    private final int among;

    private DrawTokens(SDVariable logits, SDVariable keys, double temperature, int count, int among) {
        super(logits, keys);
        this.temperature = temperature;
        this.count = count;
        this.among = among;
    }

    /**
     * The counts.
     *
     * @param temperature greater than 0
     * @param count       draws in each row, at least 1
     */
    public static SDVariable of(SDVariable logits, SDVariable keys, double temperature, int count) {
        return of(logits, keys, temperature, count, 0);
    }

    /**
     * As the shorter form, among the likeliest tokens of each row alone.
     *
     * @param among how many, the first of equal ones; 0 for all
     */
    public static SDVariable of(SDVariable logits, SDVariable keys, double temperature, int count, int among) {
        if (!(temperature > 0) || count < 1 || among < 0) {
            throw new IllegalArgumentException(count + " draws at temperature " + temperature + " among " + among);
        }
        return new DrawTokens(logits, keys, temperature, count, among).outputVariable();
    }

    @Override
    public String opName() {
        return "finetune4j_draw_tokens";
    }

    @Override
    protected boolean differentiable() {
        return false;
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(inputs.get(0));
    }

    @Override
    protected void execute(Execution execution) {
        INDArray logits = execution.input(0);
        INDArray counts = execution.output(0);
        counts.assign(0);
        for (long row = 0; row < logits.size(0); row++) {
            double[] cumulative = cumulative(kept(logits.getRow(row).toDoubleVector()));
            long seed = CounterRandom.seed(execution.input(1).getInt((int) row), "draw", 0);
            int[] drawn = new int[count];
            for (int j = 0; j < count; j++) {
                double point = (CounterRandom.bits(seed, j) >>> 11) * 0x1p-53 * cumulative[cumulative.length - 1];
                drawn[j] = firstAbove(cumulative, point);
            }
            Arrays.sort(drawn);
            for (int from = 0; from < count;) {
                int to = from;
                while (to < count && drawn[to] == drawn[from]) {
                    to++;
                }
                counts.putScalar(row, drawn[from], to - from);
                from = to;
            }
        }
    }

    /** The logits with those in the place of others that leave them no weight. */
    private double[] kept(double[] logits) {
        if (among == 0 || among >= logits.length) {
            return logits;
        }
        double least = Largest.of(logits, among)[0];
        int equal = among - (int) Arrays.stream(logits).filter(logit -> logit > least).count();
        for (int v = 0; v < logits.length; v++) {
            boolean kept = logits[v] > least || logits[v] == least && equal-- > 0;
            logits[v] = kept ? logits[v] : Double.NEGATIVE_INFINITY;
        }
        return logits;
    }

    private double[] cumulative(double[] logits) {
        double largest = Double.NEGATIVE_INFINITY;
        for (double logit : logits) {
            largest = Math.max(largest, logit);
        }
        double sum = 0;
        for (int v = 0; v < logits.length; v++) {
            sum += Math.exp((logits[v] - largest) / temperature);
            logits[v] = sum;
        }
        return logits;
    }

    /** The first token whose cumulative weight exceeds the point, so that one without weight is never drawn. */
    private static int firstAbove(double[] cumulative, double point) {
        int low = 0;
        int high = cumulative.length - 1;
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (cumulative[middle] > point) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        return low;
    }
}
