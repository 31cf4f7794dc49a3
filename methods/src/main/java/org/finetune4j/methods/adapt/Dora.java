package org.finetune4j.methods.adapt;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.methods.Method;

/**
 * Weight-decomposed low-rank adaptation: direction by a low-rank product, and a trained magnitude for every output.
 *
 * <p>Liu et al., DoRA: Weight-Decomposed Low-Rank Adaptation, arXiv 2402.09353. For a frozen weight
 * {@code W [outputs, inputs]} with {@code A [rank, inputs]}, {@code B [outputs, rank]} and {@code m [outputs]},
 * <pre>
 * V = W + s B A,   y = m / n * V x + b,   n_j = ||V_j||,   s = alpha / rank
 * </pre>
 * where n is recomputed in every pass but constant for the gradient, as in section 4.3 of the paper. A and B start as those
 * of {@link Lora}, m at the norms of W's rows, so that the adapted model starts as the base. Dropout applies to the
 * low-rank path only; a bias b is not rescaled. {@code rank (inputs + outputs) + outputs} parameters a layer.
 *
 * @param rank    width of the product, at least 1 and at most the smaller side of every targeted layer; default 8
 * @param alpha   numerator of the scale, finite and above 0; default 16
 * @param dropout rate at which elements of the product's input are dropped while training, in [0, 1); default 0
 * @param targets which layers: one or more whole segments of the module path, or {@code all-linear}, which is the default
 * @param rsLora  whether the scale is {@code alpha / sqrt(rank)}; default no
 * @param ranks   ranks of their own for some targets, such as {@code down_proj=4}; default none
 * @param alphas  alphas of their own for some targets, such as {@code down_proj=32}; default none
 */
public record Dora(int rank, double alpha, double dropout, List<String> targets, boolean rsLora, List<String> ranks,
                   List<String> alphas) implements LowRankAdapter {
    /** Liu et al. 2024. */
    public static final Method<Dora> METHOD = new Method<>("dora", Method.Kind.ADAPT,
            "DoRA: Weight-Decomposed Low-Rank Adaptation", "arXiv 2402.09353",
            settings -> new Dora(settings.whole("rank", 8), settings.number("alpha", 16), settings.number("dropout", 0),
                    settings.texts("targets", Lora.ALL_LINEAR), settings.flag("rsLora", false),
                    settings.texts("ranks", List.of()), settings.texts("alphas", List.of())));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Dora {
        targets = List.copyOf(targets);
        ranks = List.copyOf(ranks);
        alphas = List.copyOf(alphas);
        LowRankAdapter.require("dora", new Targets(rank, alpha, targets, ranks, alphas), dropout);
    }

    /** With the scale {@code alpha / rank} and the same numbers for every target. */
    public Dora(int rank, double alpha, double dropout, List<String> targets) {
        this(rank, alpha, dropout, targets, false, List.of(), List.of());
    }

    /** The defaults with this rank. */
    public Dora(int rank) {
        this(rank, 16, 0, Lora.ALL_LINEAR);
    }

    @Override
    public Method<Dora> method() {
        return METHOD;
    }

    @Override
    public boolean hasMagnitudes() {
        return true;
    }
}
