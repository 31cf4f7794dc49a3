package org.finetune4j.generation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.LanguageModel;

/**
 * Generates text token by token with a key-value cache, many prompts at a time.
 *
 * <p>What is generated for a prompt does not depend on the other prompts of its batch.
 */
public final class Generator implements AutoCloseable {
    private static final int BATCH = 32;

    private final DecodingEngine engine;
    private final int longest;
    private final int vocabulary;

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
        if (vocabulary < 1 || vocabulary > model.config().vocabularySize()) {
            throw new IllegalArgumentException(vocabulary + " tokens of an embedding with "
                    + model.config().vocabularySize() + " rows");
        }
        engine = new DecodingEngine(model, adapterOn);
        longest = model.config().maxPositions();
        this.vocabulary = vocabulary;
    }

    /**
     * Continues prompts.
     *
     * @param prompts token ids, each not empty
     * @return the new tokens of each prompt, without the stop token
     * @throws FinetuneException when a prompt is empty, does not leave room in the context, or holds an unknown token
     */
    public List<int[]> generate(List<int[]> prompts, GenerationSettings settings) {
        return generate(prompts, settings, answered -> { });
    }

    /**
     * Continues prompts and tells how far it is.
     *
     * @param prompts    token ids, each not empty
     * @param onProgress given how many prompts are answered, after each batch of them
     * @return the new tokens of each prompt, without the stop token
     * @throws FinetuneException when a prompt is empty, does not leave room in the context, or holds an unknown token
     */
    public List<int[]> generate(List<int[]> prompts, GenerationSettings settings, IntConsumer onProgress) {
        prompts.forEach(this::check);
        List<int[]> results = new ArrayList<>(prompts);
        // Prompts of like length share a batch, so that little of the cache is left empty.
        List<Integer> order = IntStream.range(0, prompts.size()).boxed()
                .sorted(Comparator.comparingInt(i -> prompts.get(i).length)).toList();
        for (int begin = 0; begin < order.size(); begin += BATCH) {
            List<Integer> batch = order.subList(begin, Math.min(begin + BATCH, order.size()));
            List<Text> texts = batch.stream().map(i -> new Text(i, prompts.get(i))).toList();
            run(texts, settings, token -> true);
            texts.forEach(text -> results.set(text.index, text.added()));
            onProgress.accept(begin + batch.size());
        }
        return results;
    }

    /**
     * Continues one prompt and hands over every token as it comes.
     *
     * @param onToken called with each new token; false ends the text
     * @return the new tokens, without the stop token
     */
    public int[] stream(int[] prompt, GenerationSettings settings, IntPredicate onToken) {
        check(prompt);
        Text text = new Text(0, prompt);
        run(List.of(text), settings, onToken);
        return text.added();
    }

    private void check(int[] prompt) {
        if (prompt.length == 0 || prompt.length >= longest) {
            throw new FinetuneException("cannot generate from a prompt of " + prompt.length
                    + " tokens: it must have at least 1 and leave room in the context of " + longest + " tokens.");
        }
        for (int id : prompt) {
            if (id < 0 || id >= vocabulary) {
                throw new FinetuneException("the prompt holds token " + id + ", but the model's vocabulary has "
                        + vocabulary + " tokens. Check that tokenizer and model belong together.");
            }
        }
    }

    private void run(List<Text> texts, GenerationSettings settings, IntPredicate onToken) {
        TokenSampler sampler = new TokenSampler(settings);
        int prompt = texts.stream().mapToInt(text -> text.ids.length).max().orElse(1);
        engine.begin(texts.size(), Math.min(longest, prompt + settings.maxNewTokens()));
        List<Text> active = new ArrayList<>(texts);
        for (int slot = 0; slot < texts.size(); slot++) {
            texts.get(slot).slot = slot;
        }
        while (!active.isEmpty()) {
            float[][] logits = engine.step(active.stream().map(text -> text.slot).toList(),
                    active.stream().map(Text::pending).toList());
            List<Text> next = new ArrayList<>();
            for (int i = 0; i < active.size(); i++) {
                Text text = active.get(i);
                int token = sampler.sample(known(logits[i]), text.index, text.count);
                if (settings.stopIds().contains(token)) {
                    continue;
                }
                text.add(token);
                boolean room = text.count < settings.maxNewTokens() && text.ids.length + text.count < longest;
                if (onToken.test(token) && room) {
                    next.add(text);
                }
            }
            active = next;
        }
    }

    private float[] known(float[] logits) {
        return logits.length == vocabulary ? logits : Arrays.copyOf(logits, vocabulary);
    }

    @Override
    public void close() {
        engine.close();
    }

    private static final class Text {
        private final int index;
        private final int[] ids;
        private int[] added = new int[16];
        private int count;
        private int slot;

        Text(int index, int[] prompt) {
            this.index = index;
            this.ids = prompt;
        }

        /** What the model has not seen yet: the prompt at first, then the last new token. */
        int[] pending() {
            return count == 0 ? ids : new int[] {added[count - 1]};
        }

        void add(int token) {
            if (count == added.length) {
                added = Arrays.copyOf(added, 2 * count);
            }
            added[count++] = token;
        }

        int[] added() {
            return Arrays.copyOf(added, count);
        }
    }
}
