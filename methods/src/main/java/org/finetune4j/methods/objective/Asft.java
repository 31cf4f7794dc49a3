package org.finetune4j.methods.objective;

import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Anchored supervised fine-tuning: {@link DftDynamic} with a divergence to the model that training started from.
 *
 * <p>Anchored Supervised Fine-Tuning, arXiv 2509.23753. With p the label's probability, pi the policy's and q the
 * reference's distribution over the whole vocabulary, and sg the stop-gradient, the loss of a token is
 * <pre>
 * - sg[max(p, floor)] log p + kl KL(q || pi)
 * </pre>
 * The reference is the model before this stage: the base with its adapter off, or a frozen copy. With {@code kl} 0
 * there is no reference at all and the loss is that of {@link DftDynamic}, bit for bit. The paper's runs use a learning
 * rate of 2e-5, 3 epochs and batches of 64. Logs {@code nll}, {@code probability} and, where there is a reference,
 * {@code dft} and {@code kl}.
 *
 * @param kl          factor of the divergence, finite and at least 0; default 0.05 (the paper's; its code has 0.1)
 * @param direction   which way round the divergence is taken; default FORWARD, which the paper finds better
 * @param weightFloor least weight of a token, in [0, 1); default 0: none
 */
public record Asft(double kl, KlDirection direction, double weightFloor) implements Objective, TokenLoss {
    /** ASFT, 2025. */
    public static final Method<Asft> METHOD = new Method<>("asft", Method.Kind.OBJECTIVE,
            "Anchored Supervised Fine-Tuning", "arXiv 2509.23753",
            settings -> new Asft(settings.number("kl", 0.05), settings.choice("direction", KlDirection.FORWARD),
                    settings.number("weightFloor", 0)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Asft {
        Settings.require(kl >= 0 && Double.isFinite(kl), "asft", "kl", kl, "a finite number of at least 0");
        Settings.require(weightFloor >= 0 && weightFloor < 1, "asft", "weightFloor", weightFloor,
                "at least 0 and below 1");
    }

    /** The defaults with this factor of the divergence. */
    public Asft(double kl) {
        this(kl, KlDirection.FORWARD, 0);
    }

    @Override
    public Method<Asft> method() {
        return METHOD;
    }

    @Override
    public TokenLoss tokenLoss() {
        return this;
    }

    @Override
    public boolean needsReference() {
        return kl > 0;
    }

    @Override
    public Expression build(TokenView view) {
        Expression dynamic = DftDynamic.build(view, weightFloor);
        if (!needsReference()) {
            return dynamic;
        }
        SDVariable divergence = direction == KlDirection.FORWARD
                ? view.klDivergence(view.referenceLogits(), view.logits())
                : view.klDivergence(view.logits(), view.referenceLogits());
        Map<String, SDVariable> logged = new LinkedHashMap<>(dynamic.logged());
        logged.put("dft", dynamic.loss());
        logged.put("kl", divergence);
        return new Expression(dynamic.loss().add(divergence.mul(kl)), logged);
    }
}
