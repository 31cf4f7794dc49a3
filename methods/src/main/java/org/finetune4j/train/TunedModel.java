package org.finetune4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Sample.Message;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.Generator;
import org.finetune4j.gguf.GgufType;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.tokenizer.StreamingDecoder;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;

/** The outcome of a run, with the model in memory. */
final class TunedModel implements FineTuned {
    private final FineTuning job;
    private final Plan plan;
    private final LanguageModel model;
    private final Tokenizer tokenizer;
    private final TextEncoding encoding;
    private final List<AutoCloseable> opened;
    private final EncodedSamples data;
    private final Trainer.Outcome outcome;
    private final List<Comparison> comparisons;
    private final List<Answer> answers;
    private @Nullable Generator generator;

    /** Takes over what was opened, to be closed in reverse. */
    TunedModel(FineTuning job, Plan plan, LanguageModel model, Tokenizer tokenizer, TextEncoding encoding,
               List<AutoCloseable> opened, EncodedSamples data, Trainer.Outcome outcome, List<Comparison> comparisons,
               List<Answer> answers) {
        this.job = job;
        this.plan = plan;
        this.model = model;
        this.tokenizer = tokenizer;
        this.encoding = encoding;
        this.opened = opened;
        this.data = data;
        this.outcome = outcome;
        this.comparisons = List.copyOf(comparisons);
        this.answers = List.copyOf(answers);
    }

    FineTuning job() {
        return job;
    }

    LanguageModel model() {
        return model;
    }

    Tokenizer tokenizer() {
        return tokenizer;
    }

    TextEncoding encoding() {
        return encoding;
    }

    EncodedSamples data() {
        return data;
    }

    @Override
    public Plan plan() {
        return plan;
    }

    @Override
    public List<Comparison> comparisons() {
        return comparisons;
    }

    @Override
    public List<Answer> answers() {
        return answers;
    }

    @Override
    public TrainingListener.StepEvent lastStep() {
        return outcome.lastStep();
    }

    @Override
    public String generate(List<Message> conversation, int maxNewTokens, double temperature, int topK, double topP,
                           long seed, Predicate<String> onText) {
        GenerationSettings settings;
        try {
            settings = new GenerationSettings(maxNewTokens, temperature, topK, topP, seed, encoding.stopIds());
        } catch (IllegalArgumentException e) {
            throw new FinetuneException("generate: " + e.getMessage() + ".", e);
        }
        if (generator == null) {
            generator = new Generator(model, true, tokenizer.vocabularySize());
        }
        StreamingDecoder decoder = tokenizer.streamingDecoder(true);
        StringBuilder text = new StringBuilder();
        generator.stream(encoding.prompt("the conversation", conversation), settings, token -> {
            String piece = decoder.append(token);
            text.append(piece);
            // The decoder holds nothing back after a piece that is not empty, so that after a stop nothing more is told.
            return piece.isEmpty() || onText.test(piece);
        });
        String rest = decoder.finish();
        if (!rest.isEmpty()) {
            onText.test(rest);
        }
        return text.append(rest).toString();
    }

    @Override
    public void save(Path folder) {
        new ModelExport(this).write(folder, AtomicFiles.onDisk());
    }

    @Override
    public void saveAdapter(Path folder) {
        new AdapterExport(this).write(folder, AtomicFiles.onDisk());
    }

    @Override
    public void saveGguf(Path file, GgufType type) {
        new ModelExport(this).writeGguf(file, type, AtomicFiles.onDisk());
    }

    @Override
    public void close() {
        if (generator != null) {
            generator.close();
        }
        FineTuningRun.closeAll(opened);
    }
}
