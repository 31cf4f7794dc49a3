package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.generation.Depth;
import org.finetune4j.generation.GeneratedText;
import org.finetune4j.generation.GenerationConfig;
import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.TextGenerator;
import org.finetune4j.generation.TextGenerator.Prompt;
import org.finetune4j.generation.TextListener;
import org.finetune4j.generation.TextStream;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/** Generates with a model in memory, which stays its owner's. */
final class Responder implements AutoCloseable {
    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final TextEncoding encoding;
    private final Path folder;
    private GenerationLimits limits = GenerationLimits.DEFAULT;
    private Depth depth = Depth.WHOLE;
    private @Nullable GenerationConfig config;
    private @Nullable TextGenerator generator;
    private @Nullable TextStream stream;

    /**
     * A responder.
     *
     * @param folder of the model, for its generation_config.json
     */
    Responder(LanguageModel model, Tokenizer tokenizer, TextEncoding encoding, Path folder) {
        this.model = model;
        this.tokenizer = tokenizer;
        this.encoding = encoding;
        this.folder = folder;
    }

    /** What the folder says; read when it is asked for, so that what is wrong with it stops nothing but generation. */
    GenerationConfig config() {
        if (config == null) {
            config = GenerationConfig.read(folder);
        }
        return config;
    }

    /** The settings of the model's folder, with the tokens that end a turn where there are turns. */
    GenerationSettings.Builder settings(boolean chat) {
        GenerationSettings.Builder settings = config().settings();
        tokenizer.endTokenId().ifPresent(end -> settings.addStopIds(Set.of(end)));
        return chat ? settings.addStopIds(encoding.stopIds()) : settings;
    }

    void limit(GenerationLimits other) {
        if (!other.equals(limits)) {
            close();
            limits = other;
        }
    }

    /** Answers with as much of the model as this says from now on. */
    void depth(Depth other) {
        if (!other.equals(depth)) {
            TextGenerator fresh = new TextGenerator(model, tokenizer, limits, other);
            close();
            generator = fresh;
            depth = other;
        }
    }

    /** How many tokens were decided behind each exit since the depth or the limits were set. */
    Map<Integer, Long> decidedBehind() {
        return generator == null ? Map.of() : generator.decidedBehind();
    }

    /** The next turns of conversations, many at a time. */
    List<List<GeneratedText>> answer(List<List<Message>> conversations, GenerationSettings settings,
            TextListener listener) {
        List<Prompt> prompts = new ArrayList<>();
        conversations.forEach(conversation -> prompts.add(new Prompt(encoding.prompt("the conversation",
                Conversation.of(conversation)),
                settings, prompts.size())));
        return generator().generate(prompts, listener);
    }

    /** What follows a plain text. */
    List<GeneratedText> complete(String text, GenerationSettings settings, TextListener listener) {
        return generator().generate(List.of(new Prompt(tokenizer.encode(text, true).ids(), settings, 0)), listener).get(0);
    }

    TextStream stream(List<Message> conversation, GenerationSettings settings) {
        TextStream begun = generator().stream(new Prompt(encoding.prompt("the conversation",
                Conversation.of(conversation)), settings, 0));
        stream = begun;
        return begun;
    }

    /** The generator, whose last stream is over, be it read to its end or not. */
    private TextGenerator generator() {
        endStream();
        if (generator == null) {
            generator = new TextGenerator(model, tokenizer, limits, depth);
        }
        return generator;
    }

    private void endStream() {
        if (stream != null) {
            stream.close();
            stream = null;
        }
    }

    @Override
    public void close() {
        endStream();
        if (generator != null) {
            generator.close();
            generator = null;
        }
    }
}
