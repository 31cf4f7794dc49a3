package org.finetune4j.methods.objective;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.Parameters;
import org.finetune4j.model.Precision;
import org.finetune4j.model.Steering;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.GradientEngine;
import org.finetune4j.train.ModelGradientEngine;

/**
 * Learning from the undesirable (LfU): a base objective, and that hidden states move little if the model is changed for the
 * worse.
 *
 * <p>Learning from the Undesirable: Robust Adaptation of Language Models without Forgetting, arXiv 2511.13052. With hidden
 * states h of the learned tokens as the model is and h' as they are in the worse model, the loss is
 * <pre>
 * base + weight mean ( h' - h )^2
 * </pre>
 * over states {@code lowest..highest}, tokens and elements, where one of h and h' is constant; the numbers of states are those
 * of transformers' {@code hidden_states}, of which the last has the final norm. The model gets worse by way of
 * <ul>
 * <li>its weights: {@code h' = h(theta + eps)} with {@code eps = step g / |g|} over all weights that train, g being the
 * gradient of the base's loss on another batch of the same data and eps constant. Every micro-batch costs three forward and
 * three reverse passes;
 * <li>steering: each block's feed-forward output m becomes {@code |m| unit(unit(m) + step unit(v))} with a vector v for each
 * block, at first standard normal. In every optimiser step the vectors take one step of Adam that raises the negative
 * log-likelihood of another batch, of the same data; nothing is dropped out in steered passes. Every micro-batch costs three
 * forward and two reverse passes.
 * </ul>
 * The paper's runs use LoRA of rank 8, a learning rate of 1e-4 and 3 epochs. Logs {@code undesirable}, the mean without its
 * weight.
 *
 * @param base         what is learned, token by token; default sft
 * @param via          what makes the model worse; default WEIGHTS
 * @param step         length of the step for the worse, finite and at least 0; default 0.1
 * @param weight       factor of the movement, finite and at least 0; default 5 by way of weights and 0.1 by way of steering
 * @param steeringRate learning rate of the vectors, relative to that of the run, finite and positive; default 1, without
 *                     effect by way of weights
 * @param lowest       first hidden state, at least 0: the embedding's; default 0
 * @param highest      last hidden state, at most the number of blocks, or -1 for it; default -1
 * @param detach       which states are constant; default as in the code, CLEAN by way of weights and PERTURBED by way of
 *                     steering
 * @param overElements whether elements of a state are averaged or added up; default MEAN, as in the code
 */
public record Undesirable(Objective base, Via via, double step, double weight, double steeringRate, int lowest, int highest,
                          Detach detach, OverElements overElements) implements OverBase {
    private static final double STEP = 0.1;
    private static final int LAST = -1;

    /** What makes the model worse. */
    public enum Via {
        /** A step of the weights that train; the paper's LoRA. */
        WEIGHTS(5, Detach.CLEAN),
        /** Vectors that turn what the blocks' feed-forward parts give; the paper's RepS. */
        STEERING(0.1, Detach.PERTURBED);

        private final double weight;
        private final Detach detach;

        Via(double weight, Detach detach) {
            this.weight = weight;
            this.detach = detach;
        }

        /** The default factor of the movement. */
        public double weight() {
            return weight;
        }

        /** Which states are constant by default. */
        public Detach detach() {
            return detach;
        }
    }

    /** Which states no gradient flows into. */
    public enum Detach {
        /** Those of the model as it is. */
        CLEAN,
        /** Those of the worse model. */
        PERTURBED
    }

    /** What becomes of the squared movements of one state's elements. */
    public enum OverElements {
        /** Their mean. */
        MEAN,
        /** Their sum, as in the paper's text. */
        SUM
    }

    /** LfU, 2025. */
    public static final Method<Undesirable> METHOD = new Method<>("undesirable", Method.Kind.OBJECTIVE,
            "Learning from the Undesirable: Robust Adaptation of Language Models without Forgetting",
            "arXiv 2511.13052",
            Undesirable::of);

    private static Undesirable of(Settings settings) {
        Via via = settings.choice("via", Via.WEIGHTS);
        return new Undesirable(settings.fragment("base", Method.Kind.OBJECTIVE, Objective.class, new Sft()), via,
                settings.number("step", STEP), settings.number("weight", via.weight()),
                settings.number("steeringRate", 1), settings.whole("lowest", 0), settings.whole("highest", LAST),
                settings.choice("detach", via.detach()), settings.choice("overElements", OverElements.MEAN));
    }

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Undesirable {
        Settings.require(step >= 0 && Double.isFinite(step), "undesirable", "step", step,
                "a finite number of at least 0");
        Settings.require(weight >= 0 && Double.isFinite(weight), "undesirable", "weight", weight,
                "a finite number of at least 0");
        Settings.require(steeringRate > 0 && Double.isFinite(steeringRate), "undesirable", "steeringRate", steeringRate,
                "finite and positive");
        Settings.require(lowest >= 0, "undesirable", "lowest", lowest, "at least 0");
        Settings.require(highest == LAST || highest >= lowest, "undesirable", "highest", highest,
                "at least " + lowest + " (lowest), or -1 for the last");
    }

    /** By way of the weights, the defaults with these settings. */
    public Undesirable(Objective base, double step, double weight) {
        this(base, Via.WEIGHTS, step, weight, 1, 0, LAST, Via.WEIGHTS.detach(), OverElements.MEAN);
    }

    /** The defaults by this way. */
    public Undesirable(Objective base, Via via) {
        this(base, via, STEP, via.weight(), 1, 0, LAST, via.detach(), OverElements.MEAN);
    }

    @Override
    public Method<Undesirable> method() {
        return METHOD;
    }

    @Override
    public TokenLoss tokenLoss() {
        return base.tokenLoss();
    }

    @Override
    public List<String> problems(Composition composition) {
        List<String> problems = new ArrayList<>(base.problems(composition));
        TokenLoss loss = base.tokenLoss();
        if (loss.sequenceLoss() != null || loss.divisor() != null || loss.drawsTokens()) {
            problems.add("undesirable needs a base whose loss is a plain mean over tokens, so that the movement of "
                    + "states has a known weight against it and the base can be taken on another batch; "
                    + base.method().name() + " is none. Take sft() or another such objective as the base.");
        }
        if (base.reduction() == Reduction.SUM_PER_SEQUENCE) {
            problems.add("undesirable needs a base whose loss is a mean over tokens or sequences, but it is a sum for each "
                    + "sequence. Choose another reduction.");
        }
        if (within(base)) {
            problems.add("undesirable is its own base, so that states would be kept from moving twice. Leave one of them "
                    + "out.");
        }
        if (via == Via.WEIGHTS && composition.adapter() == null && composition.train().precision() == Precision.BF16 && step > 0
                && weight > 0) {
            problems.add("undesirable moves every weight by less than bf16 keeps of it, so that nothing would move. Use an "
                    + "adapter, precision f32, or via STEERING.");
        }
        if (Math.max(lowest, highest) > composition.layers()) {
            problems.add("undesirable is to look at the hidden states " + lowest + " to "
                    + (highest == LAST ? "the last" : highest) + ", but the model has 0 to " + composition.layers()
                    + ". Lower lowest or highest.");
        }
        return problems;
    }

    /** The loss on the other batch, states as they are and worse ones, and what both are kept in. */
    @Override
    public PassForecast passes(PassOutline outline) {
        PassForecast own = base.passes(outline);
        if (step == 0 || weight == 0) {
            return own;
        }
        int last = highest == LAST ? outline.model().config().layers() : highest;
        return own.plus(via == Via.WEIGHTS ? worseWeights(outline, own, last) : steeredStates(outline, last));
    }

    private PassForecast worseWeights(PassOutline outline, PassForecast own, int last) {
        Parameters parameters = outline.model().parameters();
        // Weights and gradient.
        long kept = 2 * parameters.trainableCount() * outline.model().precision().masterType().width();
        try (HiddenStates states = HiddenStates.trained(outline.model(), lowest, last, outline.options())) {
            return new PassForecast(kept, own.products() + outline.training().products(),
                    own.movedBytes() + outline.training().movedBytes()).plus(outline.hiddenStates(states));
        }
    }

    /** The ascent is once in a step and counted for every micro-batch, so that a plan says rather too much. */
    private PassForecast steeredStates(PassOutline outline, int last) {
        try (Steering steering = new Steering(outline.model(), step, 0);
                TrainingEngine ascent = TrainingEngine.steered(outline.model(), new Sft().tokenLoss(), steering,
                        outline.options());
                HiddenStates clean = HiddenStates.trained(outline.model(), lowest, last, outline.options());
                HiddenStates steered = HiddenStates.steered(outline.model(), lowest, last, detach == Detach.CLEAN, steering,
                        outline.options())) {
            return new PassForecast(SteeredStates.vectorBytes(steering), 0, 0).plus(outline.training(ascent))
                    .plus(outline.hiddenStates(clean)).plus(outline.hiddenStates(steered));
        }
    }

    @Override
    public GradientEngine engine(ModelGradientEngine engine, PassContext context) {
        GradientEngine passes = base.engine(engine, context);
        return step == 0 || weight == 0 ? passes : UndesirableEngine.of(passes, passes != engine, context, this);
    }

    private static boolean within(Objective objective) {
        return objective instanceof Undesirable || objective instanceof OverBase over && within(over.base());
    }
}
