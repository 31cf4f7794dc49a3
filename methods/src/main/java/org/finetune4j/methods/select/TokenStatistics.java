package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.finetune4j.data.Example;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.StepBatches;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * What the model thinks of one sample's learned tokens, held constant.
 *
 * @param logProbabilities of each token {@code [learned]}
 * @param entropies        of the distribution that predicts each, in nats {@code [learned]}
 */
record TokenStatistics(float[] logProbabilities, float[] entropies) {
    private static final String ENTROPY = "entropy";

    /** Reports the entropy beside the negative log-probability. */
    static final TokenLoss LOSS = new TokenLoss() {
        @Override
        public boolean needsReference() {
            return false;
        }

        @Override
        public Expression build(TokenView view) {
            SDVariable loss = view.logProbability().neg();
            return new Expression(loss, Map.of(ENTROPY, view.entropy(view.logits())));
        }
    };

    /** A pass that {@link #of} uses: forward only, so that no gradient is touched, and without dropout. */
    static TrainingEngine pass(LanguageModel model, EngineOptions options) {
        return TrainingEngine.forwardOnly(model, LOSS, options);
    }

    /** The statistics of samples that are scored together, which does not change them. */
    static List<TokenStatistics> of(List<Example> batch, TrainingEngine pass) {
        Map<String, float[]> values = pass.evaluate(StepBatches.of(List.of(batch), Reduction.TOKENS).get(0)).values();
        float[] losses = values.get("loss");
        float[] entropies = values.get(ENTROPY);
        List<TokenStatistics> statistics = new ArrayList<>();
        int from = 0;
        for (Example example : batch) {
            int to = from + example.supervisedTokens();
            float[] logProbabilities = new float[to - from];
            for (int i = from; i < to; i++) {
                logProbabilities[i - from] = -losses[i];
            }
            statistics.add(new TokenStatistics(logProbabilities, Arrays.copyOfRange(entropies, from, to)));
            from = to;
        }
        return statistics;
    }

    /** The exponential of the mean negative log-probability. */
    double perplexity() {
        return Math.exp(-mean(logProbabilities));
    }

    /** The mean entropy in nats. */
    double entropy() {
        return mean(entropies);
    }

    private static double mean(float[] numbers) {
        double sum = 0;
        for (float number : numbers) {
            sum += number;
        }
        return sum / numbers.length;
    }
}
