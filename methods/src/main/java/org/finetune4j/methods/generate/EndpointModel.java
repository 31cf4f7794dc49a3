package org.finetune4j.methods.generate;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.NonRetriableException;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.openai.OpenAiChatModel;
import dev.langchain4j.model.openai.OpenAiChatRequestParameters;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionService;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.tokenizer.Message;
import org.jspecify.annotations.Nullable;

/** Asks an endpoint through LangChain4j, some requests at a time, and repeats those that failed for a while. */
final class EndpointModel implements TextModel {
    private static final double FIRST_PAUSE_SECONDS = 1;
    private static final double LONGEST_PAUSE_SECONDS = 60;
    private static final double NANOS = 1e9;
    private static final int EXCERPT = 300;
    private static final String OPEN_AI = "api.openai.com";

    /** Time, which tests need not wait for. */
    interface Clock {
        /** The machine's. */
        Clock SYSTEM = new Clock() {
            @Override
            public long nanos() {
                return System.nanoTime();
            }

            @Override
            public void pause(long nanos) throws InterruptedException {
                Thread.sleep(nanos / 1_000_000, (int) (nanos % 1_000_000));
            }
        };

        long nanos();

        void pause(long nanos) throws InterruptedException;
    }

    private final OpenAi settings;
    private final String key;
    private final Clock clock;
    private final Pace pace;
    private final OpenAiChatModel chat;
    private final ExecutorService workers;

    /** A model; the key is empty where none is needed. */
    EndpointModel(OpenAi settings, String key, Clock clock) {
        this.settings = settings;
        this.key = key;
        this.clock = clock;
        pace = new Pace(settings.requestsPerMinute());
        chat = OpenAiChatModel.builder().baseUrl(settings.url()).apiKey(key.isEmpty() ? null : key)
                .modelName(settings.model()).timeout(Duration.ofNanos((long) (settings.timeoutSeconds() * NANOS)))
                .maxRetries(0).build();
        workers = Executors.newFixedThreadPool(settings.parallel(), task -> {
            Thread thread = new Thread(task, "finetune4j-endpoint");
            thread.setDaemon(true);
            return thread;
        });
    }

    private record Answered(int request, @Nullable TextAnswer answer, @Nullable FinetuneException failure) {
    }

    @Override
    public void answer(List<TextRequest> requests, Listener listener) {
        CompletionService<Answered> asked = new ExecutorCompletionService<>(workers);
        AtomicBoolean stopped = new AtomicBoolean();
        List<ChatRequest> ready = requests.stream().map(this::request).toList();
        for (int i = 0; i < requests.size(); i++) {
            int request = i;
            asked.submit(() -> {
                Answered answered = stopped.get() ? new Answered(request, null, null)
                        : ask(request, requests.get(request), ready.get(request));
                if (answered.failure() != null) {
                    stopped.set(true);
                }
                return answered;
            });
        }
        FinetuneException failure = null;
        // What is under way when one fails is still heard, for it was paid for.
        for (int i = 0; i < requests.size(); i++) {
            Answered answered = take(asked);
            if (answered.failure() != null) {
                failure = failure == null ? answered.failure() : failure;
            } else if (answered.answer() != null) {
                listener.answered(answered.request(), answered.answer());
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    private static Answered take(CompletionService<Answered> asked) {
        try {
            return asked.take().get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new FinetuneException("openAi: interrupted while answers were awaited; the answers that had come "
                    + "are kept. "
                    + "Run it again to go on.", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause());
        }
    }

    private Answered ask(int place, TextRequest request, ChatRequest asked) throws InterruptedException {
        for (int failures = 0; ; failures++) {
            clock.pause(pace.reserve(clock.nanos()));
            try {
                return new Answered(place, answer(chat.chat(asked)), null);
            } catch (RuntimeException e) {
                boolean forGood = e instanceof NonRetriableException;
                if (forGood || failures == settings.retries()) {
                    return new Answered(place, null, refusal(request, e, forGood, failures));
                }
                clock.pause(pause(failures, CounterRandom.uniform(request.seed(), failures)));
            }
        }
    }

    /** Doubled with every failure; {@code share} in [0, 1) spreads those that failed together over the upper half. */
    static long pause(int failures, double share) {
        double longest = Math.min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * Math.pow(2, failures));
        return (long) (NANOS * longest * (1 + share) / 2);
    }

    private static TextAnswer answer(ChatResponse response) {
        String text = response.aiMessage().text();
        if (text == null && response.finishReason() == null) {
            throw new IllegalStateException("the answer holds no text and no reason for it");
        }
        TokenUsage usage = response.tokenUsage();
        return new TextAnswer(text == null ? "" : text, response.finishReason() == FinishReason.STOP,
                usage == null || usage.inputTokenCount() == null ? 0 : usage.inputTokenCount(),
                usage == null || usage.outputTokenCount() == null ? 0 : usage.outputTokenCount());
    }

    private ChatRequest request(TextRequest request) {
        OpenAiChatRequestParameters.Builder parameters = OpenAiChatRequestParameters.builder()
                .seed((int) (request.seed() & Integer.MAX_VALUE));
        parameters.temperature(request.decoding().temperature()).topP(request.decoding().topP());
        if (request.decoding().topK() > 0) {
            // Not one of OpenAI's own; servers such as vLLM's know it, and others refuse it rather than draw otherwise.
            parameters.customParameters(Map.of("top_k", request.decoding().topK()));
        }
        // OpenAI's newer models refuse the name that all other servers know.
        if (OPEN_AI.equals(URI.create(settings.url()).getHost())) {
            parameters.maxCompletionTokens(request.decoding().maxNewTokens());
        } else {
            parameters.maxOutputTokens(request.decoding().maxNewTokens());
        }
        return ChatRequest.builder().messages(request.conversation().messages().stream()
                .map(turn -> message(request.id(), turn)).toList()).parameters(parameters.build()).build();
    }

    private static ChatMessage message(String id, Message turn) {
        return switch (turn.role()) {
            case "system" -> SystemMessage.from(turn.text());
            case "user" -> UserMessage.from(turn.text());
            case Message.ASSISTANT -> AiMessage.from(turn.text());
            default -> throw new FinetuneException("openAi: " + id + " has a turn of '" + turn.role()
                    + "', but only system, "
                    + "user and assistant are sent. Leave the sample out, or use a local model.");
        };
    }

    private FinetuneException refusal(TextRequest request, RuntimeException cause, boolean forGood, int failures) {
        String whole = String.valueOf(cause.getMessage());
        // Before anything is cut, so that no part of the key is left.
        String said = (key.isEmpty() ? whole : whole.replace(key, "(the key)")).strip().replaceAll("\\s+", " ");
        said = said.length() <= EXCERPT ? said : said.substring(0, EXCERPT) + "...";
        // The cause is not passed on, because its message may repeat the key.
        return new FinetuneException("openAi: " + settings.description() + " did not answer " + request.id()
                + (forGood ? "" : " at " + (failures + 1) + " attempts") + ": " + cause.getClass().getSimpleName()
                + ": " + said
                + ". " + (forGood ? "Correct the model's name, the key in " + settings.keyVariable()
                + " or the request."
                : "Try again later, or allow more retries, fewer requests in parallel or a longer timeoutSeconds.")
                + " Answers that had come are kept in the run's folder.");
    }

    @Override
    public String identity() {
        return "openAi " + settings.model() + " " + settings.url();
    }

    @Override
    public void close() {
        workers.shutdownNow();
    }
}
