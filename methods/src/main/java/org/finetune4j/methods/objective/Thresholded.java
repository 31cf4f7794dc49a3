package org.finetune4j.methods.objective;

import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Learns only from tokens that the model finds likely enough, or unlikely enough, as it is at each step.
 *
 * <p>Beyond Log Likelihood: Probability-Based Objectives for Supervised Fine-Tuning across the Model Capability Continuum,
 * arXiv 2510.00526. With p the label's probability, m = 1 where {@code p >= q} (ABOVE) or {@code p <= q} (BELOW) and else
 * 0, held constant, and g either {@code - log p} or {@code 1 - p}, the loss of a step is
 * <pre>
 * sum m g(p) / sum m
 * </pre>
 * over its supervised tokens, so that the divisor counts the tokens that are left. A step without any changes nothing.
 * Logs {@code nll}, {@code probability} and {@code kept}, the share of tokens that are left.
 *
 * @param base what is minimised of a token that is left; default NLL
 * @param keep which side of the threshold is left; default ABOVE
 * @param q    the threshold, in [0, 1) for ABOVE and in (0, 1] for BELOW; default 0.2
 */
public record Thresholded(Base base, Keep keep, double q) implements Objective, TokenLoss {
    /** Beyond Log Likelihood, 2025. */
    public static final Method<Thresholded> METHOD = new Method<>("thresholded", Method.Kind.OBJECTIVE,
            "Beyond Log Likelihood: Probability-Based Objectives for Supervised Fine-Tuning",
            "arXiv 2510.00526", settings -> new Thresholded(settings.choice("base", Base.NLL),
                    settings.choice("keep", Keep.ABOVE), settings.number("q", 0.2)));
    private static final String KEPT = "kept";

    /** What is minimised of a token. */
    public enum Base {
        /** {@code - log p}. */
        NLL,
        /** {@code 1 - p}. */
        LINEAR
    }

    /** Which tokens are left. */
    public enum Keep {
        /** Those of at least the threshold. */
        ABOVE,
        /** Those of at most the threshold. */
        BELOW
    }

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Thresholded {
        boolean fits = keep == Keep.ABOVE ? q >= 0 && q < 1 : q > 0 && q <= 1;
        Settings.require(fits, "thresholded", "q", q, "in [0, 1) to keep ABOVE, or in (0, 1] to keep BELOW");
    }

    @Override
    public Method<Thresholded> method() {
        return METHOD;
    }

    @Override
    public TokenLoss tokenLoss() {
        return this;
    }

    @Override
    public String divisor() {
        return KEPT;
    }

    @Override
    public Expression build(TokenView view) {
        SDVariable nll = view.logProbability().neg();
        SDVariable probability = view.graph().math().exp(view.logProbability());
        SDVariable left = keep == Keep.ABOVE ? probability.gte(q) : probability.lte(q);
        SDVariable mask = view.stopGradient(left.castTo(probability.dataType()));
        Map<String, SDVariable> logged = new LinkedHashMap<>();
        logged.put("nll", nll);
        logged.put("probability", probability);
        logged.put(KEPT, mask);
        return new Expression((base == Base.NLL ? nll : probability.rsub(1)).mul(mask), logged);
    }
}
