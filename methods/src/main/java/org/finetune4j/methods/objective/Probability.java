package org.finetune4j.methods.objective;

import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * A family of objectives of the label's probability, from log-likelihood to ones that lean on what the model believes.
 *
 * <p>Beyond Log Likelihood: Probability-Based Objectives for Supervised Fine-Tuning across the Model Capability Continuum,
 * arXiv 2510.00526. With p the label's probability, the loss of a token is
 * <pre>
 * (1 - p^alpha) / alpha,   and - log p where alpha is 0
 * </pre>
 * whose gradient on the label's logit has the size {@code p^alpha (1 - p)}, largest at {@code p = alpha / (alpha + 1)}.
 * At alpha 1 it has the gradient of {@link DftDynamic}. A strong base model wants a larger alpha, a weak one 0. The paper's
 * runs use a learning rate of 5e-5, batches of 256 and one epoch. Logs {@code nll} and {@code probability}.
 *
 * @param alpha finite and at least 0; default 1
 */
public record Probability(double alpha) implements Objective, TokenLoss {
    /** Beyond Log Likelihood, 2025. */
    public static final Method<Probability> METHOD = new Method<>("probability", Method.Kind.OBJECTIVE,
            "Beyond Log Likelihood: Probability-Based Objectives for Supervised Fine-Tuning",
            "arXiv 2510.00526", settings -> new Probability(settings.number("alpha", 1)));
    /** Below it {@code 1 - p^alpha} has lost its digits, and two terms of its series have them all. */
    private static final double SMALL = 1e-4;

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Probability {
        Settings.require(alpha >= 0 && Double.isFinite(alpha), "probability", "alpha", alpha,
                "a finite number of at least 0");
    }

    @Override
    public Method<Probability> method() {
        return METHOD;
    }

    @Override
    public TokenLoss tokenLoss() {
        return this;
    }

    @Override
    public Expression build(TokenView view) {
        SDVariable logProbability = view.logProbability();
        SDVariable nll = logProbability.neg();
        SDVariable loss;
        if (alpha == 0) {
            loss = nll;
        } else if (alpha < SMALL) {
            loss = nll.sub(logProbability.mul(logProbability).mul(alpha / 2));
        } else {
            loss = view.graph().math().exp(logProbability.mul(alpha)).rsub(1).div(alpha);
        }
        return new Expression(loss, Map.of("nll", nll, "probability", view.graph().math().exp(logProbability)));
    }
}
