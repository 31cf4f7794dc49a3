package org.finetune4j.methods.generate;

import java.net.URI;
import java.util.Locale;
import java.util.Optional;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * A model behind an HTTP endpoint that speaks OpenAI's chat completions, wherever it runs: OpenAI, vLLM, Ollama,
 * llama.cpp and many others. Requests that fail for a while are repeated with growing pauses; the key comes from the
 * environment and is never written down.
 *
 * @param model             the model's name at the endpoint
 * @param url               the endpoint up to before {@code /chat/completions}; default OpenAI's
 * @param keyVariable       the environment variable that holds the key; empty where no key is needed; default
 *                          OPENAI_API_KEY
 * @param parallel          requests that are under way at the same time, at least 1; default 4
 * @param requestsPerMinute most requests begun in a minute, spread evenly; 0 (the default) for no limit
 * @param retries           how often a request is repeated that failed for a while, at least 0; default 6
 * @param timeoutSeconds    after which a request counts as failed, positive; default 120
 * @param promptPrice       price of a million prompt tokens, 0 where it is not known
 * @param answerPrice       price of a million answer tokens, 0 where it is not known
 */
public record OpenAi(String model, String url, String keyVariable, int parallel, double requestsPerMinute, int retries,
                     double timeoutSeconds, double promptPrice, double answerPrice) implements TextSource {
    /** An endpoint as OpenAI defines it. */
    public static final Method<OpenAi> METHOD = new Method<>("openAi", Method.Kind.SOURCE,
            "A model behind an HTTP endpoint that speaks OpenAI's chat completions", "OpenAI API v1",
            settings -> new OpenAi(settings.text("model", "gpt-4o-mini"), settings.text("url",
            "https://api.openai.com/v1"),
                    settings.text("keyVariable", "OPENAI_API_KEY"), settings.whole("parallel", 4),
                    settings.number("requestsPerMinute", 0), settings.whole("retries", 6),
                    settings.number("timeoutSeconds", 120), settings.number("promptPrice", 0),
                    settings.number("answerPrice", 0)));

    private static final double MILLION = 1e6;

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public OpenAi {
        Settings.require(!model.isBlank(), "openAi", "model", "'" + model + "'", "the model's name at the endpoint");
        requireUrl(url);
        if (!keyVariable.matches("([A-Za-z_][A-Za-z0-9_]*)?")) {
            // What was given is not repeated, for it may be the key itself.
            throw new FinetuneException("openAi: setting 'keyVariable' must be the name of an environment variable "
                    + "that "
                    + "holds the key, such as OPENAI_API_KEY, and not the key, for recipes are written down.");
        }
        Settings.require(parallel >= 1, "openAi", "parallel", parallel, "at least 1");
        Settings.require(requestsPerMinute >= 0 && Double.isFinite(requestsPerMinute), "openAi", "requestsPerMinute",
                requestsPerMinute, "0 (no limit) or positive and finite");
        Settings.require(retries >= 0, "openAi", "retries", retries, "at least 0");
        Settings.require(timeoutSeconds > 0 && Double.isFinite(timeoutSeconds), "openAi", "timeoutSeconds",
                timeoutSeconds, "positive and finite");
        Settings.require(promptPrice >= 0 && Double.isFinite(promptPrice), "openAi", "promptPrice", promptPrice,
                "at least 0 and finite");
        Settings.require(answerPrice >= 0 && Double.isFinite(answerPrice), "openAi", "answerPrice", answerPrice,
                "at least 0 and finite");
    }

    private static void requireUrl(String url) {
        URI parsed;
        try {
            parsed = URI.create(url);
        } catch (IllegalArgumentException e) {
            throw new FinetuneException("openAi: setting 'url' is '" + url + "', which is no URL: " + e.getMessage()
                    + ". Correct it.", e);
        }
        if (parsed.getUserInfo() != null || parsed.getQuery() != null) {
            throw new FinetuneException("openAi: setting 'url' must not hold a password or a query, for recipes are "
                    + "written "
                    + "down. Give the key through the environment variable that keyVariable names.");
        }
        Settings.require(("http".equals(parsed.getScheme()) || "https".equals(parsed.getScheme()))
                && parsed.getHost() != null,
                "openAi", "url", "'" + url + "'", "an address such as https://api.openai.com/v1");
    }

    @Override
    public Method<OpenAi> method() {
        return METHOD;
    }

    @Override
    public TextModel open(SourceContext context) {
        problem().ifPresent(problem -> {
            throw new FinetuneException(problem);
        });
        return new EndpointModel(this, keyVariable.isEmpty() ? "" : System.getenv(keyVariable).strip(),
                EndpointModel.Clock.SYSTEM);
    }

    @Override
    public String description() {
        return model + " at " + url;
    }

    @Override
    public Optional<String> problem() {
        return keyVariable.isEmpty() || System.getenv(keyVariable) != null ? Optional.empty()
                : Optional.of("openAi: the environment variable " + keyVariable + ", which is to hold the key for "
                + url
                        + ", is not set. Set it, or give keyVariable = \"\" where no key is needed.");
    }

    @Override
    public Optional<String> price(long promptTokens, long newTokens) {
        return promptPrice == 0 && answerPrice == 0 ? Optional.empty() : Optional.of(String.format(Locale.ROOT,
                "at most about %.2f at %s and %s a million", (promptTokens * promptPrice
                + newTokens * answerPrice) / MILLION,
                promptPrice, answerPrice));
    }
}
