package org.finetune4j.methods.objective;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * One-token rollout: policy gradient on tokens that the model itself draws behind the reference's words.
 *
 * <p>One-Token Rollout: Guiding Supervised Fine-Tuning of LLMs with Policy Gradient, arXiv 2509.26313. At every supervised
 * token K tokens a are drawn, with replacement, from {@code softmax(logits / temperature)}, with the reward R 1 for the
 * label and beta for any other; the loss of a token is
 * <pre>
 * - 1/K sum_j R(a_j) log p(a_j)
 * </pre>
 * with p at temperature 1 and no gradient through the draw. A label that was never drawn is not learned in this step. The
 * draws depend on the run's seed, the step, the sample and the position alone. Logs {@code nll}, {@code hitRate} (draws
 * that are the label) and {@code missed} (tokens whose label was never drawn).
 *
 * @param samples     K, at least 1; default 256
 * @param temperature greater than 0; default 1.3
 * @param wrongReward beta, finite and below 1; default -0.1
 */
public record OneTokenRollout(int samples, double temperature, double wrongReward) implements Objective, TokenLoss {
    /** One-Token Rollout, 2025. */
    public static final Method<OneTokenRollout> METHOD = new Method<>("oneTokenRollout", Method.Kind.OBJECTIVE,
            "One-Token Rollout: Guiding Supervised Fine-Tuning of LLMs with Policy Gradient", "arXiv 2509.26313",
            settings -> new OneTokenRollout(settings.whole("samples", 256), settings.number("temperature", 1.3),
                    settings.number("wrongReward", -0.1)));

    /** Draws of which the mean is near what is expected. */
    private static final int MANY = 64;

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public OneTokenRollout {
        Settings.require(samples >= 1, "oneTokenRollout", "samples", samples, "at least 1");
        Settings.require(temperature > 0 && Double.isFinite(temperature), "oneTokenRollout", "temperature", temperature,
                "a finite number above 0");
        Settings.require(wrongReward < 1 && Double.isFinite(wrongReward), "oneTokenRollout", "wrongReward", wrongReward,
                "finite and below 1, for the reward must prefer the label");
    }

    @Override
    public Method<OneTokenRollout> method() {
        return METHOD;
    }

    @Override
    public List<String> notes() {
        if (temperature < 1) {
            return List.of("oneTokenRollout draws at temperature " + temperature + ", so that the model proposes less than it "
                    + "believes; 1 or more is meant.");
        }
        return temperature == 1 && wrongReward == 0 && samples >= MANY
                ? List.of("oneTokenRollout with temperature 1, wrongReward 0 and " + samples + " samples is dftDynamic() with "
                        + "noise: take that, or change one of the two.") : List.of();
    }

    @Override
    public TokenLoss tokenLoss() {
        return this;
    }

    @Override
    public boolean drawsTokens() {
        return true;
    }

    @Override
    public Expression build(TokenView view) {
        return build(view, view.drawnTokens(view.logits(), temperature, samples));
    }

    /** The loss for these counts of drawn tokens, {@code [chunk, vocabulary]}. */
    Expression build(TokenView view, SDVariable counts) {
        SDVariable hits = view.atLabel(counts);
        SDVariable rewarded = view.logProbability().mul(hits).mul(1 - wrongReward);
        if (wrongReward != 0) {
            SDVariable all = counts.mul(view.logits()).sum(1).sub(view.logSumExp().mul(samples));
            rewarded = rewarded.add(all.mul(wrongReward));
        }
        Map<String, SDVariable> logged = new LinkedHashMap<>();
        logged.put("nll", view.logProbability().neg());
        logged.put("hitRate", hits.div(samples));
        logged.put("missed", hits.eq(0).castTo(hits.dataType()));
        return new Expression(rewarded.mul(-1.0 / samples), logged);
    }
}
