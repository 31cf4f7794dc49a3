package org.finetune4j.methods.objective;

import java.util.List;
import java.util.Map;
import org.finetune4j.head.SequenceLoss;

/** {@code - log sigmoid(beta (r - r') + gamma)} of one response, with r the mean of its counted log-probabilities. */
record PoftLoss(double beta, double gamma) implements SequenceLoss {
    @Override
    public Outcome of(String sample, List<Member> members, boolean training) {
        Member response = members.get(0);
        float[] counted = response.columns().get(Poft.COUNTED);
        double sum = 0;
        double count = 0;
        for (int t = 0; t < counted.length; t++) {
            sum -= counted[t] * response.losses()[t];
            count += counted[t];
        }
        double margin = sum / count - response.value(Poft.SCORE);
        double argument = beta * margin + gamma;
        double coefficient = 1 / (1 + Math.exp(argument));
        double[] gradient = new double[counted.length];
        for (int t = 0; t < gradient.length; t++) {
            gradient[t] = counted[t] * beta * coefficient / count;
        }
        // log(1 + exp(-x)) without overflow.
        double loss = Math.max(0, -argument) + Math.log1p(Math.exp(-Math.abs(argument)));
        return new Outcome(loss, List.of(gradient), 1, Map.of("coefficient", coefficient, "margin", margin));
    }
}
