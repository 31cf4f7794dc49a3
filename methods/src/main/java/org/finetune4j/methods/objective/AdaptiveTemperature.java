package org.finetune4j.methods.objective;

import java.util.List;
import org.finetune4j.graph.OwnOp;
import org.finetune4j.kernel.Largest;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The temperature at which a teacher is a little less sure than it is, token by token ({@link CurioSft}). Logits {@code
 * [chunk, vocabulary]} and labels {@code [chunk]} give, each {@code [chunk]} and without gradient: the temperature, the
 * log-probability of the label at it, and the teacher's entropy at temperature 1.
 *
 * <p>With H(tau) the entropy in nats of the {@code topK} largest logits over tau, renormalised, the temperature is that in
 * {@code [tauMin, tauMax]} with {@code H(tau) = H(1) + maxGain sigmoid(slope (H(1) - pivot))}, by bisection.
 */
final class AdaptiveTemperature extends OwnOp {
    private final CurioSft settings;

    private AdaptiveTemperature(SDVariable logits, SDVariable labels, CurioSft settings) {
        super(logits, labels);
        this.settings = settings;
    }

    /** Temperature, log-probability of the label at it, and entropy. */
    static SDVariable[] of(SDVariable logits, SDVariable labels, CurioSft settings) {
        return new AdaptiveTemperature(logits, labels, settings).outputVariables();
    }

    @Override
    public String opName() {
        return "finetune4j_adaptive_temperature";
    }

    @Override
    protected boolean differentiable() {
        return false;
    }

    @Override
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(inputs.get(0), inputs.get(0), inputs.get(0));
    }

    @Override
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(inputs.get(1), inputs.get(1), inputs.get(1));
    }

    @Override
    protected void execute(Execution execution) {
        INDArray logits = execution.input(0);
        for (long row = 0; row < logits.size(0); row++) {
            double[] teacher = logits.getRow(row).toDoubleVector();
            double label = teacher[execution.input(1).getInt((int) row)];
            double[] largest = Largest.of(teacher, Math.min(settings.topK(), teacher.length));
            double entropy = entropy(largest, 1);
            double temperature = settings.mode() == CurioSft.Mode.FIXED ? settings.fixedTemperature()
                    : entropy(teacher, 1) <= settings.lowEntropy() ? settings.tauMin() : temperature(largest, entropy);
            execution.output(0).putScalar(row, temperature);
            execution.output(1).putScalar(row, label / temperature - logSumExp(teacher, temperature));
            execution.output(2).putScalar(row, entropy);
        }
    }

    private double temperature(double[] largest, double entropy) {
        double gain = settings.maxGain() / (1 + Math.exp(-settings.slope() * (entropy - settings.pivot())));
        double target = entropy + gain;
        double low = settings.tauMin();
        double high = settings.tauMax();
        if (target <= entropy(largest, low)) {
            return low;
        }
        if (target >= entropy(largest, high)) {
            return high;
        }
        for (int i = 0; i < settings.iterations(); i++) {
            double middle = (low + high) / 2;
            if (entropy(largest, middle) < target) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return (low + high) / 2;
    }

    private static double entropy(double[] logits, double temperature) {
        double normaliser = logSumExp(logits, temperature);
        double entropy = 0;
        for (double logit : logits) {
            double logProbability = logit / temperature - normaliser;
            entropy -= Math.exp(logProbability) * logProbability;
        }
        return entropy;
    }

    private static double logSumExp(double[] logits, double temperature) {
        double largest = Double.NEGATIVE_INFINITY;
        for (double logit : logits) {
            largest = Math.max(largest, logit / temperature);
        }
        double sum = 0;
        for (double logit : logits) {
            sum += Math.exp(logit / temperature - largest);
        }
        return largest + Math.log(sum);
    }
}
