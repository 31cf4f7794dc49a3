package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.generation.EndReason;
import org.finetune4j.generation.GeneratedText;
import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.TextGenerator;
import org.finetune4j.generation.TextListener;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextWindow;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Tokenizer;

/** A model in memory that answers conversations through its chat template. */
final class GeneratingModel implements TextModel {
    /** Requests that are answered side by side and then kept: what a killed run loses at most. */
    private static final int TOGETHER = 2 * GenerationLimits.DEFAULT.texts();

    private final List<AutoCloseable> owned;
    private final TextGenerator generator;
    private final Tokenizer tokenizer;
    private final TextEncoding encoding;
    private final String identity;
    private final int context;

    private GeneratingModel(List<AutoCloseable> owned, LanguageModel model, Tokenizer tokenizer, TextEncoding encoding,
                            String identity) {
        this.owned = owned;
        this.tokenizer = tokenizer;
        this.encoding = encoding;
        this.identity = identity + " " + encoding.fingerprint() + " " + new TreeSet<>(encoding.stopIds());
        context = model.config().maxPositions();
        generator = new TextGenerator(model, tokenizer, GenerationLimits.DEFAULT);
        owned.add(generator);
    }

    /** A model that stays its owner's and whose weights do not change while this is used. */
    static GeneratingModel of(LanguageModel model, Tokenizer tokenizer, TextEncoding encoding, String identity) {
        return new GeneratingModel(new ArrayList<>(), model, tokenizer, encoding, identity);
    }

    /**
     * Loads a model, which is closed with this.
     *
     * @throws org.finetune4j.FinetuneException when a file is missing, damaged or of an unknown model
     */
    static GeneratingModel load(Path folder, Precision precision, String kernelsName) {
        List<AutoCloseable> opened = new ArrayList<>();
        try {
            Kernels kernels = KernelChoice.named(kernelsName);
            opened.add(kernels);
            KernelChoice.require(kernels, precision);
            Tokenizer tokenizer = Tokenizer.load(folder);
            opened.add(tokenizer);
            LanguageModel model = LanguageModel.load(folder, precision, kernels);
            opened.add(model);
            TextEncoding encoding = new TextEncoding(tokenizer, null);
            return new GeneratingModel(opened, model, tokenizer, encoding,
                    model.parameters().hashOfFrozen() + " " + precision + " " + kernelsName);
        } catch (RuntimeException | Error e) {
            FineTuningRun.closeAll(opened);
            throw e;
        }
    }

    @Override
    public void answer(List<TextRequest> requests, Listener listener) {
        for (int from = 0; from < requests.size(); from += TOGETHER) {
            List<TextGenerator.Prompt> prompts = new ArrayList<>();
            List<Integer> places = new ArrayList<>();
            for (int place = from; place < Math.min(requests.size(), from + TOGETHER); place++) {
                TextRequest request = requests.get(place);
                int[] tokens = encoding.prompt(request.id(), request.conversation());
                if (tokens.length >= context) {
                    // Nothing can follow it: an answer that was cut off at once.
                    listener.answered(place, new TextAnswer("", false, tokens.length, 0));
                } else {
                    prompts.add(new TextGenerator.Prompt(tokens, settings(request), 0));
                    places.add(place);
                }
            }
            List<List<GeneratedText>> texts = prompts.isEmpty() ? List.of() : generator.generate(prompts, TextListener.NONE);
            for (int i = 0; i < texts.size(); i++) {
                GeneratedText text = texts.get(i).get(0);
                listener.answered(places.get(i), new TextAnswer(text.text(), text.reason() == EndReason.STOP_TOKEN,
                        prompts.get(i).tokens().length, text.tokens().tokens().length));
            }
        }
    }

    private GenerationSettings settings(TextRequest request) {
        GenerationSettings.Builder settings = GenerationSettings.builder()
                .maxNewTokens(request.decoding().maxNewTokens()).temperature(request.decoding().temperature())
                .topP(request.decoding().topP()).topK(request.decoding().topK()).seed(request.seed()).stopIds(encoding.stopIds());
        tokenizer.endTokenId().ifPresent(end -> settings.addStopIds(Set.of(end)));
        return settings.build();
    }

    /** How much a model of this context reads, in the tokens of its tokenizer. */
    static TextWindow window(int tokens, Tokenizer tokenizer, TextEncoding encoding) {
        return new TextWindow(tokens, text -> tokenizer.encode(text, false).ids().length, (text, most) -> {
            int[] ids = tokenizer.encode(text, false).ids();
            return ids.length <= most ? text : tokenizer.decode(Arrays.copyOf(ids, most), true);
        }, conversation -> encoding.prompt("drafts", conversation).length);
    }

    @Override
    public Optional<TextWindow> window() {
        return Optional.of(window(context, tokenizer, encoding));
    }

    @Override
    public String identity() {
        return identity;
    }

    @Override
    public void close() {
        FineTuningRun.closeAll(owned);
    }
}
