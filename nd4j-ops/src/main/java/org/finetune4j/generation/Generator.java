package org.finetune4j.generation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import org.finetune4j.FinetuneException;
import org.finetune4j.model.CachedEngine;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.ExitEngine;
import org.finetune4j.model.LanguageModel;
import org.jspecify.annotations.Nullable;

/**
 * Generates text token by token with a key-value cache, many prompts at a time: a text that ends leaves at once, and the
 * next prompt takes its place and is read in the same passes in which the others get their next tokens.
 *
 * <p>What is generated for a prompt does not depend on the other prompts, but for rounding. Beside the model there is
 * memory for what {@link GenerationLimits} say, and while more than a few tokens are generated for a copy of the weights
 * in a faster layout, where the device gains by one and has the room. Weights must not change meanwhile.
 */
public final class Generator implements AutoCloseable {
    private final LanguageModel model;
    private final Depth depth;
    private final CachedEngine engine;
    private final List<Integer> exits;
    private final long[] decided;
    private final int longest;
    private final int vocabulary;
    private final GenerationLimits limits;

    /** Generates with the model, its adapter on when one is attached. */
    public Generator(LanguageModel model) {
        this(model, true);
    }

    /** Generates with the model, its adapter on or off. */
    public Generator(LanguageModel model, boolean adapterOn) {
        this(model, adapterOn, model.config().vocabularySize());
    }

    /**
     * Generates with the model, its adapter on or off, the first {@code vocabulary} tokens only: an embedding may be
     * padded with rows that no token of the tokenizer has.
     *
     * @param vocabulary tokens of the tokenizer, in [1, rows of the embedding]
     */
    public Generator(LanguageModel model, boolean adapterOn, int vocabulary) {
        this(model, adapterOn, vocabulary, GenerationLimits.DEFAULT);
    }

    /** As the others, with other limits of what is held in memory. */
    public Generator(LanguageModel model, boolean adapterOn, int vocabulary, GenerationLimits limits) {
        this(model, adapterOn, vocabulary, limits, Depth.WHOLE);
    }

    /**
     * As the others, with as much of the model as the depth says.
     *
     * @throws FinetuneException when the model has no such blocks, or cannot be ended and gone on with there
     */
    public Generator(LanguageModel model, boolean adapterOn, int vocabulary, GenerationLimits limits, Depth depth) {
        if (vocabulary < 1 || vocabulary > model.config().vocabularySize()) {
            throw new IllegalArgumentException(vocabulary + " tokens of an embedding with "
                    + model.config().vocabularySize() + " rows");
        }
        this.model = model;
        this.depth = depth;
        exits = depth.exits(model.config().layers());
        decided = new long[exits.size()];
        engine = exits.size() == 1 ? new DecodingEngine(model, adapterOn, EngineOptions.DEFAULT, exits.get(0))
                : new ExitEngine(model, adapterOn, EngineOptions.DEFAULT, exits, limits.tokensPerPass());
        longest = model.config().maxPositions();
        this.vocabulary = vocabulary;
        this.limits = limits;
    }

    /**
     * Behind which block the tokens so far were decided, where a depth has several exits: how many by the block. With drafts
     * those that were kept count for the block that drafted them.
     */
    public Map<Integer, Long> decidedBehind() {
        Map<Integer, Long> counts = new TreeMap<>();
        for (int i = 0; i < decided.length && decided.length > 1; i++) {
            counts.put(exits.get(i), decided[i]);
        }
        return counts;
    }

    /**
     * Continues prompts.
     *
     * @param prompts token ids, each not empty
     * @return the new tokens of each prompt, without the stop token, in the order of the prompts
     * @throws FinetuneException when a prompt is empty, does not leave room in the context, or holds an unknown token
     */
    public List<int[]> generate(List<int[]> prompts, GenerationSettings settings) {
        return generate(prompts, settings, answered -> { });
    }

    /**
     * Continues prompts and tells how far it is.
     *
     * @param prompts    token ids, each not empty
     * @param settings   for one text each
     * @param onProgress given how many prompts are answered, whenever one more is
     * @return the new tokens of each prompt, without the stop token, in the order of the prompts
     * @throws FinetuneException when a prompt is empty, does not leave room in the context, or holds an unknown token
     */
    public List<int[]> generate(List<int[]> prompts, GenerationSettings settings, IntConsumer onProgress) {
        if (settings.samples() > 1) {
            throw new IllegalArgumentException(settings.samples() + " texts for each prompt, of which one is returned");
        }
        List<GenerationRequest> requests = new ArrayList<>();
        prompts.forEach(prompt -> requests.add(new GenerationRequest(prompt, settings, requests.size())));
        int[] answered = {0};
        return generate(requests, new TokenListener() {
            @Override
            public void onEnd(GeneratedTokens text) {
                onProgress.accept(++answered[0]);
            }
        }).stream().map(texts -> texts.get(0).tokens()).toList();
    }

    /**
     * Continues one prompt and hands over every token as it comes.
     *
     * @param onToken called with each new token; false ends the text
     * @return the new tokens, without the stop token
     */
    public int[] stream(int[] prompt, GenerationSettings settings, IntPredicate onToken) {
        return generate(List.of(new GenerationRequest(prompt, settings, 0)), new TokenListener() {
            @Override
            public @Nullable EndReason onToken(int request, int sample, int token) {
                return onToken.test(token) ? null : EndReason.CANCELLED;
            }
        }).get(0).get(0).tokens();
    }

    /**
     * Continues prompts, each in its own way.
     *
     * @return for each request its texts in order
     * @throws FinetuneException when a prompt is empty, does not leave room in the context, holds an unknown token, or
     *                           needs more cache than the limits allow
     */
    public List<List<GeneratedTokens>> generate(List<GenerationRequest> requests, TokenListener listener) {
        try (GenerationRun run = start(requests, listener)) {
            while (run.goesOn()) {
                run.pass();
            }
            return run.results();
        }
    }

    /**
     * Prepares what {@link #generate(List, TokenListener)} does, for whoever wants to drive it pass by pass. The next
     * call of this generator's methods must wait until the run is closed.
     *
     * @throws FinetuneException as generate does
     */
    public GenerationRun start(List<GenerationRequest> requests, TokenListener listener) {
        List<Text> texts = new ArrayList<>();
        List<BeamSearch> searches = new ArrayList<>();
        for (int i = 0; i < requests.size(); i++) {
            GenerationRequest request = requests.get(i);
            int most = mostPlaces(i, request);
            if (request.settings().beams() > 1) {
                if (!(engine instanceof DecodingEngine batches)) {
                    throw new FinetuneException("generation: beams " + request.settings().beams() + " need all texts at one "
                            + "depth, but each token ends behind a block of its own. Set beams to 1, or generate with the "
                            + "whole model.");
                }
                searches.add(new BeamSearch(batches, i, request, most, vocabulary, limits.tokensPerPass()));
                continue;
            }
            for (int sample = 0; sample < request.settings().samples(); sample++) {
                texts.add(new Text(i, sample, request, most));
            }
        }
        if (engine instanceof ExitEngine parts) {
            return new ExitRun(parts, nextTokens(parts), requests, texts, listener);
        }
        // The cache has as many places for each text as the longest needs, so that those of like length go together.
        texts.sort(Comparator.comparingInt(Text::promptTokens));
        return new BatchRun((DecodingEngine) engine, limits, vocabulary, longest, requests, texts, searches, listener);
    }

    private ExitRun.NextTokens nextTokens(ExitEngine parts) {
        if (depth instanceof Depth.SelfSpeculative speculative) {
            return new SpeculatedTokens(parts, vocabulary, speculative.window(), longest, decided);
        }
        double[] thresholds = ((Depth.ConfidenceExit) depth).of(model.config().layers()).values().stream()
                .mapToDouble(Double::doubleValue).toArray();
        return new ConfidentTokens(parts, vocabulary, thresholds, longest, decided);
    }

    /** Tokens that prompt and continuation have at most; refuses what cannot be generated. */
    private int mostPlaces(int index, GenerationRequest request) {
        int[] prompt = request.prompt();
        GenerationSettings settings = request.settings();
        int context = settings.maxLength() == 0 ? longest : Math.min(longest, settings.maxLength());
        if (prompt.length == 0 || prompt.length >= context) {
            throw new FinetuneException("cannot generate from prompt " + index + " (counted from 0) of " + prompt.length
                    + " tokens: it must have at least 1 and leave room in the " + (context == longest ? "context"
                    : "maxLength")
                    + " of " + context + " tokens.");
        }
        for (int id : prompt) {
            if (id < 0 || id >= vocabulary) {
                throw new FinetuneException("prompt " + index + " (counted from 0) holds token " + id
                        + ", but the model's vocabulary has " + vocabulary
                        + " tokens. Check that tokenizer and model belong together.");
            }
        }
        int most = (int) Math.min(context, (long) prompt.length + settings.maxNewTokens());
        if (request.structure() != null) {
            request.structure().requireFits(most - prompt.length);
        }
        requireCache(index, prompt.length, most, settings.beams());
        return most;
    }

    private void requireCache(int index, int promptTokens, int most, int slots) {
        long needed = slots * (long) most * engine.bytesPerPlace();
        if (needed > limits.cacheBytes()) {
            long prompt = slots * (promptTokens + 1L) * engine.bytesPerPlace();
            throw new FinetuneException("prompt " + index + " (counted from 0) has " + promptTokens
                    + " tokens, whose keys and "
                    + "values take " + mebibytes(prompt) + (slots > 1 ? " for " + slots + " beams" : "") + ", and "
                    + mebibytes(needed) + " with all " + (most - promptTokens) + " new tokens, but the cache may have only "
                    + mebibytes(limits.cacheBytes()) + ". "
                    + (prompt > limits.cacheBytes() ? "Shorten the prompt" : "Ask for fewer new tokens")
                    + ", or raise the limit of the cache.");
        }
    }

    private static String mebibytes(long bytes) {
        return String.format(java.util.Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20));
    }

    /** Bytes of keys and values that a token of a text takes. */
    long cacheBytesPerToken() {
        return engine.bytesPerPlace();
    }

    /** Bytes of keys and values that are held now. */
    long cacheBytes() {
        return engine.cacheBytes();
    }

    /** Bytes of intermediate arrays that are held now. */
    long arenaBytes() {
        return engine.arenaBytes();
    }

    @Override
    public void close() {
        engine.close();
    }
}
