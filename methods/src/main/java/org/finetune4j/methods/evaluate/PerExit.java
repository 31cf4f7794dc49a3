package org.finetune4j.methods.evaluate;

import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * Another metric of the model's first n blocks alone, for several n: the final norm and the head turn the state behind block
 * n into words, {@code f_n(x) = Head(FinalNorm(h_n(x)))}, as sorted fine-tuning trains it. Results are named after the
 * other metric's, such as {@code perplexity at 2}.
 *
 * @param exits  numbers of blocks, ascending from at least 1 to at most the model's; default empty: every block
 * @param metric what is measured; default exact match
 */
public record PerExit(List<Integer> exits, Metric metric) implements OverMetric {
    /** Sorted fine-tuning's evaluation of every exit. */
    public static final Method<PerExit> METHOD = new Method<>("perExit", Method.Kind.EVALUATE,
            "Sorted LLaMA: Unlocking the Potential of Intermediate Layers of Large Language Models for Dynamic Inference (exits)",
            "arXiv 2309.08968", settings -> new PerExit(settings.wholes("exits", List.of()),
                    settings.fragment("metric", Method.Kind.EVALUATE, Metric.class, new ExactMatch())));

    /** Refuses exits out of order with a {@link org.finetune4j.FinetuneException}. */
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
    public List<Sample> samples(List<Sample> heldOut) {
        return metric.samples(heldOut);
    }

    @Override
    public List<MetricResult> measure(List<Sample> samples, Examinee model) {
        List<Integer> asked = exits.isEmpty() ? IntStream.rangeClosed(1, model.blocks()).boxed().toList() : exits;
        return asked.stream().flatMap(exit -> metric.measure(samples, model.exitAt(exit)).stream()
                .map(result -> result.named(result.name() + " at " + exit).by("exit:" + exit))).toList();
    }
}
