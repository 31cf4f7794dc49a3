package org.finetune4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.generation.Depth;
import org.finetune4j.generation.GeneratedText;
import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.TextListener;
import org.finetune4j.generation.TextStream;
import org.finetune4j.gguf.GgufType;
import org.finetune4j.methods.generate.TextModel;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.tokenizer.Message;
import org.finetune4j.tokenizer.Tokenizer;

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
    private final Responder responder;

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
        this.responder = new Responder(model, tokenizer, encoding, job.base().folder());
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
    public GenerationSettings.Builder generation() {
        return responder.settings(true);
    }

    @Override
    public List<GeneratedText> generate(List<Message> conversation, GenerationSettings settings, TextListener listener) {
        return responder.answer(List.of(conversation), settings, listener).get(0);
    }

    @Override
    public TextModel texts() {
        return GeneratingModel.of(model, tokenizer, encoding, "tuned in " + job.runFolder() + " to step "
                + lastStep().step());
    }

    @Override
    public TextStream stream(List<Message> conversation, GenerationSettings settings) {
        return responder.stream(conversation, settings);
    }

    @Override
    public void limitGeneration(GenerationLimits limits) {
        responder.limit(limits);
    }

    @Override
    public void depth(Depth depth) {
        responder.depth(depth);
    }

    @Override
    public Map<Integer, Long> decidedBehind() {
        return responder.decidedBehind();
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
        responder.close();
        FineTuningRun.closeAll(opened);
    }
}
