package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.data.Sample;
import org.finetune4j.model.TokenEncoder.TokenVectors;
import org.jspecify.annotations.Nullable;

/**
 * A model that is measured. What is asked twice is computed once, and nothing that is asked changes its weights or the
 * state of a training.
 */
public interface Examinee {
    /** The most probable answer to the prompt of each sample, in order. */
    List<String> answers(List<Sample> samples);

    /** Answers drawn to the prompt of each sample, in order. */
    List<List<String>> answers(List<Sample> samples, Sampling sampling);

    /** The log-likelihood of each continuation, in order. */
    List<Likelihood> likelihoods(List<Continuation> continuations);

    /**
     * The log-likelihood of every token of plain texts, each seen through windows as {@link RollingWindows} lays them.
     *
     * @param window        tokens that the model sees, at least 1; 0 for the model's context
     * @param contextLength tokens that a full window repeats of the one before it, in [1, window]
     */
    List<Likelihood> rollingLikelihoods(List<String> texts, int window, int contextLength);

    /** The probability of each choice of each question, in order. */
    default List<double[]> probabilities(List<ChoiceQuestion> questions) {
        return ChoiceQuestion.logLikelihoods(questions, this).stream().map(Probabilities::softmax).toList();
    }

    /** How many blocks it has. */
    int blocks();

    /**
     * Its first blocks alone, whose state the final norm and the head turn into words; what the result is asked is computed by
     * the same weights, and it is closed with this.
     *
     * @param block the last block that is used, in [1, {@link #blocks()}]
     * @throws org.finetune4j.FinetuneException when it has no such block
     */
    Examinee exitAt(int block);

    /** Tokens of a text as the model's tokenizer makes them, without those that begin and end texts. */
    int[] tokens(String text);

    /** Tokens of the tokenizer. */
    int vocabularySize();

    /** Vectors of texts by the encoder in a folder. */
    List<float[]> embeddings(String folder, List<String> texts);

    /** Vectors of the tokens of texts by the encoder in a folder. */
    List<TokenVectors> tokenVectors(String folder, List<String> texts);

    /**
     * A text whose likelihood is asked for.
     *
     * @param context whose prompt it answers, or null for the likelihood without any context
     * @param text    not empty
     */
    record Continuation(@Nullable Sample context, String text) {
    }

    /**
     * How likely a text is.
     *
     * @param sum    sum of its tokens' log-probabilities
     * @param tokens how many they are, at least 1
     * @param meanLogit mean of the logits of its tokens, each at the position where it is predicted
     */
    record Likelihood(double sum, int tokens, double meanLogit) {
    }
}
