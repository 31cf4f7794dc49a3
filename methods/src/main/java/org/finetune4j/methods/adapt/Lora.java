package org.finetune4j.methods.adapt;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Method;
import org.finetune4j.model.ModelShapes;

/**
 * Low-rank adaptation: a trained product of two thin matrices beside every targeted linear layer.
 *
 * <p>Hu et al., LoRA: Low-Rank Adaptation of Large Language Models, arXiv 2106.09685. For a frozen weight
 * {@code W [outputs, inputs]} with {@code A [rank, inputs]} and {@code B [outputs, rank]},
 * <pre>
 * y = W x + s B A dropout(x),   s = alpha / rank
 * </pre>
 * A starts uniform in {@code [-1/sqrt(inputs), 1/sqrt(inputs))} (Kaiming with a = sqrt 5), B at zero, so that the
 * adapted model starts as the base. {@code rank (inputs + outputs)} parameters a layer. Parameters are named, and
 * adapters saved, as Hugging Face's PEFT does.
 *
 * @param rank    width of the product, at least 1 and at most the smaller side of every targeted layer; default 8
 * @param alpha   numerator of the scale, finite and above 0; default 16
 * @param dropout rate at which elements of the product's input are dropped while training, in [0, 1); default 0
 * @param targets which layers: one or more whole segments of the module path, such as {@code q_proj} or
 *                {@code layers.2} (which is not {@code layers.21}), or {@code all-linear}, which is the default
 * @param rsLora  whether the scale is {@code alpha / sqrt(rank)}, so that it does not vanish at high ranks (Kalajdzievski,
 *                A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA, arXiv 2312.03732); default no
 * @param ranks   ranks of their own for some targets, such as {@code down_proj=4}; default none
 * @param alphas  alphas of their own for some targets, such as {@code down_proj=32}; default none
 */
public record Lora(int rank, double alpha, double dropout, List<String> targets, boolean rsLora, List<String> ranks,
                   List<String> alphas) implements LowRankAdapter {
    /** Every linear layer of the model but its head. */
    public static final List<String> ALL_LINEAR = List.of(ModelShapes.ALL_LINEAR);

    /** Hu et al. 2021. */
    public static final Method<Lora> METHOD = new Method<>("lora", Method.Kind.ADAPT,
            "LoRA: Low-Rank Adaptation of Large Language Models", "arXiv 2106.09685",
            settings -> new Lora(settings.whole("rank", 8), settings.number("alpha", 16), settings.number("dropout", 0),
                    settings.texts("targets", ALL_LINEAR), settings.flag("rsLora", false),
                    settings.texts("ranks", List.of()), settings.texts("alphas", List.of())));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Lora {
        targets = List.copyOf(targets);
        ranks = List.copyOf(ranks);
        alphas = List.copyOf(alphas);
        LowRankAdapter.require("lora", new Targets(rank, alpha, targets, ranks, alphas), dropout);
    }

    /** With the scale {@code alpha / rank} and the same numbers for every target. */
    public Lora(int rank, double alpha, double dropout, List<String> targets) {
        this(rank, alpha, dropout, targets, false, List.of(), List.of());
    }

    /** The defaults with this rank. */
    public Lora(int rank) {
        this(rank, 16, 0, ALL_LINEAR);
    }

    @Override
    public Method<Lora> method() {
        return METHOD;
    }

    @Override
    public boolean hasMagnitudes() {
        return false;
    }
}
