package org.finetune4j.methods.evaluate;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.model.TokenEncoder.TokenVectors;

/** A model that says what a test gives it. */
class FixedExaminee implements Examinee {
    private final Function<Sample, List<String>> answers;
    private final Function<Continuation, Likelihood> likelihoods;

    FixedExaminee(Function<Sample, List<String>> answers, Function<Continuation, Likelihood> likelihoods) {
        this.answers = answers;
        this.likelihoods = likelihoods;
    }

    /** A model that gives these log-likelihoods to continuations. */
    static FixedExaminee likely(Function<Continuation, Double> sums) {
        return new FixedExaminee(sample -> List.of(), one -> new Likelihood(sums.apply(one), 1, sums.apply(one)));
    }

    @Override
    public List<String> answers(List<Sample> samples) {
        return samples.stream().map(sample -> answers.apply(sample).get(0)).toList();
    }

    @Override
    public List<List<String>> answers(List<Sample> samples, Sampling sampling) {
        return samples.stream().map(sample -> answers.apply(sample).subList(0, sampling.samples())).toList();
    }

    @Override
    public List<Likelihood> likelihoods(List<Continuation> continuations) {
        return continuations.stream().map(likelihoods).toList();
    }

    @Override
    public List<Likelihood> rollingLikelihoods(List<String> texts, int window, int contextLength) {
        return texts.stream().map(text -> likelihoods.apply(new Continuation(null, text))).toList();
    }

    @Override
    public int blocks() {
        return 3;
    }

    @Override
    public Examinee exitAt(int block) {
        return new FixedExaminee(sample -> answers.apply(sample).stream().map(answer -> answer + block).toList(), likelihoods);
    }

    @Override
    public int[] tokens(String text) {
        return Arrays.stream(text.split(" ")).mapToInt(String::hashCode).toArray();
    }

    @Override
    public int vocabularySize() {
        return 1000;
    }

    @Override
    public List<float[]> embeddings(String folder, List<String> texts) {
        return texts.stream().map(text -> {
            float[] vector = new float[26];
            IntStream.range(0, text.length()).filter(i -> Character.isLetter(text.charAt(i)))
                    .forEach(i -> vector[(text.charAt(i) | 32) - 'a']++);
            return vector;
        }).toList();
    }

    /** Each letter of a text is a token, whose vector tells it from others; no tokens are added. */
    @Override
    public List<TokenVectors> tokenVectors(String folder, List<String> texts) {
        return texts.stream().map(text -> new TokenVectors(text.chars().filter(Character::isLetter)
                .mapToObj(letter -> new float[] {letter - 'a', 1}).toArray(float[][]::new), 0,
                (int) text.chars().filter(Character::isLetter).count())).toList();
    }
}
