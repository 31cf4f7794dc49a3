package org.finetune4j.methods.generate;

import java.util.List;
import java.util.Locale;
import org.finetune4j.tokenizer.Message;

/**
 * What a model will be asked, for a plan.
 *
 * @param source       which model
 * @param purpose      what for, such as {@code answers to the prompts}
 * @param requests     how many requests, at most
 * @param promptTokens tokens of all their prompts together, estimated
 * @param newTokens    longest answer to one of them, in tokens
 */
public record TextWork(TextSource source, String purpose, long requests, long promptTokens, int newTokens) {
    private static final int CHARACTERS_PER_TOKEN = 4;

    /**
     * The tokens of turns, estimated by the usual four characters each, because endpoints do not tell their tokenizer.
     */
    public static long tokens(List<Message> turns) {
        return tokens(turns.stream().mapToLong(turn -> turn.text().length()).sum());
    }

    /** The tokens of so many characters, estimated. */
    public static long tokens(long characters) {
        return (characters + CHARACTERS_PER_TOKEN - 1) / CHARACTERS_PER_TOKEN;
    }

    /** So many times the same. */
    public TextWork times(long count) {
        return new TextWork(source, purpose, count * requests, count * promptTokens, newTokens);
    }

    /** One line of a plan. */
    public String description() {
        return description(source.description());
    }

    /** One line of a plan that calls the model by another name. */
    public String description(String model) {
        long longest = requests * newTokens;
        return String.format(Locale.ROOT, "%s: at most %,d requests for %s, about %,d tokens in and at most %,d out%s",
                model, requests, purpose, promptTokens, longest,
                source.price(promptTokens, longest).map(price -> ", " + price).orElse(""));
    }
}
