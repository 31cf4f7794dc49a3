package org.finetune4j.generation;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.finetune4j.generation.structure.StructureState;
import org.finetune4j.generation.structure.TokenStructure;
import org.finetune4j.model.DecodingEngine.Feed;
import org.jspecify.annotations.Nullable;

/** A prompt and what has been added to it. */
final class Text {
    private final int index;
    private final int sample;
    private final GenerationRequest request;
    private final int mostPlaces;
    private final TokenHistory history;
    private final LogitsRules rules;
    private final TokenSampler sampler;
    private final List<TokenChoice> choices = new ArrayList<>();
    private @Nullable StructureState structure;
    private boolean closed;
    private int read;
    private int slot;

    /**
     * A text to be continued.
     *
     * @param index      the number of its request among all
     * @param sample     its number among the texts of the request
     * @param mostPlaces tokens that it has at most with what is added
     */
    Text(int index, int sample, GenerationRequest request, int mostPlaces) {
        this.index = index;
        this.sample = sample;
        this.request = request;
        this.mostPlaces = mostPlaces;
        history = new TokenHistory(request.prompt());
        rules = new LogitsRules(request.settings());
        sampler = new TokenSampler(request.settings());
        structure = request.structure() == null ? null : request.structure().start();
    }

    int[] prompt() {
        return request.prompt();
    }

    /** The last new token. */
    int last() {
        return history.last();
    }

    Set<Integer> stopIds() {
        return request.settings().stopIds();
    }

    int promptTokens() {
        return request.prompt().length;
    }

    int mostPlaces() {
        return mostPlaces;
    }

    /** Places that it needs for its next pass to be read whole. */
    int places() {
        return history.length();
    }

    int slot() {
        return slot;
    }

    void moveTo(int newSlot) {
        slot = newSlot;
    }

    /** Whether part of its prompt is still to be read. */
    boolean readsPrompt() {
        return read < promptTokens();
    }

    /** Whether its slot holds its prompt but for the last token, which others of its request can begin with. */
    boolean hasPromptInCache() {
        return read >= promptTokens() - 1;
    }

    /** Counts the first tokens of the prompt as read, because their keys and values are in the text's slot. */
    void begin(int readTokens) {
        read = readTokens;
    }

    /** The next tokens that the model has not seen: of the prompt at most so many, or the last new token. */
    Feed next(int mostTokens) {
        if (!readsPrompt()) {
            return new Feed(slot, new int[] {history.last()});
        }
        int from = read;
        read = (int) Math.min(promptTokens(), (long) from + mostTokens);
        return new Feed(slot, request.prompt(), from, read);
    }

    /** The number of new tokens. */
    int count() {
        return history.count();
    }

    int[] added() {
        return history.added();
    }

    /** Whether choosing its next token takes a while. */
    boolean choosesSlowly() {
        return request.settings().temperature() > 0 || request.settings().logProbabilities() >= 0 || structure != null;
    }

    /**
     * Chooses the next token.
     *
     * @param logits the model's {@code [vocabulary]}, which are changed
     */
    int choose(float[] logits) {
        int told = request.settings().logProbabilities();
        LogProbabilities model = told < 0 ? null : new LogProbabilities(logits);
        rules.apply(logits, history);
        TokenStructure form = request.structure();
        if (form != null && structure != null) {
            closed |= form.restrict(structure, logits, request.settings().stopIds(), remaining());
        }
        int token = sampler.sample(logits, request.stream(), sample, count());
        if (model != null) {
            choices.add(model.choice(token, told));
        }
        return token;
    }

    /** Tokens that may still be added. */
    int remaining() {
        return mostPlaces - places();
    }

    /**
     * Takes the chosen token.
     *
     * @return why the text ends with it, or null when it goes on
     */
    @Nullable EndReason take(int token, int longest, TokenListener listener) {
        if (request.settings().stopIds().contains(token)) {
            dropChoice();
            return EndReason.STOP_TOKEN;
        }
        history.add(token);
        EndReason asked = listener.onToken(index, sample, token);
        if (asked != null) {
            return asked;
        }
        TokenStructure form = request.structure();
        if (form != null && structure != null) {
            structure = form.next(structure, token);
            if (form.isComplete(structure) || form.isAccepting(structure) && remaining() == 0) {
                return closed || !form.isComplete(structure) ? EndReason.STRUCTURE_CLOSED : EndReason.STRUCTURE_COMPLETE;
            }
        }
        return remaining() > 0 ? null : places() < longest || count() == request.settings().maxNewTokens()
                ? EndReason.LENGTH : EndReason.CONTEXT_FULL;
    }

    private void dropChoice() {
        if (!choices.isEmpty()) {
            choices.remove(choices.size() - 1);
        }
    }

    /** What was generated. */
    GeneratedTokens generated(EndReason reason) {
        return new GeneratedTokens(index, sample, added(), choices, reason, Double.NaN);
    }

    /** Whether the other text has the same prompt because it belongs to the same request. */
    boolean sharesPrompt(Text other) {
        return other.index == index;
    }
}
