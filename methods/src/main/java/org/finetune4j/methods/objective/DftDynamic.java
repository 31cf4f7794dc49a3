package org.finetune4j.methods.objective;

import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Method;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Dynamic fine-tuning: every token's loss is scaled by the model's own probability of that token, held constant.
 *
 * <p>Wu et al., On the Generalization of SFT: A Reinforcement Learning Perspective with Reward Rectification,
 * arXiv 2508.05629. With p the label's probability and sg the stop-gradient, the loss of a token is
 * <pre>
 * - sg[p] log p
 * </pre>
 * whose gradient is that of {@code 1 - p}. The divisor is the number of tokens, not the sum of the weights. The paper's
 * runs use a learning rate of 5e-5 (Qwen2.5-Math) or 2e-5 (Llama 3.1 8B), batches of 256 and one epoch. Logs
 * {@code nll}, the loss without weights, and {@code probability}, the weight; plain SFT serves better where the mean
 * probability starts below about 0.1.
 */
public record DftDynamic() implements Objective, TokenLoss {
    /** Wu et al. 2025. */
    public static final Method<DftDynamic> METHOD = new Method<>("dftDynamic", Method.Kind.OBJECTIVE,
            "On the Generalization of SFT: A Reinforcement Learning Perspective with Reward Rectification",
            "arXiv 2508.05629", settings -> new DftDynamic());

    @Override
    public Method<DftDynamic> method() {
        return METHOD;
    }

    @Override
    public TokenLoss tokenLoss() {
        return this;
    }

    @Override
    public Expression build(TokenView view) {
        return build(view, 0);
    }

    /** The loss with weights of at least {@code floor}; one expression for this method and for {@link Asft}. */
    static Expression build(TokenView view, double floor) {
        SDVariable negativeLogLikelihood = view.logProbability().neg();
        SDVariable probability = view.graph().math().exp(view.logProbability());
        SDVariable weight = view.stopGradient(floor > 0
                ? view.graph().math().clipByValue(probability, floor, 1) : probability);
        Map<String, SDVariable> logged = new LinkedHashMap<>();
        logged.put("nll", negativeLogLikelihood);
        logged.put("probability", probability);
        return new Expression(weight.mul(negativeLogLikelihood), logged);
    }
}
