package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.data.TooLong;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.methods.select.ResponseScorer;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.tokenizer.Supervision;
import org.finetune4j.tokenizer.Tokenizer;

/** Scores responses by another model in a folder, with its own tokenizer and chat template. */
final class OtherModelScorer implements ResponseScorer, AutoCloseable {
    private final List<AutoCloseable> opened = new ArrayList<>();
    private final ModelScorer scorer;

    /** Opens scorers of other models. */
    interface Opener {
        /** The scorer of the model in a folder, with or without the tokens that end turns. */
        OtherModelScorer open(Path folder, boolean endOfTurn);
    }

    /**
     * Loads a model; samples that do not fit into its context are refused.
     *
     * @throws org.finetune4j.FinetuneException when a file is missing, damaged or of an unknown model
     */
    OtherModelScorer(Path folder, boolean endOfTurn, FineTuning job, TrainingListener listener) {
        try {
            Kernels kernels = KernelChoice.named(job.kernels());
            opened.add(kernels);
            KernelChoice.require(kernels, job.train().precision());
            Tokenizer tokenizer = Tokenizer.load(folder);
            opened.add(tokenizer);
            LanguageModel model = LanguageModel.load(folder, job.train().precision(), kernels);
            opened.add(model);
            Supervision supervision = new Supervision(job.supervision().turns(), endOfTurn);
            TextEncoding encoding = new TextEncoding(tokenizer, null, supervision, model.config().vocabularySize());
            ScoreCache cache = job.runFolder() == null ? null : new ScoreCache(job.runFolder(),
                    model.parameters().hashOfFrozen() + " " + job.train().precision() + " " + job.kernels() + " "
                            + job.train().tokensPerBatch());
            scorer = new ModelScorer(model, encoding, new LengthLimit(ModelConfig.read(folder).maxPositions(), true),
                    TooLong.ERROR, job.train().tokensPerBatch(), listener, cache);
            opened.add(scorer);
        } catch (RuntimeException | Error e) {
            FineTuningRun.closeAll(opened);
            throw e;
        }
    }

    @Override
    public List<float[]> tokenLogProbabilities(List<Sample> conversations) {
        return scorer.tokenLogProbabilities(conversations);
    }

    @Override
    public void close() {
        FineTuningRun.closeAll(opened);
    }
}
