package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.generation.Depth;
import org.finetune4j.generation.GeneratedText;
import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.TextListener;
import org.finetune4j.generation.TextStream;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;

/**
 * A model folder that answers: continues texts, and conversations through its chat template. An object belongs to one
 * thread; close it to free its memory.
 */
public final class ChatModel implements AutoCloseable {
    private final List<AutoCloseable> opened;
    private final Responder responder;

    private ChatModel(List<AutoCloseable> opened, Responder responder) {
        this.opened = opened;
        this.responder = responder;
    }

    /**
     * Loads a model.
     *
     * @param folder    in the Hugging Face layout
     * @param precision of weights, activations, keys and values
     * @param kernels   {@code onednn} or {@code nd4j}
     * @param limits    most texts side by side and most memory of keys and values
     * @throws org.finetune4j.FinetuneException when a file is missing, damaged or of an unknown model
     */
    public static ChatModel load(Path folder, Precision precision, String kernels, GenerationLimits limits) {
        List<AutoCloseable> opened = new ArrayList<>();
        try {
            Kernels device = KernelChoice.named(kernels);
            opened.add(device);
            KernelChoice.require(device, precision);
            Tokenizer tokenizer = Tokenizer.load(folder);
            opened.add(tokenizer);
            tokenizer.tokensWithin(ModelConfig.read(folder).vocabularySize());
            LanguageModel model = LanguageModel.load(folder, precision, device);
            opened.add(model);
            Responder responder = new Responder(model, tokenizer, new TextEncoding(tokenizer, null), folder);
            opened.add(responder);
            responder.limit(limits);
            return new ChatModel(opened, responder);
        } catch (RuntimeException | Error e) {
            FineTuningRun.closeAll(opened);
            throw e;
        }
    }

    /**
     * The settings that the folder's {@code generation_config.json} asks for, with the tokens that end a turn.
     *
     * @param chat whether turns of a conversation are generated
     */
    public GenerationSettings.Builder settings(boolean chat) {
        return responder.settings(chat);
    }

    /** What of {@code generation_config.json} is not followed, one sentence each. */
    public List<String> notes() {
        return responder.config().notes();
    }

    /**
     * The next turns of conversations, many at a time.
     *
     * @return for each conversation its answers, as many as the settings ask for
     * @throws org.finetune4j.FinetuneException when there is no chat template or a conversation does not fit
     */
    public List<List<GeneratedText>> answer(List<List<Message>> conversations, GenerationSettings settings,
                                            TextListener listener) {
        return responder.answer(conversations, settings, listener);
    }

    /**
     * What follows a plain text.
     *
     * @throws org.finetune4j.FinetuneException when the text does not fit
     */
    public List<GeneratedText> complete(String text, GenerationSettings settings, TextListener listener) {
        return responder.complete(text, settings, listener);
    }

    /** The next turn of a conversation, piece by piece; to be closed. */
    public TextStream stream(List<Message> conversation, GenerationSettings settings) {
        return responder.stream(conversation, settings);
    }

    /**
     * Generates from now on with as much of the model as {@code depth} says.
     *
     * @throws org.finetune4j.FinetuneException when the model has no such block, or cannot be ended there
     */
    public void depth(Depth depth) {
        responder.depth(depth);
    }

    @Override
    public void close() {
        FineTuningRun.closeAll(opened);
    }
}
