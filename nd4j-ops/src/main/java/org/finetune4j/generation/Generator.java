package org.finetune4j.generation;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.FloatPointer;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.HeldWeights;
import org.finetune4j.model.DecodingEngine;
import org.finetune4j.model.DecodingEngine.Feed;
import org.finetune4j.model.LanguageModel;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Generates text token by token with a key-value cache, many prompts at a time: a text that ends leaves at once, and the
 * next prompt takes its place and is read in the same passes in which the others get their next tokens.
 *
 * <p>What is generated for a prompt does not depend on the other prompts, but for rounding. Beside the model there is
 * memory for what {@link GenerationLimits} say, and while more than a few tokens are generated for a copy of the weights
 * in a faster layout, where the device gains by one and has the room. Weights must not change meanwhile.
 */
public final class Generator implements AutoCloseable {
    /** Passes of few tokens after which a copy of the weights has paid for itself. */
    private static final int PASSES_WORTH_HOLDING = 64;

    private final DecodingEngine engine;
    private final int longest;
    private final int vocabulary;
    private final GenerationLimits limits;
    private float[][] rows = new float[0][];

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
        if (vocabulary < 1 || vocabulary > model.config().vocabularySize()) {
            throw new IllegalArgumentException(vocabulary + " tokens of an embedding with "
                    + model.config().vocabularySize() + " rows");
        }
        engine = new DecodingEngine(model, adapterOn);
        longest = model.config().maxPositions();
        this.vocabulary = vocabulary;
        this.limits = limits;
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
     * @param onProgress given how many prompts are answered, whenever one more is
     * @return the new tokens of each prompt, without the stop token, in the order of the prompts
     * @throws FinetuneException when a prompt is empty, does not leave room in the context, or holds an unknown token
     */
    public List<int[]> generate(List<int[]> prompts, GenerationSettings settings, IntConsumer onProgress) {
        List<Text> texts = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
            texts.add(text(i, prompts.get(i), settings));
        }
        // The cache has as many places for each text as the longest needs, so that those of like length go together.
        texts.sort(Comparator.comparingInt(Text::promptTokens));
        int[][] results = new int[prompts.size()][];
        int[] answered = {0};
        run(texts, settings, token -> true, text -> {
            results[text.index()] = text.added();
            onProgress.accept(++answered[0]);
        });
        return List.of(results);
    }

    /**
     * Continues one prompt and hands over every token as it comes.
     *
     * @param onToken called with each new token; false ends the text
     * @return the new tokens, without the stop token
     */
    public int[] stream(int[] prompt, GenerationSettings settings, IntPredicate onToken) {
        Text text = text(0, prompt, settings);
        run(List.of(text), settings, onToken, ended -> { });
        return text.added();
    }

    private Text text(int index, int[] prompt, GenerationSettings settings) {
        if (prompt.length == 0 || prompt.length >= longest) {
            throw new FinetuneException("cannot generate from prompt " + index + " (counted from 0) of " + prompt.length
                    + " tokens: it must have at least 1 and leave room in the context of " + longest + " tokens.");
        }
        for (int id : prompt) {
            if (id < 0 || id >= vocabulary) {
                throw new FinetuneException("prompt " + index + " (counted from 0) holds token " + id
                        + ", but the model's vocabulary has " + vocabulary
                        + " tokens. Check that tokenizer and model belong together.");
            }
        }
        return new Text(index, prompt, (int) Math.min(longest, (long) prompt.length + settings.maxNewTokens()));
    }

    private record Turn(Text text, Feed feed) {
    }

    private void run(List<Text> texts, GenerationSettings settings, IntPredicate onToken, Consumer<Text> onEnd) {
        TokenSampler sampler = new TokenSampler(settings);
        long passes = (texts.size() + limits.texts() - 1L) / limits.texts() * settings.maxNewTokens();
        try (HeldWeights held = passes < PASSES_WORTH_HOLDING ? HeldWeights.NONE : engine.holdWeights()) {
            TextSlots slots = new TextSlots(engine, limits, texts);
            while (!slots.isEmpty()) {
                slots.fill();
                List<Turn> turns = turns(slots.active());
                int[] tokens = sample(engine.feed(turns.stream().map(Turn::feed).toList()), turns, sampler, settings);
                for (int i = 0; i < tokens.length; i++) {
                    Text text = turns.get(i).text();
                    if (!text.readsPrompt() && !goesOn(text, tokens[i], settings, onToken)) {
                        slots.end(text);
                        onEnd.accept(text);
                    }
                }
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
                Feed part = text.next(room);
                room -= part.count();
                turns.add(new Turn(text, part));
            }
        }
        return turns;
    }

    /** The next token of each text; meaningless where a prompt is not read to its end yet. */
    private int[] sample(INDArray logits, List<Turn> turns, TokenSampler sampler, GenerationSettings settings) {
        if (rows.length < turns.size()) {
            rows = new float[turns.size()][vocabulary];
        }
        for (int i = 0; i < turns.size(); i++) {
            copy(logits, i, rows[i]);
        }
        int[] tokens = new int[turns.size()];
        IntStream all = IntStream.range(0, tokens.length).filter(i -> !turns.get(i).text().readsPrompt());
        // The most probable token is found in no time, a drawn one takes an exponential for each.
        (settings.temperature() == 0 ? all : all.parallel()).forEach(i -> {
            Text text = turns.get(i).text();
            tokens[i] = sampler.sample(rows[i], text.index(), text.count());
        });
        return tokens;
    }

    private static void copy(INDArray logits, int row, float[] target) {
        if (logits.dataType() == DataType.FLOAT) {
            new FloatPointer(logits.data().addressPointer()).position(row * logits.size(1)).get(target, 0, target.length);
        } else {
            System.arraycopy(logits.getRow(row).toFloatVector(), 0, target, 0, target.length);
        }
    }

    private boolean goesOn(Text text, int token, GenerationSettings settings, IntPredicate onToken) {
        if (settings.stopIds().contains(token)) {
            return false;
        }
        text.add(token);
        return onToken.test(token) && text.count() < settings.maxNewTokens() && text.places() < longest;
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
