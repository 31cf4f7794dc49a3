package org.finetune4j.methods.select;

import java.util.List;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.PassForecast;
import org.finetune4j.methods.objective.PassOutline;
import org.finetune4j.train.BatchStage;

/**
 * Q-Tuning: of every micro-batch, keeps samples that the model gets confidently wrong or hesitantly right, and of the
 * former only their less surprising tokens.
 *
 * <p>Winning the Pruning Gamble: A Unified Approach to Joint Sample and Token Pruning for Efficient Supervised
 * Fine-Tuning, arXiv 2509.23873. A sample's error is its perplexity PPL, its uncertainty the mean entropy Ent of its
 * learned tokens, both of a pass without gradient. With quantiles of the micro-batch as thresholds, bisected until
 * about the wanted share is inside, Q2 is high PPL with low Ent and Q4 is low PPL with high Ent; both stay, and the
 * samples with the largest {@code |PPL - Ent|}, each scaled to [0, 1] within the batch, make up the number. In Q2 a
 * token has the score
 * <pre>
 * (1 - lambda) PPL_i + lambda (PPL_(i-1) + PPL_(i+1)),   PPL_i = 1 / p(y_i)
 * </pre>
 * of which the lowest stay. The loss is averaged over the tokens that are left. The paper's runs have 8 samples a
 * micro-batch, 3 epochs, a learning rate of 1e-4 and LoRA of rank 8.
 *
 * @param samples   share of a micro-batch's samples that stay, in (0, 1]; default 0.125
 * @param tokens    share of the learned tokens of a Q2 sample that stay, in (0, 1]; default 0.5
 * @param lambda    weight of a token's neighbours, in [0, 1]; default 0.5
 * @param kMax      rounds of the bisection, at least 1; default 10
 * @param rule      which tokens may go; default SCORE
 * @param mode      what happens to tokens that go; default DELETE
 * @param partition which round of the bisection counts; default BEST
 */
public record QTuning(double samples, double tokens, double lambda, int kMax, Rule rule, Removal mode,
                      Partition partition) implements BatchMethod {
    private static final int LEAST_BATCH = 4;

    /** Which tokens of a Q2 sample may go. */
    public enum Rule {
        /** Those with the highest scores. */
        SCORE,
        /**
         * Of those with the highest scores, such as exceed the sample's median themselves and with their neighbours'
         * mean.
         */
        CONJUNCTIVE
    }

    /** What happens to tokens that do not stay. */
    public enum Removal {
        /** They are taken out of the sequence, and what follows moves up; the last token always stays. */
        DELETE,
        /** They stay as context and are not learned. */
        MASK_LOSS
    }

    /** Which of the partitions that the bisection visits is used. */
    public enum Partition {
        /** The first with the most samples that are not too many. */
        BEST,
        /** The last one, as the paper's pseudo-code has it. */
        LAST
    }

    /** Q-Tuning, 2025. */
    public static final Method<QTuning> METHOD = new Method<>("qTuning", Method.Kind.SELECT,
            "Winning the Pruning Gamble: A Unified Approach to Joint Sample and Token Pruning for Efficient Supervised "
                    + "Fine-Tuning", "arXiv 2509.23873",
            settings -> new QTuning(settings.number("samples", 0.125), settings.number("tokens", 0.5),
                    settings.number("lambda", 0.5), settings.whole("kMax", 10), settings.choice("rule", Rule.SCORE),
                    settings.choice("mode", Removal.DELETE), settings.choice("partition", Partition.BEST)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public QTuning {
        Settings.require(samples > 0 && samples <= 1, "qTuning", "samples", samples, "above 0 and at most 1");
        Settings.require(tokens > 0 && tokens <= 1, "qTuning", "tokens", tokens, "above 0 and at most 1");
        Settings.require(lambda >= 0 && lambda <= 1, "qTuning", "lambda", lambda, "at least 0 and at most 1");
        Settings.require(kMax >= 1, "qTuning", "kMax", kMax, "at least 1");
    }

    /** The defaults with these shares. */
    public QTuning(double samples, double tokens) {
        this(samples, tokens, 0.5, 10, Rule.SCORE, Removal.DELETE, Partition.BEST);
    }

    @Override
    public Method<QTuning> method() {
        return METHOD;
    }

    @Override
    public boolean choosesSamples() {
        return samples < 1;
    }

    @Override
    public List<String> problems(BatchComposition composition) {
        int usual = composition.usualBatch();
        int least = Math.max(LEAST_BATCH, (int) Math.ceil(1 / samples - 1e-9));
        return samples == 1 || usual >= least ? List.of() : List.of("batch too small for samples=" + samples
                + ": a micro-batch has about " + usual + " samples, but at least " + least + " are needed. Raise "
                + "train.tokensPerBatch (" + composition.train().tokensPerBatch() + ") or samples.");
    }

    @Override
    public PassForecast passes(PassOutline outline, int longest) {
        return outline.forwardOnly(TokenStatistics.LOSS);
    }

    @Override
    public BatchStage stage(BatchContext context) {
        return new QTuningStage(this, context);
    }
}
