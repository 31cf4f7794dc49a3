package org.finetune4j.methods.objective;

import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * Supervised fine-tuning that stays curious: a pull towards an earlier self that is a little less sure, which keeps the
 * entropy from falling where the model was open.
 *
 * <p>Learning While Staying Curious: Entropy-Preserving Supervised Fine-Tuning via Adaptive Self-Distillation for Large
 * Reasoning Models, arXiv 2602.02244. The teacher is a copy of what trains that follows it every {@code teacherEvery}
 * steps. With p the label's probability, q that of the teacher at a temperature chosen for each token so that its entropy
 * exceeds the teacher's own by {@code maxGain sigmoid(slope (H - pivot))}, and sg the stop-gradient, the loss of a token is
 * <pre>
 * - log p + weight / 2 (log p - sg[log q])^2
 * </pre>
 * that is a log-likelihood of the weight {@code 1 - weight (log p - log q)}. The paper's runs use a learning rate of 1e-5,
 * batches of 256 and 3 epochs. Logs {@code nll}, {@code distillation}, {@code temperature}, {@code entropy} (the policy's)
 * and {@code teacherEntropy}; at weight 0 it is {@link Sft}, and there is no teacher.
 *
 * @param weight           factor of the pull, finite and at least 0; default 1
 * @param pivot            entropy in nats at which the gain is half of the most, at least 0; default 1.2
 * @param slope            how sharply it rises there, greater than 0; default 2
 * @param maxGain          the most that entropy may gain, in nats, at least 0; default 0.5
 * @param tauMin           lowest temperature, at least 1; default 1.1
 * @param tauMax           highest temperature, at least {@code tauMin}; default 1.5
 * @param lowEntropy       entropy in nats up to which the lowest temperature is taken, at least 0; default 0.03
 * @param topK             how many of the largest logits entropies are taken over, at least 2; default 512
 * @param iterations       halvings of the search for a temperature, at least 1; default 20
 * @param teacherMix       the policy's share when the teacher follows it, in [0, 1]; default 0.99 (the paper's code)
 * @param teacherEvery     steps between that, at least 1; default 5
 * @param mode             ADAPTIVE (default), or FIXED for the same temperature everywhere
 * @param fixedTemperature that temperature, at least 1; default 1.2
 */
public record CurioSft(double weight, double pivot, double slope, double maxGain, double tauMin, double tauMax,
                       double lowEntropy, int topK, int iterations, double teacherMix, int teacherEvery, Mode mode,
                       double fixedTemperature) implements Objective, TokenLoss {
    /** CurioSFT, 2026. */
    public static final Method<CurioSft> METHOD = new Method<>("curioSft", Method.Kind.OBJECTIVE,
            "Learning While Staying Curious: Entropy-Preserving Supervised Fine-Tuning via Adaptive Self-Distillation",
            "arXiv 2602.02244", CurioSft::from);
    private static final String NAME = "curioSft";

    /** How the teacher's temperature is found. */
    public enum Mode {
        /** For each token by its entropy. */
        ADAPTIVE,
        /** The same everywhere, as an ablation. */
        FIXED
    }

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public CurioSft {
        Settings.require(weight >= 0 && Double.isFinite(weight), NAME, "weight", weight, "a finite number of at least 0");
        Settings.require(pivot >= 0 && Double.isFinite(pivot), NAME, "pivot", pivot, "a finite number of at least 0");
        Settings.require(slope > 0 && Double.isFinite(slope), NAME, "slope", slope, "a finite number above 0");
        Settings.require(maxGain >= 0 && Double.isFinite(maxGain), NAME, "maxGain", maxGain,
                "a finite number of at least 0");
        Settings.require(tauMin >= 1 && Double.isFinite(tauMin), NAME, "tauMin", tauMin, "a finite number of at least 1");
        Settings.require(tauMax >= tauMin && Double.isFinite(tauMax), NAME, "tauMax", tauMax,
                "a finite number of at least tauMin, " + tauMin);
        Settings.require(lowEntropy >= 0, NAME, "lowEntropy", lowEntropy, "at least 0");
        Settings.require(topK >= 2, NAME, "topK", topK, "at least 2");
        Settings.require(iterations >= 1, NAME, "iterations", iterations, "at least 1");
        Settings.require(teacherMix >= 0 && teacherMix <= 1, NAME, "teacherMix", teacherMix, "in [0, 1]");
        Settings.require(teacherEvery >= 1, NAME, "teacherEvery", teacherEvery, "at least 1");
        Settings.require(fixedTemperature >= 1 && Double.isFinite(fixedTemperature), NAME, "fixedTemperature",
                fixedTemperature, "a finite number of at least 1");
    }

    /** The defaults with these settings. */
    public CurioSft(double weight, double pivot) {
        this(weight, pivot, 2, 0.5, 1.1, 1.5, 0.03, 512, 20, 0.99, 5, Mode.ADAPTIVE, 1.2);
    }

    private static CurioSft from(Settings settings) {
        return new CurioSft(settings.number("weight", 1), settings.number("pivot", 1.2), settings.number("slope", 2),
                settings.number("maxGain", 0.5), settings.number("tauMin", 1.1), settings.number("tauMax", 1.5),
                settings.number("lowEntropy", 0.03), settings.whole("topK", 512), settings.whole("iterations", 20),
                settings.number("teacherMix", 0.99), settings.whole("teacherEvery", 5),
                settings.choice("mode", Mode.ADAPTIVE), settings.number("fixedTemperature", 1.2));
    }

    @Override
    public Method<CurioSft> method() {
        return METHOD;
    }

    @Override
    public TokenLoss tokenLoss() {
        return this;
    }

    @Override
    public boolean needsReference() {
        return weight > 0;
    }

    @Override
    public @Nullable Lag lag() {
        return new Lag(teacherMix, teacherEvery);
    }

    @Override
    public Expression build(TokenView view) {
        if (!needsReference()) {
            return new Sft().build(view);
        }
        SDVariable logProbability = view.logProbability();
        SDVariable[] teacher = AdaptiveTemperature.of(view.referenceLogits(), view.labels(), this);
        SDVariable ratio = logProbability.sub(teacher[1]);
        SDVariable distillation = ratio.mul(ratio).mul(0.5);
        Map<String, SDVariable> logged = new LinkedHashMap<>();
        logged.put("nll", logProbability.neg());
        logged.put("distillation", distillation);
        logged.put("temperature", teacher[0]);
        logged.put("entropy", view.entropy(view.logits()));
        logged.put("teacherEntropy", teacher[2]);
        return new Expression(logProbability.neg().add(distillation.mul(weight)), logged);
    }
}
