package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * BLEU of the whole corpus, 0 to 100, by the conventions of sacrebleu.
 *
 * <p>For orders n = 1..N, {@code p_n = 100 correct_n / total_n} over all texts together, where correct_n counts sequences
 * of n tokens at most as often as a reference has them; {@code BLEU = BP exp(mean_n ln p_n)} with the brevity penalty
 * {@code BP = min(1, exp(1 - reference tokens / tokens))}. The score of an item is its own BLEU over the orders that it is
 * long enough for.
 *
 * @param tokens             what is counted; default MTEVAL_13A
 * @param smoothing          what an order without a match counts; default EXP
 * @param order              N, at least 1; default 4
 * @param effectiveOrder     whether orders that no text is long enough for are left out of the corpus' mean; default false
 * @param referenceSeparator text between several references in one; empty (the default) takes it as one
 */
public record Bleu(BleuTokens tokens, BleuSmoothing smoothing, int order, boolean effectiveOrder,
                   String referenceSeparator) implements AnswerMetric {
    /** BLEU as sacrebleu defines it. */
    public static final Method<Bleu> METHOD = new Method<>("bleu", Method.Kind.EVALUATE,
            "BLEU: a Method for Automatic Evaluation of Machine Translation", "sacrebleu 2.6, arXiv 1804.08771",
            settings -> new Bleu(settings.choice("tokens", BleuTokens.MTEVAL_13A),
                    settings.choice("smoothing", BleuSmoothing.EXP), settings.whole("order", 4),
                    settings.flag("effectiveOrder", false), settings.text("referenceSeparator", "")));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public Bleu {
        Settings.require(order >= 1, "bleu", "order", order, "at least 1");
    }

    /** The defaults. */
    public Bleu() {
        this(BleuTokens.MTEVAL_13A, BleuSmoothing.EXP, 4, false, "");
    }

    @Override
    public Method<Bleu> method() {
        return METHOD;
    }

    @Override
    public MetricResult score(List<String> predictions, List<String> references) {
        References.requirePairs("bleu", predictions, references);
        List<BleuCounts> counts = new ArrayList<>();
        for (int i = 0; i < predictions.size(); i++) {
            counts.add(BleuCounts.of(tokens.of(predictions.get(i)), References.split(references.get(i), referenceSeparator)
                    .stream().map(tokens::of).toList(), order));
        }
        BleuCounts all = BleuCounts.sum(counts, Bootstrap.all(counts.size()));
        Map<String, String> details = new LinkedHashMap<>();
        details.put("brevity penalty", String.format(Locale.ROOT, "%.4f", all.brevityPenalty()));
        details.put("tokens", Long.toString(all.tokens()));
        details.put("reference tokens", Long.toString(all.referenceTokens()));
        return MetricResult.corpus("bleu", signature(), counts.stream().map(one -> one.score(smoothing, true)).toList(), 0,
                places -> BleuCounts.sum(counts, places).score(smoothing, effectiveOrder)).with(details);
    }

    /** The conventions in one line, such as {@code BLEU|tok:13a|smooth:exp|eff:no}. */
    public String signature() {
        return "BLEU|tok:" + tokens.label() + "|smooth:" + smoothing.name().toLowerCase(Locale.ROOT).replace('_', '-')
                + "|eff:" + (effectiveOrder ? "yes" : "no") + (order == 4 ? "" : "|order:" + order);
    }
}
