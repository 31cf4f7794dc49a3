package org.finetune4j.methods.objective;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.head.SequenceLoss;
import org.finetune4j.train.RunState;

/** The loss of one sample under {@link Discriminative}, and the moving normaliser of every sample. */
final class DiscriminativeLoss implements SequenceLoss, RunState {
    private final Discriminative settings;
    private final Map<String, Double> logNormalisers = new TreeMap<>();

    DiscriminativeLoss(Discriminative settings) {
        this.settings = settings;
    }

    @Override
    public Outcome of(String sample, List<Member> members, boolean training) {
        int negatives = members.size() - 1;
        double score = score(members.get(0));
        List<double[]> gradients = new ArrayList<>();
        gradients.add(filled(members.get(0), 1));
        double logU = logNormalisers.getOrDefault(sample, settings.startLogU());
        if (negatives == 0) {
            return outcome(-score, gradients, score, logU, 0);
        }
        double[] d = new double[negatives];
        double[] scores = new double[negatives];
        for (int b = 0; b < negatives; b++) {
            Member member = members.get(b + 1);
            scores[b] = score(member);
            d[b] = scores[b] / settings.tau()
                    - (settings.form() == Discriminative.Form.SUM ? member.value(Discriminative.REFERENCE) : 0);
        }
        double logMean = logSumExp(d) - Math.log(negatives);
        logU = settings.gamma() == 1 ? logMean : logSumExp(Math.log1p(-settings.gamma()) + logU,
                Math.log(settings.gamma()) + logMean);
        if (training) {
            logNormalisers.put(sample, logU);
        }
        double loss = -score;
        double weights = 0;
        for (int b = 0; b < negatives; b++) {
            double weight = Math.exp(d[b] - logU);
            weights += weight / negatives;
            loss += weight * scores[b] / negatives;
            gradients.add(filled(members.get(b + 1), -weight / negatives));
        }
        return outcome(loss, gradients, score, logU, weights);
    }

    private Outcome outcome(double loss, List<double[]> gradients, double score, double logU, double weight) {
        return new Outcome(loss, gradients, 1, Map.of("objective", settings.tau() * logU - score, "logU", logU,
                "weight", weight));
    }

    private double score(Member member) {
        return settings.form() == Discriminative.Form.SUM ? -member.sum() : -member.mean();
    }

    /** The derivative towards the token losses of {@code factor} times minus the score. */
    private double[] filled(Member member, double factor) {
        double[] gradient = new double[member.losses().length];
        Arrays.fill(gradient, settings.form() == Discriminative.Form.SUM ? factor : factor / gradient.length);
        return gradient;
    }

    private static double logSumExp(double... values) {
        double largest = Arrays.stream(values).max().orElseThrow();
        return largest == Double.NEGATIVE_INFINITY ? largest
                : largest + Math.log(Arrays.stream(values).map(value -> Math.exp(value - largest)).sum());
    }

    @Override
    public String name() {
        return "discriminative";
    }

    @Override
    public String save() {
        ObjectNode root = StrictJson.mapper().createObjectNode();
        // As hexadecimal numbers, which come back to the bit.
        logNormalisers.forEach((sample, logU) -> root.put(sample, Double.toHexString(logU)));
        return root.toString();
    }

    @Override
    public void restore(String text) {
        logNormalisers.clear();
        try {
            JsonNode root = StrictJson.mapper().readTree(text);
            root.properties().forEach(entry -> logNormalisers.put(entry.getKey(),
                    Double.parseDouble(entry.getValue().asText())));
        } catch (JsonProcessingException | NumberFormatException e) {
            throw new FinetuneException("discriminative: the normalisers of a checkpoint cannot be read: " + e.getMessage()
                    + ". Choose an earlier checkpoint.", e);
        }
    }
}
