package org.finetune4j.train;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Encoder;
import org.finetune4j.data.Example;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.Sample;
import org.finetune4j.data.SampleEncoding;
import org.finetune4j.data.TooLong;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.ResponseScorer;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.TrainingEngine;
import org.jspecify.annotations.Nullable;

/** Scores responses by the model as it is, with its adapter where it has one, by the template and the marks of the training. */
final class ModelScorer implements ResponseScorer, AutoCloseable {
    private static final String STAGE = "score the candidate responses";

    private final TrainingEngine engine;
    private final Encoder encoder;
    private final int tokensPerBatch;
    private final TrainingListener listener;
    private final @Nullable ScoreCache cache;

    /**
     * A scorer; samples beyond the limit are cut when {@code tooLong} cuts them, and else refused.
     *
     * @param cache keeps scores of these weights for a run that is continued, or null
     */
    ModelScorer(LanguageModel model, SampleEncoding encoding, LengthLimit limit, TooLong tooLong, int tokensPerBatch,
                TrainingListener listener, @Nullable ScoreCache cache) {
        this.cache = cache;
        engine = TrainingEngine.forwardOnly(model, new Sft(), EngineOptions.DEFAULT);
        encoder = new Encoder(encoding, limit, tooLong.cuts() ? tooLong : TooLong.ERROR);
        this.tokensPerBatch = tokensPerBatch;
        this.listener = listener;
    }

    @Override
    public List<float[]> tokenLogProbabilities(List<Sample> conversations) {
        EncodedSamples encoded = encoder.encode(conversations);
        ScoreCache kept = cache == null ? null : cache.forData(encoded.hash());
        List<float[]> known = kept == null ? null : kept.read();
        if (known != null) {
            return known;
        }
        List<float[]> scores = score(encoded.examples());
        if (kept != null) {
            kept.write(scores);
        }
        return scores;
    }

    private List<float[]> score(List<Example> examples) {
        List<float[]> results = new ArrayList<>(examples.size());
        listener.stageBegan(STAGE);
        while (results.size() < examples.size()) {
            List<Example> batch = batch(examples, results.size());
            score(batch, results);
            listener.stageProgressed(STAGE, results.size(), examples.size());
        }
        return results;
    }

    private List<Example> batch(List<Example> examples, int from) {
        int to = from;
        long tokens = 0;
        while (to < examples.size() && (to == from || tokens + examples.get(to).inputTokens() <= tokensPerBatch)) {
            tokens += examples.get(to++).inputTokens();
        }
        return examples.subList(from, to);
    }

    private void score(List<Example> batch, List<float[]> results) {
        PackedBatch packed = StepBatches.of(List.of(batch), Reduction.TOKENS).get(0);
        float[] losses = engine.evaluate(packed).values().get("loss");
        int from = 0;
        for (Example example : batch) {
            float[] logProbabilities = new float[example.supervisedTokens()];
            for (int i = 0; i < logProbabilities.length; i++) {
                logProbabilities[i] = -losses[from++];
            }
            results.add(logProbabilities);
        }
    }

    @Override
    public void close() {
        engine.close();
    }
}
