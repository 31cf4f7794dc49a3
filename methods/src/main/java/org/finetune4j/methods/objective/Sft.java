package org.finetune4j.methods.objective;

import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Supervised fine-tuning: teacher-forced maximum likelihood of the response given the prompt.
 *
 * <p>With logits z, label y, vocabulary size V and {@code lse = log sum_v exp z_v}, the loss of a token is
 * <pre>
 * (1 - e) (lse - z_y) + e (lse - mean_v z_v) + zeta lse^2
 * </pre>
 * Label smoothing e spreads over all V with the label among them (as PyTorch's {@code cross_entropy}); the z-loss keeps
 * the normaliser near 1 (PaLM, arXiv 2204.02311, section 5, where zeta is 1e-4). Logs {@code nll}, the loss without
 * either.
 *
 * @param labelSmoothing e, in [0, 1); default 0
 * @param zLoss          zeta, finite and at least 0; default 0
 * @param reduction      how tokens are averaged over an optimiser step; default TOKENS
 */
public record Sft(double labelSmoothing, double zLoss, Reduction reduction) implements Objective, TokenLoss {
    /** Supervised fine-tuning, common practice. */
    public static final Method<Sft> METHOD = new Method<>("sft", Method.Kind.OBJECTIVE, "Supervised fine-tuning",
            "common practice", settings -> new Sft(settings.number("labelSmoothing", 0), settings.number("zLoss", 0),
                    settings.choice("reduction", Reduction.TOKENS)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Sft {
        Settings.require(labelSmoothing >= 0 && labelSmoothing < 1, "sft", "labelSmoothing", labelSmoothing,
                "at least 0 and below 1");
        Settings.require(zLoss >= 0 && Double.isFinite(zLoss), "sft", "zLoss", zLoss,
                "a finite number of at least 0");
    }

    /** The defaults. */
    public Sft() {
        this(0, 0, Reduction.TOKENS);
    }

    @Override
    public Method<Sft> method() {
        return METHOD;
    }

    @Override
    public TokenLoss tokenLoss() {
        return this;
    }

    @Override
    public Expression build(TokenView view) {
        SDVariable negativeLogLikelihood = view.logProbability().neg();
        SDVariable loss = negativeLogLikelihood;
        if (labelSmoothing > 0) {
            SDVariable uniform = view.logSumExp().sub(view.logits().mean(1));
            loss = loss.mul(1 - labelSmoothing).add(uniform.mul(labelSmoothing));
        }
        if (zLoss > 0) {
            loss = loss.add(view.logSumExp().mul(view.logSumExp()).mul(zLoss));
        }
        return new Expression(loss, Map.of("nll", negativeLogLikelihood));
    }
}
