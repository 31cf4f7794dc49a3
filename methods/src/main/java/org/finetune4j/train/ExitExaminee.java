package org.finetune4j.train;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.evaluate.Examinee;
import org.finetune4j.methods.evaluate.Sampling;

/** The answers that a model's first blocks give alone. */
record ExitExaminee(Examinee model, Answers answers) implements Examinee {
    @Override
    public List<String> answers(List<Sample> samples) {
        return answers.of(samples, Sampling.GREEDY).stream().map(texts -> texts.get(0)).toList();
    }

    @Override
    public List<List<String>> answers(List<Sample> samples, Sampling sampling) {
        return answers.of(samples, sampling);
    }

    @Override
    public List<Likelihood> likelihoods(List<Continuation> continuations) {
        throw answersAlone();
    }

    @Override
    public List<Likelihood> rollingLikelihoods(List<String> texts, int window, int contextLength) {
        throw answersAlone();
    }

    private static FinetuneException answersAlone() {
        return new FinetuneException("evaluate: behind an exit a model is measured by its answers alone. Take a metric of "
                + "answers, such as exactMatch().");
    }

    @Override
    public int blocks() {
        return model.blocks();
    }

    @Override
    public Examinee behind(int block) {
        return model.behind(block);
    }

    @Override
    public int[] tokens(String text) {
        return model.tokens(text);
    }

    @Override
    public int vocabularySize() {
        return model.vocabularySize();
    }

    @Override
    public List<float[]> embeddings(String folder, List<String> texts) {
        return model.embeddings(folder, texts);
    }
}
