package org.finetune4j.generation;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.finetune4j.generation.structure.Structure;
import org.finetune4j.generation.structure.TokenStructure;
import org.finetune4j.generation.structure.TokenVocabulary;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/**
 * Generates text with a model and its tokenizer: in batches, as a stream, up to stop strings, and held to forms.
 *
 * <p>Weights must not change while something is generated. Model and tokenizer stay the caller's. An object belongs to one
 * thread.
 */
public final class TextGenerator implements AutoCloseable {
    private final Generator generator;
    private final Tokenizer tokenizer;
    private final Map<Structure, Map<Set<Integer>, TokenStructure>> ready = new WeakHashMap<>();
    private @Nullable TokenVocabulary vocabulary;

    /**
     * A generator, the model's adapter on when one is attached.
     *
     * @param limits most memory for keys and values, and most texts side by side
     * @throws FinetuneException when the model has no rows for tokens that are text
     */
    public TextGenerator(LanguageModel model, Tokenizer tokenizer, GenerationLimits limits) {
        this(model, tokenizer, limits, Depth.WHOLE);
    }

    /**
     * As the other constructor, with as much of the model as the depth says.
     *
     * @throws FinetuneException when the model has no such blocks or cannot be ended there, or no rows for tokens that are text
     */
    public TextGenerator(LanguageModel model, Tokenizer tokenizer, GenerationLimits limits, Depth depth) {
        this.generator = new Generator(model, true, tokenizer.tokensWithin(model.config().vocabularySize()), limits, depth);
        this.tokenizer = tokenizer;
    }

    /**
     * A prompt to be continued.
     *
     * @param tokens   its tokens, not empty
     * @param settings how it is continued
     * @param stream   decides the draws together with the settings' seed; prompts that share a seed take different ones
     */
    public record Prompt(int[] tokens, GenerationSettings settings, int stream) {
    }

    /**
     * Continues prompts, many at a time.
     *
     * @return for each prompt its texts in order
     * @throws FinetuneException when a prompt does not fit the model or the cache, or a form cannot be written with this
     *                           tokenizer or within the allowed tokens
     */
    public List<List<GeneratedText>> generate(List<Prompt> prompts, TextListener listener) {
        TextAssembly assembly = new TextAssembly(tokenizer, prompts, listener);
        generator.generate(requests(prompts), assembly);
        return assembly.results();
    }

    /**
     * Continues one prompt, as much as its reader asks for.
     *
     * @throws FinetuneException as generate does, or when the settings ask for several texts or a beam search
     */
    public TextStream stream(Prompt prompt) {
        if (prompt.settings().samples() > 1 || prompt.settings().beams() > 1) {
            throw new FinetuneException("generation: samples " + prompt.settings().samples() + " and beams "
                    + prompt.settings().beams() + " cannot be streamed, because a stream is one text. Set both to 1.");
        }
        return new TextStream(tokenizer, prompt, listener -> generator.start(requests(List.of(prompt)), listener));
    }

    private List<GenerationRequest> requests(List<Prompt> prompts) {
        return prompts.stream().map(prompt -> {
            GenerationSettings settings = withStopTokens(prompt.settings());
            return new GenerationRequest(prompt.tokens(), settings, prompt.stream(), structure(settings));
        }).toList();
    }

    /** A stop string that is an added token is found by its id, because the text of special tokens is left out. */
    private GenerationSettings withStopTokens(GenerationSettings settings) {
        Set<Integer> tokens = settings.stopStrings().stream().flatMapToInt(stop -> tokenizer.idOf(stop).stream())
                .filter(tokenizer::isAddedToken).boxed().collect(Collectors.toSet());
        return tokens.isEmpty() ? settings : settings.toBuilder().addStopIds(tokens).build();
    }

    private @Nullable TokenStructure structure(GenerationSettings settings) {
        Structure form = settings.structure();
        if (form == null) {
            return null;
        }
        Set<Integer> ends = vocabulary().texts(settings.stopIds());
        return ready.computeIfAbsent(form, missing -> new HashMap<>())
                .computeIfAbsent(ends, missing -> form.ready(vocabulary(), ends));
    }

    private TokenVocabulary vocabulary() {
        if (vocabulary == null) {
            vocabulary = TokenVocabulary.of(tokenizer);
        }
        return vocabulary;
    }

    /** Behind which block the tokens so far were decided, where the depth has several exits: how many by the block. */
    public Map<Integer, Long> decidedBehind() {
        return generator.decidedBehind();
    }

    /** Bytes of keys and values that a token of a text takes. */
    public long cacheBytesPerToken() {
        return generator.cacheBytesPerToken();
    }

    @Override
    public void close() {
        generator.close();
    }
}
