package org.finetune4j.methods.objective;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.finetune4j.head.SequenceLoss;

/** The loss of one response under {@link Intuitive}, with its derivative towards the losses of its tokens. */
final class IntuitiveLoss implements SequenceLoss {
    private static final double LEAST = 1e-8;

    private final Intuitive settings;

    IntuitiveLoss(Intuitive settings) {
        this.settings = settings;
    }

    @Override
    public Outcome of(String sample, List<Member> members, boolean training) {
        double[] losses = members.get(0).losses();
        double[] gradient = new double[losses.length];
        double loss = settings.form() == Intuitive.Form.DOUBLE_SUM ? doubleSum(losses, gradient)
                : weighted(losses, gradient);
        return new Outcome(loss, List.of(gradient), 1, Map.of());
    }

    private double doubleSum(double[] losses, double[] gradient) {
        double factor = 0;
        double loss = 0;
        for (int i = 0; i < losses.length; i++) {
            factor = 1 + settings.gamma() * factor;
            gradient[i] = factor;
            loss += factor * losses[i];
        }
        return loss;
    }

    private double weighted(double[] losses, double[] gradient) {
        int count = losses.length;
        if (settings.gamma() == 0) {
            Arrays.fill(gradient, 1.0 / count);
            return Arrays.stream(losses).sum() / count;
        }
        boolean left = settings.side() == Intuitive.Side.LEFT;
        double[] sums = scan(losses, !left);
        double[] weights = new double[count];
        double[] slopes = new double[count];
        double total = 0;
        double weighted = 0;
        for (int t = 0; t < count; t++) {
            double c = sums[t] / count;
            // A loss in float is exactly 0 where the model is sure.
            boolean nothing = value(c) < LEAST;
            double value = Math.max(value(c), LEAST);
            weights[t] = left ? value : 1 / value;
            slopes[t] = nothing ? 0 : (left ? 1 : -1 / (value * value)) * slope(c) / count;
            total += weights[t];
            weighted += weights[t] * losses[t];
        }
        double loss = weighted / total;
        double[] through = new double[count];
        for (int t = 0; t < count && !settings.detachWeights(); t++) {
            through[t] = slopes[t] * (losses[t] - loss) / total;
        }
        // c_t gathers from one side, so that its derivative goes back to the other.
        double[] back = scan(through, left);
        for (int t = 0; t < count; t++) {
            gradient[t] = weights[t] / total + back[t];
        }
        return loss;
    }

    /** Discounted sums up to each place, from the first on or from the last on. */
    private double[] scan(double[] values, boolean fromFirst) {
        double[] sums = new double[values.length];
        double sum = 0;
        for (int i = 0; i < values.length; i++) {
            int place = fromFirst ? i : values.length - 1 - i;
            sum = values[place] + settings.gamma() * sum;
            sums[place] = sum;
        }
        return sums;
    }

    private double value(double c) {
        return switch (settings.norm()) {
            case L1 -> c;
            case L2 -> c * c;
            case LOG -> Math.log1p(c);
            case SOFTMAX -> Math.exp(c);
        };
    }

    private double slope(double c) {
        return switch (settings.norm()) {
            case L1 -> 1;
            case L2 -> 2 * c;
            case LOG -> 1 / (1 + c);
            case SOFTMAX -> Math.exp(c);
        };
    }
}
