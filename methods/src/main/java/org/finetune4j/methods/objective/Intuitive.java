package org.finetune4j.methods.objective;

import org.finetune4j.head.TokenLoss;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.train.GradientEngine;
import org.finetune4j.train.ModelGradientEngine;

/**
 * Intuitive fine-tuning: the model reads its own next words blended into the response, and every word answers for the
 * mistakes that follow it.
 *
 * <p>Intuitive Fine-Tuning: Towards Simplifying Alignment into a Single Process, arXiv 2405.11870. A pass without gradient
 * finds the model's own token a at each place of the response; the second pass reads {@code (1 - lambda) E[x] + lambda
 * E[a]} there, without gradient into E. With l the token losses of a response of N tokens, the loss of a sequence is
 * <pre>
 * sum_t w_t l_t / sum_t w_t,   w = norm(c),   c_t = 1/N sum_{i at or behind t} gamma^|i - t| l_i
 * </pre>
 * and that of a step the mean over its sequences. The weights take part in the gradient, as in the paper's code, unless
 * {@code detachWeights}. At gamma 0 every weight is 1. The held-out loss is taken on the words as they are. The paper's runs
 * use a learning rate of 5e-7, batches of 512 and 3 epochs. Logs {@code nll}, of the blended pass, and {@code lambda}.
 *
 * @param lambda        the share of the model's own words behind the warm-up, in [0, 1]; default 0.2
 * @param gamma         how far a word answers for later ones, in [0, 1]; default 0.95
 * @param norm          how sums become weights; default L1
 * @param side          which words a word answers for: LEFT (default) those behind it; RIGHT those before it, inversely
 * @param form          SUFFIX_WEIGHTS (default; the paper's code), or DOUBLE_SUM (its equation 21)
 * @param detachWeights whether weights are constants of the gradient; default false
 * @param draft         the model's own token: GREEDY (default), one that is DRAWN, or one that is drawn of the TOP2
 * @param startLambda   the share in the first step, in [0, lambda], from which it rises evenly over the run's warm-up;
 *                      default lambda
 * @param disturbance   how much the share of a step is disturbed, finite and at least 0: it is multiplied by
 *                      {@code 1 + disturbance n} with a standard normal n, and kept within [0, 1]; default 0
 */
public record Intuitive(double lambda, double gamma, Norm norm, Side side, Form form, boolean detachWeights, Draft draft,
                        double startLambda, double disturbance) implements Objective {
    private static final double LAMBDA = 0.2;

    /** Intuitive Fine-Tuning, 2024. */
    public static final Method<Intuitive> METHOD = new Method<>("intuitive", Method.Kind.OBJECTIVE,
            "Intuitive Fine-Tuning: Towards Simplifying Alignment into a Single Process", "arXiv 2405.11870",
            settings -> new Intuitive(settings.number("lambda", LAMBDA), settings.number("gamma", 0.95),
                    settings.choice("norm", Norm.L1), settings.choice("side", Side.LEFT),
                    settings.choice("form", Form.SUFFIX_WEIGHTS), settings.flag("detachWeights", false),
                    settings.choice("draft", Draft.GREEDY), settings.number("startLambda", settings.number("lambda", LAMBDA)),
                    settings.number("disturbance", 0)));

    /** How a discounted sum c of losses becomes a weight. */
    public enum Norm {
        /** c. */
        L1,
        /** c squared. */
        L2,
        /** log(1 + c). */
        LOG,
        /** exp(c). */
        SOFTMAX
    }

    /** Which words a word answers for. */
    public enum Side {
        /** Itself and those behind it. */
        LEFT,
        /** Itself and those before it; a word counts the less, the more was wrong. */
        RIGHT
    }

    /** The two forms in which the paper has its loss. */
    public enum Form {
        /** Token losses with weights of discounted sums. */
        SUFFIX_WEIGHTS,
        /** The double sum {@code sum_n sum_{i >= n} gamma^(i - n) l_i}. */
        DOUBLE_SUM
    }

    /** How the model's own token is chosen. */
    public enum Draft {
        /** The likeliest. */
        GREEDY(1),
        /** One drawn at temperature 1. */
        DRAWN(0),
        /** One of the two likeliest, drawn at temperature 1; the paper's code names it, and this is what it is taken for. */
        TOP2(2);

        private final int among;

        Draft(int among) {
            this.among = among;
        }

        boolean draws() {
            return this != GREEDY;
        }

        /** Of how many of the likeliest; 0 for all. */
        int among() {
            return among;
        }
    }

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Intuitive {
        Settings.require(lambda >= 0 && lambda <= 1, "intuitive", "lambda", lambda, "in [0, 1]");
        Settings.require(startLambda >= 0 && startLambda <= lambda, "intuitive", "startLambda", startLambda,
                "in [0, " + lambda + "], the upper bound being lambda");
        Settings.require(disturbance >= 0 && Double.isFinite(disturbance), "intuitive", "disturbance", disturbance,
                "a finite number of at least 0");
        Settings.require(gamma >= 0 && gamma <= 1, "intuitive", "gamma", gamma, "in [0, 1]");
    }

    /** The defaults with these settings. */
    public Intuitive(double lambda, double gamma) {
        this(lambda, gamma, Norm.L1, Side.LEFT, Form.SUFFIX_WEIGHTS, false, Draft.GREEDY, lambda, 0);
    }

    /** The share of own words in the step behind so many. */
    double share(long done, long warmupSteps, long seed) {
        double share = done < warmupSteps ? startLambda + (lambda - startLambda) * done / warmupSteps : lambda;
        return disturbance == 0 ? share
                : Math.min(1, Math.max(0, share * (1 + disturbance * CounterRandom.gaussian(seed, done))));
    }

    @Override
    public Method<Intuitive> method() {
        return METHOD;
    }

    @Override
    public Reduction reduction() {
        return Reduction.SUM_PER_SEQUENCE;
    }

    @Override
    public TokenLoss tokenLoss() {
        return new SampleTokenLoss(new IntuitiveLoss(this)) {
            @Override
            public double draftShare() {
                return lambda;
            }

            @Override
            public boolean drawsTokens() {
                return draft.draws();
            }
        };
    }

    @Override
    public PassForecast passes(PassOutline outline) {
        return lambda == 0 ? PassForecast.NONE : outline.forwardOnly(new DraftingEngine.OwnTokens(draft));
    }

    @Override
    public GradientEngine engine(ModelGradientEngine engine, PassContext context) {
        return lambda == 0 ? engine : new DraftingEngine(engine, context, this);
    }
}
