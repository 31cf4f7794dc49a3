package org.finetune4j.methods.objective;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.head.SequenceLoss;

/** The loss of one right program beside its wrong variants under {@link FaultWeighted}. */
record FaultWeightedLoss(FaultWeighted settings) implements SequenceLoss {
    @Override
    public Outcome of(String sample, List<Member> members, boolean training) {
        Member right = members.get(0);
        double lineDoubt = doubt(members, FaultWeighted.LINES);
        double tokenDoubt = doubt(members, FaultWeighted.TOKENS);
        float[] lines = right.columns().get(FaultWeighted.LINES);
        float[] tokens = right.columns().get(FaultWeighted.TOKENS);
        double[] weights = new double[lines.length];
        double loss = 0;
        double total = 0;
        for (int j = 0; j < weights.length; j++) {
            weights[j] = 1 + settings.line() * lineDoubt * lines[j] + settings.token() * tokenDoubt * tokens[j];
            loss += weights[j] * right.losses()[j];
            total += weights[j];
        }
        List<double[]> gradients = new ArrayList<>(List.of(weights));
        members.stream().skip(1).forEach(variant -> gradients.add(new double[variant.losses().length]));
        return new Outcome(loss, gradients, settings.normalise() == FaultWeighted.Normalise.WEIGHTS ? total
                : weights.length, Map.of("lineDoubt", lineDoubt, "tokenDoubt", tokenDoubt));
    }

    /** rho: how likely the wrong segments are against the right one, 1/2 where the model is undecided. */
    private double doubt(List<Member> members, String mask) {
        double right = mean(members.get(0), mask);
        double wrong = members.stream().skip(1).mapToDouble(variant -> mean(variant, mask))
                .filter(mean -> !Double.isNaN(mean)).average().orElse(Double.NaN);
        if (Double.isNaN(right) || Double.isNaN(wrong)) {
            return 0;
        }
        return settings.weighting() == FaultWeighted.Weighting.CONSTANT ? 1 : 1 / (1 + Math.exp(right - wrong));
    }

    /** The mean log-probability of marked tokens; not a number where none is marked. */
    private static double mean(Member member, String mask) {
        float[] marks = member.columns().get(mask);
        double sum = 0;
        double count = 0;
        for (int j = 0; j < marks.length; j++) {
            sum -= marks[j] * member.losses()[j];
            count += marks[j];
        }
        return sum / count;
    }
}
