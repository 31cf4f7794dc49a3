package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.PassForecast;
import org.finetune4j.methods.objective.PassOutline;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.BatchStage;

/**
 * UDS: of every micro-batch, learns the samples whose logits are rich in themselves and far from those that were
 * learned lately.
 *
 * <p>Utility-Diversity Aware Online Batch Selection for LLM Supervised Fine-tuning, arXiv 2510.16882. With a sample's
 * raw logits {@code L [positions, vocabulary]} of prompt and response, of a pass without gradient and dropout, its
 * score is
 * <pre>
 * ||L||_* + alpha mean_j ||z - z_j||_2,   z = vec(G2 L G1^T)
 * </pre>
 * where {@code ||.||_*} is the sum of the singular values, the z_j are those of the last {@code buffer} samples that
 * were learned before this step, and G1 and G2 are subsampled random Fourier projections, drawn once from the seed. The
 * {@code ceil(keep b / of)} best of a micro-batch of b samples are learned; of equal ones the earlier. The official
 * code scores padding as well, which packed batches do not have. The paper's runs have 1 of 8, batches of 128
 * candidates, one epoch, a learning rate of 1.5e-4 and LoRA of rank 8.
 *
 * @param keep           samples that are learned of {@code of}, at least 1 and at most {@code of}; default 1
 * @param of             samples they are chosen from, at least 2; default 8
 * @param alpha          weight of the distance, finite and at least 0; default 1.5e-3, the paper's under OFFICIAL
 *                       scaling
 * @param buffer         sketches of learned samples that are remembered, at least 1 and better many times {@code of};
 *                       default 1024
 * @param positionDims   d2, the sketch's size along the positions, at least 1; default 8
 * @param vocabularyDims d1, its size along the vocabulary, at least 1; default 128
 * @param warmup         steps before the first choice, in which everything is learned, at least 0; default 0
 * @param scaling        of the projections, with which alpha's meaning changes; default OFFICIAL
 * @param score          what samples are chosen by; default UTILITY_DIVERSITY, the others being baselines
 */
public record Uds(int keep, int of, double alpha, int buffer, int positionDims, int vocabularyDims, int warmup,
                  Scaling scaling, Score score) implements BatchMethod {
    /** How projections are scaled. */
    public enum Scaling {
        /**
         * As the official code does, which makes distances about {@code sqrt(positions vocabulary) / 2} times as long.
         */
        OFFICIAL,
        /** So that distances about stay what they are. */
        ISOMETRIC
    }

    /** What samples are chosen by. */
    public enum Score {
        /** The method's. */
        UTILITY_DIVERSITY,
        /** Nothing: they are drawn. */
        RANDOM,
        /** The highest mean negative log-probability of the learned tokens. */
        MAX_LOSS,
        /**
         * The largest norm of the gradient of that by all that trains, which costs a reverse pass for every sample.
         */
        MAX_GRADIENT
    }

    private static final long LARGEST_BUFFER = 3_600_000;

    /** UDS, 2025. */
    public static final Method<Uds> METHOD = new Method<>("uds", Method.Kind.SELECT,
            "Utility-Diversity Aware Online Batch Selection for LLM Supervised Fine-tuning", "arXiv 2510.16882",
            settings -> new Uds(settings.whole("keep", 1), settings.whole("of", 8), settings.number("alpha", 1.5e-3),
                    settings.whole("buffer", 1024), settings.whole("positionDims", 8),
                    settings.whole("vocabularyDims", 128), settings.whole("warmup", 0),
                    settings.choice("scaling", Scaling.OFFICIAL), settings.choice("score", Score.UTILITY_DIVERSITY)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Uds {
        Settings.require(of >= 2, "uds", "of", of, "at least 2");
        Settings.require(keep >= 1 && keep <= of, "uds", "keep", keep, "at least 1 and at most " + of + " (of)");
        Settings.require(alpha >= 0 && Double.isFinite(alpha), "uds", "alpha", alpha, "a finite number of at least 0");
        Settings.require(buffer >= 1, "uds", "buffer", buffer, "at least 1");
        Settings.require((long) buffer * positionDims * vocabularyDims <= LARGEST_BUFFER, "uds", "buffer", buffer,
                "small enough that its sketches of positionDims times vocabularyDims numbers, " + LARGEST_BUFFER
                        + " together, fit into a checkpoint's text");
        Settings.require(positionDims >= 1, "uds", "positionDims", positionDims, "at least 1");
        Settings.require(vocabularyDims >= 1, "uds", "vocabularyDims", vocabularyDims, "at least 1");
        Settings.require(warmup >= 0, "uds", "warmup", warmup, "at least 0");
    }

    /** The defaults with this share. */
    public Uds(int keep, int of) {
        this(keep, of, 1.5e-3, 1024, 8, 128, 0, Scaling.OFFICIAL, Score.UTILITY_DIVERSITY);
    }

    /** The alpha under ISOMETRIC scaling that does what this one does under OFFICIAL. */
    public static double isometricAlpha(double officialAlpha, int positions, int vocabulary) {
        return officialAlpha * Math.sqrt((double) positions * vocabulary) / 2;
    }

    @Override
    public Method<Uds> method() {
        return METHOD;
    }

    @Override
    public boolean choosesSamples() {
        return true;
    }

    /** How many samples are learned of a micro-batch of so many. */
    int kept(int count) {
        return (int) (((long) keep * count + of - 1) / of);
    }

    @Override
    public List<String> problems(BatchComposition composition) {
        List<String> problems = new ArrayList<>();
        if (composition.usualBatch() < 2) {
            problems.add("a micro-batch has about 1 sample, of which nothing can be chosen. Raise "
                    + "train.tokensPerBatch ("
                    + composition.train().tokensPerBatch() + ").");
        }
        if (score == Score.UTILITY_DIVERSITY && vocabularyDims > composition.vocabulary()) {
            problems.add("vocabularyDims is " + vocabularyDims + ", but the vocabulary has only "
                    + composition.vocabulary() + " tokens. Lower it.");
        }
        if (score == Score.UTILITY_DIVERSITY && positionDims > composition.longest()) {
            problems.add("positionDims is " + positionDims + ", but the longest sample has only "
                    + composition.longest()
                    + " tokens. Lower it.");
        }
        return problems;
    }

    @Override
    public PassForecast passes(PassOutline outline, int longest) {
        return switch (score) {
            case MAX_LOSS -> outline.forwardOnly(TokenStatistics.LOSS);
            case MAX_GRADIENT -> gradients(outline);
            case UTILITY_DIVERSITY -> sketches(outline, longest);
            default -> PassForecast.NONE;
        };
    }

    /** A training pass over every sample, one after the other. */
    private static PassForecast gradients(PassOutline outline) {
        try (TrainingEngine engine = new TrainingEngine(outline.model(), new Sft().tokenLoss(), true, outline.options())) {
            return outline.training(engine);
        }
    }

    /** The last states of all tokens, and what is made of their logits a sample and a block of the vocabulary at a time. */
    private PassForecast sketches(PassOutline outline, int longest) {
        ModelConfig config = outline.model().config();
        int tokens = outline.tokens() + outline.sequences();
        long vocabulary = config.vocabularySize();
        try (HiddenStates states = HiddenStates.forwardOnly(outline.model(), List.of(config.layers()), outline.options())) {
            return PassForecast.of(states.forecast(tokens, tokens, outline.sequences())).plus(new PassForecast(
                    (vocabularyDims * vocabulary + (long) positionDims * longest) * Float.BYTES
                            + LogitSketch.bytes(longest, vocabularyDims, config.hiddenSize()),
                    2.0 * tokens * vocabulary * (config.hiddenSize() + longest + vocabularyDims), 0));
        }
    }

    @Override
    public BatchStage stage(BatchContext context) {
        if (buffer < of) {
            context.listener().warned("uds remembers " + buffer + " samples, which is less than the " + of
                    + " of one choice, so that it hardly knows what was learned. Raise buffer.");
        }
        return new UdsStage(this, context);
    }
}
