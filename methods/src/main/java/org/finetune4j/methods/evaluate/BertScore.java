package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.model.TokenEncoder.TokenVectors;

/**
 * BERTScore: how well each token of an answer and its reference finds one of like meaning in the other.
 *
 * <p>With cosines of the tokens' vectors {@code P = mean_i max_j cos(answer_i, reference_j)}, {@code R} the other way round,
 * and {@code F = 2 P R / (P + R)} (arXiv 1904.09675, without weights by frequency). Tokens that the tokenizer adds are not
 * averaged over, though others may match them, as in the authors' program; that takes a middle layer chosen for each
 * encoder, this the last one. An empty answer has 0.
 *
 * @param encoder  folder of an encoder in the layout of sentence-transformers, or of BERT or RoBERTa alone
 * @param baseline what unrelated texts have, in [0, 1); {@code F} is stated as {@code (F - baseline) / (1 - baseline)}
 */
public record BertScore(String encoder, double baseline) implements Metric {
    /** BERTScore, 2020. */
    public static final Method<BertScore> METHOD = new Method<>("bertScore", Method.Kind.EVALUATE,
            "BERTScore: Evaluating Text Generation with BERT", "arXiv 1904.09675",
            settings -> new BertScore(settings.text("encoder", ""), settings.number("baseline", 0.0)));

    /** Texts and references whose vectors are held at a time: some tens of MiB. */
    private static final int PAIRS = 64;

    /** Refuses a baseline out of range with a {@link FinetuneException}. */
    public BertScore {
        Settings.require(baseline >= 0 && baseline < 1, "bertScore", "baseline", baseline, "in [0, 1)");
    }

    /** The three scores of a pair of texts. */
    record Score(double precision, double recall, double f1) {
        private static final Score NONE = new Score(0, 0, 0);
    }

    @Override
    public Method<BertScore> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        requireMeasurable(samples);
        List<String> answers = model.answers(samples);
        List<String> references = References.of(samples);
        List<Score> scores = new ArrayList<>();
        for (int from = 0; from < answers.size(); from += PAIRS) {
            int to = Math.min(answers.size(), from + PAIRS);
            scores.addAll(scores(model.tokenVectors(encoder, answers.subList(from, to)),
                    model.tokenVectors(encoder, references.subList(from, to))));
        }
        return results(scores);
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        if (encoder.isBlank()) {
            throw new FinetuneException("bertScore: no encoder is named that makes vectors of tokens. Give the folder of one, "
                    + "such as encoder = \"models/roberta-base\".");
        }
        References.require("bertScore", samples);
    }

    @Override
    public int answersPerPrompt() {
        return 1;
    }

    /**
     * Scores vectors of answers and their references: F, precision and recall.
     *
     * @throws FinetuneException when there are none, or the lists differ in length
     */
    public List<MetricResult> score(List<TokenVectors> answers, List<TokenVectors> references) {
        References.requirePairs("bertScore", answers, references);
        return results(scores(answers, references));
    }

    private static List<Score> scores(List<TokenVectors> answers, List<TokenVectors> references) {
        return IntStream.range(0, answers.size()).mapToObj(i -> score(answers.get(i), references.get(i))).toList();
    }

    private List<MetricResult> results(List<Score> scores) {
        String convention = "encoder:" + encoder + "|last layer|no idf";
        return List.of(
                MetricResult.mean("bertScore", String.format(Locale.ROOT, "F|baseline:%s|%s", baseline, convention),
                        scores.stream().map(score -> (score.f1() - baseline) / (1 - baseline)).toList(), 0),
                MetricResult.mean("bertPrecision", convention, scores.stream().map(Score::precision).toList(), 0),
                MetricResult.mean("bertRecall", convention, scores.stream().map(Score::recall).toList(), 0));
    }

    static Score score(TokenVectors answer, TokenVectors reference) {
        if (answer.end() <= answer.first() || reference.end() <= reference.first()) {
            return Score.NONE;
        }
        double precision = found(answer, reference);
        double recall = found(reference, answer);
        return new Score(precision, recall, precision + recall == 0 ? 0 : 2 * precision * recall / (precision + recall));
    }

    /** The mean over the own tokens of one text of the nearest token of the other. */
    private static double found(TokenVectors text, TokenVectors other) {
        double sum = 0;
        for (int i = text.first(); i < text.end(); i++) {
            double nearest = Double.NEGATIVE_INFINITY;
            for (float[] candidate : other.vectors()) {
                nearest = Math.max(nearest, SemanticSimilarity.cosine(text.vectors()[i], candidate));
            }
            sum += nearest;
        }
        return sum / (text.end() - text.first());
    }
}
