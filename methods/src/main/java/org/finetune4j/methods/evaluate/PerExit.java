package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.generation.Depth;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * Another metric of the answers that the model's first blocks give alone, behind each of several: what {@code sorted} trains.
 *
 * <p>Sorted LLaMA: Unlocking the Potential of Intermediate Layers of Large Language Models for Dynamic Inference,
 * arXiv 2309.08968.
 *
 * @param exits  numbers of blocks, ascending within 1 to the model's; default empty: the blocks nearest to 30 %, 40 % and so on
 *               up to all
 * @param metric what is measured of the answers; default exact match
 */
public record PerExit(List<Integer> exits, Metric metric) implements Metric {
    /** SoFT's evaluation, 2023. */
    public static final Method<PerExit> METHOD = new Method<>("perExit", Method.Kind.EVALUATE,
            "Sorted LLaMA: Unlocking the Potential of Intermediate Layers of Large Language Models for Dynamic "
                    + "Inference",
            "arXiv 2309.08968", settings -> new PerExit(settings.wholes("exits", List.of()),
                    settings.fragment("metric", Method.Kind.EVALUATE, Metric.class, new ExactMatch())));

    /** Refuses exits out of order with a {@link FinetuneException}. */
    public PerExit {
        exits = List.copyOf(exits);
        for (int i = 0; i < exits.size(); i++) {
            Settings.require(exits.get(i) >= 1 && (i == 0 || exits.get(i) > exits.get(i - 1)), "perExit", "exits", exits,
                    "ascending from at least 1, which " + exits.get(i) + " is not");
        }
    }

    @Override
    public Method<PerExit> method() {
        return METHOD;
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        List<Integer> all = exits.isEmpty() ? Depth.paperExits(model.blocks()) : exits;
        return all.stream().flatMap(block -> metric.measure(samples, model.behind(block)).stream()
                .map(result -> result.named(result.name() + " behind block " + block))).toList();
    }

    @Override
    public List<Sample> samples(List<Sample> heldOut) {
        return metric.samples(heldOut);
    }

    @Override
    public void requireMeasurable(List<Sample> samples) {
        if (metric.answersPerPrompt() == 0 || metric instanceof PerExit) {
            throw new FinetuneException("perExit measures the answers that each exit gives, of which " + metric.method().name()
                    + " is no metric. Give it one such as exactMatch().");
        }
        metric.requireMeasurable(samples);
    }

    @Override
    public int answersPerPrompt() {
        return metric.answersPerPrompt();
    }
}
