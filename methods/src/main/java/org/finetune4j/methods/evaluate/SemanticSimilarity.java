package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;

/**
 * Semantic similarity: the mean cosine between the vectors of answers and references, -1 to 1.
 *
 * @param encoder folder of an encoder in the layout of sentence-transformers, such as MiniLM
 */
public record SemanticSimilarity(String encoder) implements Metric {
    /** Cosine of sentence vectors. */
    public static final Method<SemanticSimilarity> METHOD = new Method<>("semanticSimilarity", Method.Kind.EVALUATE,
            "Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks (cosine)", "arXiv 1908.10084",
            settings -> new SemanticSimilarity(settings.text("encoder", "")));

    @Override
    public Method<SemanticSimilarity> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        requireMeasurable(samples);
        List<String> answers = model.answers(samples);
        return List.of(score(model.embeddings(encoder, answers), model.embeddings(encoder, References.of(samples))));
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        if (encoder.isBlank()) {
            throw new FinetuneException("semanticSimilarity: no encoder is named that makes vectors of texts. Give the folder "
                    + "of one, such as encoder = \"models/all-MiniLM-L6-v2\".");
        }
        References.require("semanticSimilarity", samples);
    }

    @Override
    public int answersPerPrompt() {
        return 1;
    }

    /**
     * Scores vectors.
     *
     * @throws FinetuneException when there are none, or the lists differ in length
     */
    public MetricResult score(List<float[]> answers, List<float[]> references) {
        References.requirePairs("semanticSimilarity", answers, references);
        List<Double> items = new ArrayList<>();
        for (int i = 0; i < answers.size(); i++) {
            items.add(cosine(answers.get(i), references.get(i)));
        }
        return MetricResult.mean("semanticSimilarity", "cosine|encoder:" + encoder, items, 0);
    }

    /** The cosine of the angle between two vectors of equal length; 0 where one is zero. */
    static double cosine(float[] first, float[] second) {
        double product = 0;
        double squares = 0;
        double otherSquares = 0;
        for (int i = 0; i < first.length; i++) {
            product += (double) first[i] * second[i];
            squares += (double) first[i] * first[i];
            otherSquares += (double) second[i] * second[i];
        }
        return squares == 0 || otherSquares == 0 ? 0 : product / Math.sqrt(squares * otherSquares);
    }
}
