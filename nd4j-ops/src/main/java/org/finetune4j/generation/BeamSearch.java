package org.finetune4j.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.Function;
import org.finetune4j.generation.GenerationSettings.EarlyStopping;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.DecodingEngine.Feed;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Beam search as transformers 4.50 and later define it: of all continuations of the open texts by one token the most
 * probable ones are looked at, {@code max(2, 1 + stop tokens)} times as many as beams; those among the best
 * {@code beams} that end there are done, and the best others stay open. A score is the log-probability, with the stop
 * token, divided by the number of new tokens to the power of the length penalty.
 */
final class BeamSearch {
    private final DecodingEngine engine;
    private final int index;
    private final GenerationRequest request;
    private final GenerationSettings settings;
    private final int mostNew;
    private final int vocabulary;
    private final int tokensPerPass;
    private final LogitsRules rules;
    private final List<Beam> done = new ArrayList<>();
    private List<Beam> open = new ArrayList<>();
    private int read;
    private int length;
    private boolean isDone;

    /** A text of the search: its logarithm of probability while it is open, its score once it is done. */
    private record Beam(TokenHistory history, List<TokenChoice> choices, double score, int slot,
                        @Nullable EndReason reason) {
    }

    /** An open text continued by a token. */
    private record Candidate(Beam parent, int row, int token, double logProbability) {
    }

    BeamSearch(DecodingEngine engine, int index, GenerationRequest request, int mostPlaces, int vocabulary,
               int tokensPerPass) {
        this.engine = engine;
        this.index = index;
        this.request = request;
        this.settings = request.settings();
        this.mostNew = mostPlaces - request.prompt().length;
        this.vocabulary = vocabulary;
        this.tokensPerPass = tokensPerPass;
        this.rules = new LogitsRules(settings);
    }

    boolean isDone() {
        return isDone;
    }

    /**
     * Reads a part of the prompt, or adds a token to every beam; {@code rowsOf} takes logits out of the device's memory.
     */
    void pass(Function<INDArray, float[][]> rowsOf) {
        int[] prompt = request.prompt();
        if (read == 0) {
            engine.begin(settings.beams(), prompt.length + mostNew);
            open.add(new Beam(new TokenHistory(prompt), List.of(), 0, 0, null));
        }
        if (read < prompt.length) {
            int from = read;
            read = engine.turnsAlike(1, prompt.length) ? Math.min(prompt.length, from + tokensPerPass) : prompt.length;
            float[][] rows = rowsOf.apply(engine.feed(List.of(new Feed(0, prompt, from, read))));
            if (read == prompt.length) {
                extend(rows);
            }
            return;
        }
        open.sort(Comparator.comparingInt(Beam::slot));
        extend(rowsOf.apply(engine.feed(open.stream()
                .map(beam -> new Feed(beam.slot(), new int[] {beam.history().last()})).toList())));
    }

    private void extend(float[][] rows) {
        List<LogProbabilities> told = new ArrayList<>();
        List<Candidate> candidates = new ArrayList<>();
        int wanted = Math.max(2, 1 + settings.stopIds().size()) * settings.beams();
        for (int row = 0; row < open.size(); row++) {
            Beam beam = open.get(row);
            told.add(new LogProbabilities(rows[row]));
            float[] scores = logSoftmax(rows[row]);
            rules.apply(scores, beam.history());
            int parent = row;
            Arrays.stream(TokenSampler.mostProbable(scores, Math.min(wanted, vocabulary)))
                    .filter(token -> scores[token] > Float.NEGATIVE_INFINITY).forEach(token ->
                            candidates.add(new Candidate(beam, parent, token, beam.score() + scores[token])));
        }
        candidates.sort(Comparator.comparingDouble(Candidate::logProbability).reversed());
        length++;
        boolean full = done.size() == settings.beams();
        List<Candidate> kept = new ArrayList<>();
        for (int rank = 0; rank < Math.min(wanted, candidates.size()); rank++) {
            Candidate candidate = candidates.get(rank);
            boolean stops = settings.stopIds().contains(candidate.token());
            if (!stops && length < mostNew) {
                kept.add(candidate);
            } else if (rank < settings.beams() && !(full && settings.earlyStopping() == EarlyStopping.WHEN_FULL)) {
                finish(candidate, told.get(candidate.row()), stops);
            }
        }
        if (kept.isEmpty() && done.isEmpty()) {
            throw TokenSampler.allForbidden(request.stream(), length - 1);
        }
        keepOpen(kept.subList(0, Math.min(kept.size(), settings.beams())), told);
        isDone = open.isEmpty() || isEnough();
    }

    private float[] logSoftmax(float[] logits) {
        double logSum = LogProbabilities.logSum(logits);
        if (!Double.isFinite(logSum)) {
            throw TokenSampler.notFinite(request.stream(), length);
        }
        float[] scores = new float[vocabulary];
        for (int i = 0; i < vocabulary; i++) {
            scores[i] = (float) (logits[i] - logSum);
        }
        return scores;
    }

    private void finish(Candidate candidate, LogProbabilities told, boolean stops) {
        TokenHistory history = candidate.parent().history();
        List<TokenChoice> choices = candidate.parent().choices();
        if (!stops) {
            history = history.copy();
            history.add(candidate.token());
            choices = with(choices, told, candidate.token());
        }
        done.add(new Beam(history, choices, score(candidate.logProbability(), length), 0,
                stops ? EndReason.STOP_TOKEN : mostNew == settings.maxNewTokens() ? EndReason.LENGTH
                : EndReason.CONTEXT_FULL));
        done.sort(Comparator.comparingDouble(Beam::score).reversed());
        if (done.size() > settings.beams()) {
            done.remove(settings.beams());
        }
    }

    private List<TokenChoice> with(List<TokenChoice> choices, LogProbabilities told, int token) {
        if (settings.logProbabilities() < 0) {
            return choices;
        }
        List<TokenChoice> more = new ArrayList<>(choices);
        more.add(told.choice(token, settings.logProbabilities()));
        return more;
    }

    private double score(double logProbability, int tokens) {
        return logProbability / Math.pow(tokens, settings.lengthPenalty());
    }

    /** The first child of a text stays in its slot, and the others take over slots of texts without children. */
    private void keepOpen(List<Candidate> kept, List<LogProbabilities> told) {
        boolean[] taken = new boolean[settings.beams()];
        kept.forEach(candidate -> taken[candidate.parent().slot()] = true);
        boolean[] inherited = new boolean[settings.beams()];
        List<Beam> next = new ArrayList<>();
        int free = 0;
        for (Candidate candidate : kept) {
            Beam parent = candidate.parent();
            int slot = parent.slot();
            if (inherited[slot]) {
                while (taken[free]) {
                    free++;
                }
                engine.copy(slot, free, parent.history().length());
                slot = free;
                taken[slot] = true;
            }
            inherited[slot] = true;
            TokenHistory history = parent.history().copy();
            history.add(candidate.token());
            next.add(new Beam(history, with(parent.choices(), told.get(candidate.row()), candidate.token()),
                    candidate.logProbability(), slot, null));
        }
        open = next;
    }

    private boolean isEnough() {
        if (done.size() < settings.beams()) {
            return false;
        }
        double best = open.stream().mapToDouble(Beam::score).max().orElse(Double.NEGATIVE_INFINITY);
        double worst = done.get(done.size() - 1).score();
        return switch (settings.earlyStopping()) {
            case WHEN_FULL -> true;
            case WHEN_UNLIKELY -> score(best, length) <= worst;
            case WHEN_IMPOSSIBLE -> score(best, settings.lengthPenalty() > 0 ? mostNew : length) <= worst;
        };
    }

    /** The best texts in falling order of their scores; those that are open end for the given reason. */
    List<GeneratedTokens> results(@Nullable EndReason open) {
        List<Beam> all = new ArrayList<>(done);
        if (open != null) {
            this.open.forEach(beam -> all.add(new Beam(beam.history(), beam.choices(),
                    score(beam.score(), Math.max(1, length)), 0, open)));
            all.sort(Comparator.comparingDouble(Beam::score).reversed());
        }
        List<GeneratedTokens> texts = new ArrayList<>();
        for (Beam beam : all.subList(0, Math.min(all.size(), settings.samples()))) {
            texts.add(new GeneratedTokens(index, texts.size(), beam.history().added(), beam.choices(),
                    java.util.Objects.requireNonNull(beam.reason()), beam.score()));
        }
        return texts;
    }
}
