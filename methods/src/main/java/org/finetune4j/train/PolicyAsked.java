package org.finetune4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Encoder;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.methods.generate.SourceContext;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.methods.select.SelectionContext;
import org.finetune4j.methods.select.Selector;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * A run's model as selectors and objectives may ask it, with the weights that it has at the time.
 *
 * @param baseHash of the weights that were loaded
 */
record PolicyAsked(FineTuning job, Preparation preparation, LanguageModel model, Tokenizer tokenizer, TextEncoding encoding,
                   String baseHash, TrainingListener listener) {
    /** Does something with a context whose models are closed afterwards; the weights must not change meanwhile. */
    <T> T with(Function<SelectionContext, T> use) {
        try (GeneratingPolicy policy = new GeneratingPolicy(); RunSelection context = new RunSelection(this::scorer,
                (folder, endOfTurn) -> new OtherModelScorer(folder, endOfTurn, job, listener), policy,
                GeneratingModel.window(preparation.limit().tokens(), tokenizer, encoding), this::fits, job.runFolder(),
                listener)) {
            return use.apply(context);
        }
    }

    /**
     * What selectors leave, one after another.
     *
     * @throws FinetuneException when one leaves none
     */
    List<Sample> select(List<? extends Selector> selectors, List<Sample> samples) {
        return selectors.isEmpty() ? samples : with(context -> {
            List<Sample> chosen = samples;
            for (Selector selector : selectors) {
                chosen = select(selector, chosen, context);
            }
            return chosen;
        });
    }

    private List<Sample> select(Selector selector, List<Sample> samples, SelectionContext context) {
        Selector.Selection selection = selector.select(samples, context);
        listener.selected(selection.report());
        if (selection.samples().isEmpty()) {
            throw new FinetuneException("select: " + selector.method().name() + " left none of " + samples.size()
                    + " samples to train on. Loosen its settings or give it other data.");
        }
        return selection.samples();
    }

    private boolean fits(Sample sample) {
        return job.train().tooLong().cuts() || encoding.encode(sample).ids().length <= preparation.limit().tokens();
    }

    /** Makes samples ready for training. */
    Encoder encoder() {
        return new Encoder(encoding, preparation.limit(), job.train().tooLong());
    }

    /** What tells two models apart that compute the same text otherwise. */
    String arithmetic() {
        boolean changes = !model.parameters().trainable().isEmpty();
        return baseHash + (changes ? " " + model.parameters().hashOfTrainable() : "") + " " + job.train().precision() + " "
                + job.train().frozenWeights() + " " + job.kernels();
    }

    private ModelScorer scorer() {
        return new ModelScorer(model, encoding, preparation.limit(), job.train().tooLong(), job.train().tokensPerBatch(),
                listener, scoreCache());
    }

    private @Nullable ScoreCache scoreCache() {
        Path runFolder = job.runFolder();
        return runFolder == null ? null : new ScoreCache(runFolder, arithmetic() + " " + job.train().tokensPerBatch());
    }

    /** The models that may be asked for texts: this run's own, and others with its precision and kernels. */
    private final class GeneratingPolicy implements SourceContext, AutoCloseable {
        private @Nullable GeneratingModel policy;

        @Override
        public TextModel policy() {
            if (policy == null) {
                policy = GeneratingModel.of(model, tokenizer, encoding, arithmetic());
            }
            return policy;
        }

        @Override
        public TextModel load(Path folder) {
            return GeneratingModel.load(folder, job.train().precision(), job.kernels());
        }

        @Override
        public void close() {
            if (policy != null) {
                policy.close();
            }
        }
    }
}
