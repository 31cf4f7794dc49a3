package org.finetune4j.methods.decode;

import java.util.Arrays;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.evaluate.ChoiceQuestion;
import org.finetune4j.methods.evaluate.Examinee;
import org.finetune4j.methods.evaluate.Probabilities;

/**
 * Batch calibration: the logits of every label lose their mean over all questions and are divided by their standard
 * deviation (with n - 1), so that no label is favoured by the context; it needs all questions at once and no references.
 */
public record BatchCalibration() implements Decoder {
    /** Batch calibration as the code of the self-ensembling paper has it. */
    public static final Method<BatchCalibration> METHOD = new Method<>("batchCalibration", Method.Kind.DECODE,
            "Batch Calibration: Rethinking Calibration for In-Context Learning and Prompt Engineering", "arXiv 2309.17249",
            (Settings settings) -> new BatchCalibration());

    @Override
    public Method<BatchCalibration> method() {
        return METHOD;
    }

    @Override
    public Examinee over(Examinee model) {
        return new DecodedExaminee(model,
                (questions, asked) -> calibrated(Verbalisers.logits("batchCalibration", questions, asked)));
    }

    /** The probabilities of all questions. */
    static List<double[]> calibrated(List<double[]> logits) {
        int labels = logits.get(0).length;
        if (logits.size() < 2 || logits.stream().anyMatch(row -> row.length != labels)) {
            throw new FinetuneException("batchCalibration: there are " + logits.size() + " questions with "
                    + logits.stream().map(row -> row.length).distinct().toList() + " labels, but there must be at least 2 "
                    + "questions with as many labels each. Leave batchCalibration out, or give such data.");
        }
        double[] means = new double[labels];
        double[] deviations = new double[labels];
        for (int c = 0; c < labels; c++) {
            int label = c;
            means[c] = logits.stream().mapToDouble(row -> row[label]).average().orElseThrow();
            deviations[c] = Math.sqrt(logits.stream().mapToDouble(row -> (row[label] - means[label])
                    * (row[label] - means[label])).sum() / (logits.size() - 1));
        }
        return logits.stream().map(row -> {
            double[] standard = new double[labels];
            // A label whose logit never changes says nothing.
            Arrays.setAll(standard, c -> deviations[c] == 0 ? 0 : (row[c] - means[c]) / deviations[c]);
            return Probabilities.softmax(standard);
        }).toList();
    }
}
