package org.finetune4j.methods.select;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.jspecify.annotations.Nullable;

/** A context whose every source is one model that a function makes up, and that counts what it was asked. */
public final class FakeContext implements SelectionContext {
    /** Everything that was asked, by stage. */
    public final Map<String, List<TextRequest>> asked = new LinkedHashMap<>();
    /** Every warning. */
    public final List<String> warnings = new ArrayList<>();
    /** Scorers of other models, by their folders. */
    public final Map<Path, ResponseScorer> others = new LinkedHashMap<>();
    /** Which samples can be trained on. */
    public Predicate<Sample> fitting = sample -> true;
    private final TextModel model;
    private final ResponseScorer scorer;
    private final @Nullable Path folder;

    /** A context that keeps its files in a folder, or nowhere. */
    public FakeContext(TextModel model, ResponseScorer scorer, @Nullable Path folder) {
        this.model = model;
        this.scorer = scorer;
        this.folder = folder;
    }

    /** A context whose model answers whole texts; nothing scores. */
    public static FakeContext answering(Function<TextRequest, String> texts) {
        return new FakeContext(model("fake", texts), conversations -> {
            throw new AssertionError("nothing scores here");
        }, null);
    }

    /** A model of this identity that answers whole texts. */
    public static TextModel model(String identity, Function<TextRequest, String> texts) {
        return new TextModel() {
            @Override
            public void answer(List<TextRequest> requests, Listener listener) {
                for (int i = 0; i < requests.size(); i++) {
                    listener.answered(i, new TextAnswer(texts.apply(requests.get(i)), true, 1, 1));
                }
            }

            @Override
            public String identity() {
                return identity;
            }

            @Override
            public void close() {
                // Nothing is open.
            }
        };
    }

    @Override
    public ResponseScorer scorer() {
        return scorer;
    }

    @Override
    public ResponseScorer scorer(Path other, boolean endOfTurn) {
        return others.get(other);
    }

    @Override
    public List<TextAnswer> answer(TextSource source, String stage, List<TextRequest> requests) {
        asked.computeIfAbsent(stage, missing -> new ArrayList<>()).addAll(requests);
        TextAnswer[] answers = new TextAnswer[requests.size()];
        model.answer(requests, (request, answer) -> answers[request] = answer);
        return Arrays.asList(answers);
    }

    /** How many requests there were in a stage. */
    public int count(String stage) {
        return asked.getOrDefault(stage, List.of()).size();
    }

    @Override
    public boolean fits(Sample sample) {
        return fitting.test(sample);
    }

    @Override
    public void warned(String message) {
        warnings.add(message);
    }

    @Override
    public @Nullable Path folder() {
        return folder;
    }
}
