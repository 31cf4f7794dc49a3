package org.finetune4j.methods.decode;

import java.util.List;
import java.util.function.BiFunction;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.evaluate.ChoiceQuestion;
import org.finetune4j.methods.evaluate.Examinee;
import org.finetune4j.methods.evaluate.Sampling;
import org.finetune4j.model.TokenEncoder.TokenVectors;

/**
 * A model whose probabilities of choices are made otherwise.
 *
 * @param decoded the probabilities of questions by a model, which is this one or a part of it
 */
record DecodedExaminee(Examinee model, BiFunction<List<ChoiceQuestion>, Examinee, List<double[]>> decoded) implements Examinee {
    @Override
    public List<double[]> probabilities(List<ChoiceQuestion> questions) {
        return decoded.apply(questions, model);
    }

    @Override
    public List<String> answers(List<Sample> samples) {
        return model.answers(samples);
    }

    @Override
    public List<List<String>> answers(List<Sample> samples, Sampling sampling) {
        return model.answers(samples, sampling);
    }

    @Override
    public List<Likelihood> likelihoods(List<Continuation> continuations) {
        return model.likelihoods(continuations);
    }

    @Override
    public List<Likelihood> rollingLikelihoods(List<String> texts, int window, int contextLength) {
        return model.rollingLikelihoods(texts, window, contextLength);
    }

    @Override
    public int blocks() {
        return model.blocks();
    }

    @Override
    public Examinee exitAt(int block) {
        return new DecodedExaminee(model.exitAt(block), decoded);
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

    @Override
    public List<TokenVectors> tokenVectors(String folder, List<String> texts) {
        return model.tokenVectors(folder, texts);
    }
}
