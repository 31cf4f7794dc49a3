package org.finetune4j.generation;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;

/** What settings do to the logits before the structure and the draw, in the order that {@link GenerationSettings} says. */
final class LogitsRules {
    private static final float NEVER = Float.NEGATIVE_INFINITY;

    private final List<Rule> rules = new ArrayList<>();

    /** A step on the way from the model's logits to those that a token is chosen from. */
    private interface Rule {
        void apply(float[] logits, TokenHistory history);
    }

    LogitsRules(GenerationSettings settings) {
        if (!settings.logitBias().isEmpty()) {
            rules.add((logits, history) -> settings.logitBias().forEach((token, bias) -> {
                requireToken("logitBias", token, logits);
                logits[token] += bias.floatValue();
            }));
        }
        if (settings.repetitionPenalty() != 1) {
            float penalty = (float) settings.repetitionPenalty();
            rules.add((logits, history) -> history.seen().stream().filter(token -> token < logits.length).forEach(
                    token -> logits[token] = logits[token] < 0 ? logits[token] * penalty : logits[token] / penalty));
        }
        if (settings.presencePenalty() != 0 || settings.frequencyPenalty() != 0) {
            rules.add((logits, history) -> history.counts().forEach((token, times) ->
                    logits[token] -= (float) (settings.presencePenalty() + times * settings.frequencyPenalty())));
        }
        if (settings.noRepeatNgram() > 0) {
            rules.add((logits, history) -> banRepetition(logits, history, settings.noRepeatNgram()));
        }
        if (!settings.bannedTokens().isEmpty()) {
            rules.add((logits, history) -> settings.bannedTokens().forEach(token -> {
                requireToken("bannedTokens", token, logits);
                logits[token] = NEVER;
            }));
        }
        if (settings.minNewTokens() > 0) {
            rules.add((logits, history) -> {
                if (history.count() < settings.minNewTokens()) {
                    settings.stopIds().stream().filter(token -> token < logits.length)
                            .forEach(token -> logits[token] = NEVER);
                }
            });
        }
    }

    /** Whether the logits stay as they are. */
    boolean isEmpty() {
        return rules.isEmpty();
    }

    /** Changes the logits {@code [vocabulary]} for the token that follows the history. */
    void apply(float[] logits, TokenHistory history) {
        rules.forEach(rule -> rule.apply(logits, history));
    }

    /** Bans each token that once followed the last tokens. */
    private static void banRepetition(float[] logits, TokenHistory history, int size) {
        int end = history.length();
        for (int start = 0; start + size <= end; start++) {
            int same = 0;
            while (same < size - 1 && history.at(start + same) == history.at(end - size + 1 + same)) {
                same++;
            }
            if (same == size - 1) {
                logits[history.at(start + same)] = NEVER;
            }
        }
    }

    private static void requireToken(String setting, int token, float[] logits) {
        if (token < 0 || token >= logits.length) {
            throw new FinetuneException("generation: " + setting + " names token " + token + ", but the vocabulary has "
                    + logits.length + " tokens. Take token ids of this model's tokenizer.");
        }
    }
}
