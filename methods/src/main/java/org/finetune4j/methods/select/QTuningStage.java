package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.finetune4j.data.Example;
import org.finetune4j.methods.select.Quadrants.Place;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.BatchStage;

/** Prunes samples and tokens of every micro-batch as {@link QTuning} says; it remembers nothing. */
final class QTuningStage implements BatchStage {
    private final QTuning method;
    private final TrainingEngine pass;
    private final Map<String, Double> sums = new LinkedHashMap<>();
    private final Map<String, Double> values = new LinkedHashMap<>();

    QTuningStage(QTuning method, BatchContext context) {
        this.method = method;
        pass = TokenStatistics.pass(context.model(), context.options());
    }

    @Override
    public List<List<Example>> prepare(List<List<Example>> batches, long step) {
        sums.clear();
        List<List<Example>> left = batches.stream().map(this::prepare).toList();
        values.clear();
        double samples = batches.stream().mapToInt(List::size).sum();
        sums.forEach((name, sum) -> values.put(name, sum / samples));
        values.put("qTuning.kept", left.stream().mapToInt(List::size).sum() / samples);
        values.put("qTuning.keptTokens", tokens(left) / tokens(batches));
        return left;
    }

    private static double tokens(List<List<Example>> batches) {
        return batches.stream().flatMap(List::stream).mapToInt(Example::supervisedTokens).sum();
    }

    private List<Example> prepare(List<Example> batch) {
        if (batch.isEmpty()) {
            return batch;
        }
        BatchStage.requireSingle(batch, "qTuning");
        List<TokenStatistics> statistics = TokenStatistics.of(batch, pass);
        double[] perplexities = statistics.stream().mapToDouble(TokenStatistics::perplexity).toArray();
        double[] entropies = statistics.stream().mapToDouble(TokenStatistics::entropy).toArray();
        Quadrants.Choice choice = new Quadrants(perplexities, entropies).choose(method.samples(), method.kMax(),
                method.partition());
        for (int i = 0; i < batch.size(); i++) {
            sums.merge("qTuning.perplexity", perplexities[i], Double::sum);
            sums.merge("qTuning.entropy", entropies[i], Double::sum);
        }
        for (Place place : Place.values()) {
            sums.merge("qTuning." + place.name().toLowerCase(Locale.ROOT),
                    (double) choice.places().stream().filter(place::equals).count(), Double::sum);
        }
        List<Example> left = new ArrayList<>();
        for (int i : choice.kept()) {
            left.add(choice.places().get(i) == Place.MISCONCEPTION ? pruned(batch.get(i), statistics.get(i))
                    : batch.get(i));
        }
        return left;
    }

    private Example pruned(Example example, TokenStatistics statistics) {
        if (method.tokens() == 1) {
            return example;
        }
        boolean[] kept = NeighbourPruning.kept(statistics.logProbabilities(), method.tokens(), method.lambda(),
                method.rule(), method.mode() == QTuning.Removal.DELETE);
        return NeighbourPruning.pruned(example, kept, method.mode());
    }

    @Override
    public Map<String, Double> values() {
        return Map.copyOf(values);
    }

    @Override
    public void close() {
        pass.close();
    }
}
