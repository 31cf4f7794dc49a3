package org.finetune4j.generation;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.DecodingEngine.Feed;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Texts that are generated side by side, each pass one token of each. */
final class BatchRun implements GenerationRun {
    /** Passes of few tokens after which a copy of the weights has paid for itself. */
    static final int PASSES_WORTH_HOLDING = 64;

    private final DecodingEngine engine;
    private final GenerationLimits limits;
    private final int vocabulary;
    private final int longest;
    private final TokenListener listener;
    private final TextSlots slots;
    private final Deque<BeamSearch> searches;
    private final HeldWeights held;
    private final TextResults results;
    private float[][] rows = new float[0][];

    BatchRun(DecodingEngine engine, GenerationLimits limits, int vocabulary, int longest,
                  List<GenerationRequest> requests, List<Text> texts, List<BeamSearch> searches, TokenListener listener) {
        this.engine = engine;
        this.limits = limits;
        this.vocabulary = vocabulary;
        this.longest = longest;
        this.listener = listener;
        this.searches = new ArrayDeque<>(searches);
        results = new TextResults(requests, listener);
        slots = new TextSlots(engine, limits, texts);
        long rounds = (texts.size() + limits.texts() - 1L) / limits.texts() + searches.size();
        long longestText = requests.stream().mapToLong(request -> request.settings().maxNewTokens()).max().orElse(0);
        held = rounds * longestText < PASSES_WORTH_HOLDING ? HeldWeights.NONE : engine.holdWeights();
    }

    private record Turn(Text text, Feed feed) {
    }

    @Override
    public boolean goesOn() {
        return !slots.isEmpty() || !searches.isEmpty();
    }

    @Override
    public void pass() {
        if (listener.cancelled()) {
            slots.endAll().forEach(text -> results.end(text.generated(EndReason.CANCELLED)));
            searches.forEach(search -> search.results(EndReason.CANCELLED).forEach(results::end));
            searches.clear();
        } else if (!slots.isEmpty()) {
            passOfTexts();
        } else if (!searches.isEmpty()) {
            searches.element().pass(logits -> rows(logits, (int) logits.size(0)));
            if (searches.element().isDone()) {
                searches.remove().results(null).forEach(results::end);
            }
        }
    }

    private void passOfTexts() {
        slots.fill();
        List<Turn> turns = turns(slots.active());
        int[] tokens = choose(engine.feed(turns.stream().map(Turn::feed).toList()), turns);
        for (int i = 0; i < tokens.length; i++) {
            Text text = turns.get(i).text();
            EndReason reason = text.readsPrompt() ? null : text.take(tokens[i], longest, listener);
            if (reason != null) {
                slots.end(text);
                results.end(text.generated(reason));
            }
        }
    }

    /** What each text is fed in the next pass: its last new token, or what of its prompt there is room for. */
    private List<Turn> turns(List<Text> active) {
        int room = limits.tokensPerPass() - (int) active.stream().filter(text -> !text.readsPrompt()).count();
        List<Turn> turns = new ArrayList<>();
        for (Text text : active) {
            if (!text.readsPrompt()) {
                turns.add(new Turn(text, text.next(1)));
            } else if (room > 0) {
                // Some models turn the tokens of a long prompt by its whole length.
                Feed part = text.next(engine.turnsAlike(1, text.promptTokens()) ? room : text.promptTokens());
                room -= part.count();
                turns.add(new Turn(text, part));
            }
        }
        return turns;
    }

    /** The next token of each text; meaningless where a prompt is not read to its end yet. */
    private int[] choose(INDArray logits, List<Turn> turns) {
        float[][] read = rows(logits, turns.size());
        int[] tokens = new int[turns.size()];
        IntStream all = IntStream.range(0, tokens.length).filter(i -> !turns.get(i).text().readsPrompt());
        // The most probable token is found in no time, a drawn one takes an exponential for each.
        boolean slowly = turns.stream().anyMatch(turn -> turn.text().choosesSlowly());
        (slowly ? all.parallel() : all).forEach(i -> tokens[i] = turns.get(i).text().choose(read[i]));
        return tokens;
    }

    /** The first rows of the logits, of the tokenizer's tokens only; valid until the next pass. */
    private float[][] rows(INDArray logits, int count) {
        if (rows.length < count) {
            rows = new float[count][vocabulary];
        }
        for (int i = 0; i < count; i++) {
            copy(logits, i, rows[i]);
        }
        return rows;
    }

    /** Copies the beginning of a row of logits. */
    static void copy(INDArray logits, int row, float[] target) {
        if (logits.dataType() == DataType.FLOAT) {
            new FloatPointer(logits.data().addressPointer()).position(row * logits.size(1)).get(target, 0, target.length);
        } else {
            System.arraycopy(logits.getRow(row).toFloatVector(), 0, target, 0, target.length);
        }
    }

    @Override
    public List<List<GeneratedTokens>> results() {
        return results.all();
    }

    @Override
    public void close() {
        held.close();
    }
}
