package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.AnswerCache;
import org.finetune4j.methods.generate.CachedTextModel;
import org.finetune4j.methods.generate.SourceContext;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWindow;
import org.finetune4j.methods.select.ResponseScorer;
import org.finetune4j.methods.select.SelectionContext;
import org.jspecify.annotations.Nullable;

/** What the selectors of a run use; models are opened when one is asked for first and closed at the end. */
final class RunSelection implements SelectionContext, AutoCloseable {
    private static final String FILE_NAME = "answers.jsonl";

    private final Supplier<ModelScorer> scorers;
    private final OtherModelScorer.Opener others;
    private final SourceContext sources;
    private final TextWindow window;
    private final Predicate<Sample> fits;
    private final @Nullable Path folder;
    private final TrainingListener listener;
    private final Map<TextSource, TextModel> models = new LinkedHashMap<>();
    private final List<AutoCloseable> opened = new ArrayList<>();
    private @Nullable ModelScorer scorer;
    private @Nullable OtherModelScorer other;
    private @Nullable AnswerCache cache;

    /**
     * A context.
     *
     * @param scorers makes the scorer of the model that is about to be trained
     * @param others  opens scorers of other models
     * @param window  how much that model reads at most
     * @param fits    whether a sample can be trained on
     * @param folder  of the run, or null to keep nothing
     */
    RunSelection(Supplier<ModelScorer> scorers, OtherModelScorer.Opener others, SourceContext sources,
                 TextWindow window, Predicate<Sample> fits, @Nullable Path folder, TrainingListener listener) {
        this.window = window;
        this.fits = fits;
        this.scorers = scorers;
        this.others = others;
        this.sources = sources;
        this.folder = folder;
        this.listener = listener;
    }

    @Override
    public ResponseScorer scorer() {
        if (scorer == null) {
            scorer = scorers.get();
            opened.add(scorer);
        }
        return scorer;
    }

    @Override
    public ResponseScorer scorer(Path model, boolean endOfTurn) {
        // One at a time, for several large models together would not fit.
        if (other != null) {
            opened.remove(other);
            other.close();
        }
        other = others.open(model, endOfTurn);
        opened.add(other);
        return other;
    }

    @Override
    public List<TextAnswer> answer(TextSource source, String stage, List<TextRequest> requests) {
        TextAnswer[] answers = new TextAnswer[requests.size()];
        if (answers.length == 0) {
            return List.of();
        }
        listener.stageBegan(stage);
        int[] done = {0};
        model(source).answer(requests, (request, answer) -> {
            answers[request] = answer;
            listener.stageProgressed(stage, ++done[0], answers.length);
        });
        return Arrays.asList(answers);
    }

    private TextModel model(TextSource source) {
        TextModel known = models.get(source);
        if (known != null) {
            return known;
        }
        TextModel model = source.open(sources);
        opened.add(model);
        if (folder != null) {
            if (cache == null) {
                cache = new AnswerCache(folder.resolve(FILE_NAME));
            }
            model = new CachedTextModel(model, cache);
        }
        models.put(source, model);
        return model;
    }

    @Override
    public Optional<TextWindow> window() {
        return Optional.of(window);
    }

    @Override
    public boolean fits(Sample sample) {
        return fits.test(sample);
    }

    @Override
    public void warned(String message) {
        listener.warned(message);
    }

    @Override
    public @Nullable Path folder() {
        return folder;
    }

    @Override
    public void close() {
        FineTuningRun.closeAll(opened);
    }
}
