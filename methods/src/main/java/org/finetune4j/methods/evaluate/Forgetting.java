package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;

/**
 * Forgetting: another metric on samples of a general task that is not trained on. What it is before the training less what
 * it is after it is what was forgotten, {@code b - R}; for metrics of which less is better, it is the other way round.
 *
 * @param on     samples of the general task
 * @param metric what is measured on them; default exact match
 */
public record Forgetting(DataSource on, Metric metric) implements OverMetric {
    private static final DataSource NONE = DataSource.of("no source", List.of());

    /** Forgetting, as continual learning measures it for one stage. */
    public static final Method<Forgetting> METHOD = new Method<>("forgetting", Method.Kind.EVALUATE,
            "Riemannian Walk for Incremental Learning: Understanding Forgetting and Intransigence", "arXiv 1801.10112",
            settings -> new Forgetting(settings.source("on", NONE),
                    settings.fragment("metric", Method.Kind.EVALUATE, Metric.class, new ExactMatch())));

    @Override
    public Method<Forgetting> method() {
        return METHOD;
    }

    @Override
    public List<Sample> samples(List<Sample> heldOut) {
        if (on.equals(NONE)) {
            throw new FinetuneException("forgetting: no samples of a general task are named. Give some by on = ...");
        }
        return metric.samples(on.samples());
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        return metric.measure(samples, model).stream().map(result -> result.named(result.name() + " on " + on.description()))
                .toList();
    }
}
