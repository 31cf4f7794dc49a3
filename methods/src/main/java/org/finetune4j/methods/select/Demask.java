package org.finetune4j.methods.select;

import java.util.List;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.objective.ExamplePreparation;
import org.finetune4j.train.BatchStage;

/**
 * Masked fine-tuning: the model restores a document from a copy of which a random share of tokens is masked, other ones
 * at every visit.
 *
 * <p>Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs, arXiv 2510.09885. A sample
 * becomes a turn of the user with the copy and a request, and one of the assistant with a lead-in, the whole document
 * and its end; the document and the end are learned, all of them. Of a response to a prompt the user's turn is the
 * prompt and the copy. With a ratio t drawn uniformly from {@code lo..hi}, each token of the copy is masked with the
 * probability t. The paper's runs train every weight with a learning rate of 3e-6 for thousands of passes over small
 * corpora.
 *
 * @param lo         least ratio, in [0, 1]; default 0.05
 * @param hi         greatest ratio, at least {@code lo} and at most 1; default 0.95; a fixed ratio has both the same
 * @param mode       where between them a ratio lies; default SAMPLE
 * @param draw       what a ratio is drawn for; default PER_BATCH
 * @param maskToken  the token that stands for a masked one, an added one that nothing else uses; default empty: the
 *                   tokenizer's first with {@code mask} or {@code reserved} in its name. A base without one is given one by
 *                   {@link org.finetune4j.train.SavedModel#saveWithTokens}
 * @param request    what the user asks for behind the copy, not empty
 * @param leadIn     what the assistant begins with, not empty
 * @param plainShare share of the samples with a prompt that stay as they are, in [0, 1]; default 0.5
 * @param refresh    whether masks are drawn anew at every visit; default true, false being an ablation
 */
public record Demask(double lo, double hi, Mode mode, Draw draw, String maskToken, String request, String leadIn,
                     double plainShare, boolean refresh) implements BatchMethod {
    /** What users ask for by default. */
    public static final String REQUEST = "\nRestore the passage above, filling in every masked token.";
    /** What answers begin with by default. */
    public static final String LEAD_IN = "Restored passage:\n\n";

    /** Where between its bounds a ratio lies. */
    public enum Mode {
        /** Anywhere, drawn. */
        SAMPLE,
        /** At {@code lo} in the first step, at {@code hi} in the last, and evenly between. */
        SCHEDULE
    }

    /** What a ratio is drawn for. */
    public enum Draw {
        /** A micro-batch. */
        PER_BATCH,
        /** A sample. */
        PER_SAMPLE
    }

    /** Masked FT, 2025. */
    public static final Method<Demask> METHOD = new Method<>("demask", Method.Kind.SELECT,
            "Diffusion-Inspired Masked Fine-Tuning for Knowledge Injection in Autoregressive LLMs", "arXiv 2510.09885",
            settings -> new Demask(settings.number("lo", 0.05), settings.number("hi", 0.95),
                    settings.choice("mode", Mode.SAMPLE), settings.choice("draw", Draw.PER_BATCH),
                    settings.text("maskToken", ""), settings.text("request", REQUEST), settings.text("leadIn", LEAD_IN),
                    settings.number("plainShare", 0.5), settings.flag("refresh", true)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Demask {
        Settings.require(lo >= 0 && lo <= 1, "demask", "lo", lo, "in [0, 1]");
        Settings.require(hi >= lo && hi <= 1, "demask", "hi", hi, "at least " + lo + " (lo) and at most 1");
        Settings.require(!request.isEmpty(), "demask", "request", "'" + request + "'", "a text that is not empty");
        Settings.require(!leadIn.isEmpty(), "demask", "leadIn", "'" + leadIn + "'", "a text that is not empty");
        Settings.require(plainShare >= 0 && plainShare <= 1, "demask", "plainShare", plainShare, "in [0, 1]");
    }

    /** The defaults with these bounds. */
    public Demask(double lo, double hi) {
        this(lo, hi, Mode.SAMPLE, Draw.PER_BATCH, "", REQUEST, LEAD_IN, 0.5, true);
    }

    @Override
    public Method<Demask> method() {
        return METHOD;
    }

    @Override
    public boolean choosesSamples() {
        return false;
    }

    @Override
    public boolean preparesExamples() {
        return true;
    }

    @Override
    public ExamplePreparation.Prepared prepare(ExamplePreparation preparation) {
        return new DemaskLayout(this, preparation).prepared();
    }

    @Override
    public List<String> problems(BatchComposition composition) {
        return composition.objective().preparesExamples() ? List.of("lays samples out anew, but the objective "
                + composition.objective().method().name() + " completes them as they were. Leave one of them out.")
                : List.of();
    }

    @Override
    public BatchStage stage(BatchContext context) {
        if (!refresh) {
            context.listener().warned("demask draws its masks only once (refresh is false), so that the model may "
                    + "learn by heart what is masked. That is an ablation of the method.");
        }
        return new DemaskStage(this, context);
    }
}
