package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * GRAPE: for every prompt, trains on the response that the untuned model finds most natural.
 *
 * <p>The Best Instruction-Tuning Data are Those That Fit, arXiv 2502.04194. Each candidate response y of a prompt x is
 * scored with the model that is about to be trained, over the tokens that the loss sees (the end token among them),
 * <pre>
 * s(x, y) = 1/|y| sum_t log pi(y_t | x, y_before_t)
 * </pre>
 * and the {@code topK} best of each prompt are kept, ties to the earlier one; prompts are never compared. Samples whose
 * prompts are equal but for white space share one pool, to which a sample without candidates adds its own response;
 * repeated responses count once. The paper trains one epoch at 1e-5.
 *
 * @param candidates    field of a data record that holds the list of candidate responses; default {@code responses}
 * @param topK          how many responses of a prompt are kept, at least 1; default 1
 * @param normalise     whether the score is divided by the number of tokens; default true (the paper's later versions)
 * @param minCandidates how many different responses a prompt needs to be chosen from, at least 1; default 2
 * @param belowMinimum  what happens to prompts with fewer; default REFUSE
 * @param order         which responses are kept; default HIGHEST, the others being the paper's ablations
 * @param seed          what a RANDOM order is drawn from; default 0
 */
public record Grape(String candidates, int topK, boolean normalise, int minCandidates, BelowMinimum belowMinimum,
                    Order order, long seed) implements EpochSelector {
    /** Which responses are kept. */
    public enum Order {
        /** Those the model finds most likely. */
        HIGHEST,
        /** Those the model finds least likely. */
        LOWEST,
        /** Any, drawn from the seed. */
        RANDOM
    }

    /** What happens to prompts with too few different responses to choose from. */
    public enum BelowMinimum {
        /** They are an error, so that the choice is the user's. */
        REFUSE,
        /** All their responses are trained on. */
        KEEP,
        /** They are left out. */
        DROP
    }

    /** GRAPE, 2025. */
    public static final Method<Grape> METHOD = new Method<>("grape", Method.Kind.SELECT,
            "The Best Instruction-Tuning Data are Those That Fit", "arXiv 2502.04194",
            settings -> new Grape(settings.text("candidates", "responses"), settings.whole("topK", 1),
                    settings.flag("normalise", true), settings.whole("minCandidates", 2),
                    settings.choice("belowMinimum", BelowMinimum.REFUSE), settings.choice("order", Order.HIGHEST),
                    settings.whole("seed", 0L)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public Grape {
        Settings.require(!candidates.isBlank(), "grape", "candidates", "'" + candidates + "'",
                "the name of the field that holds the candidate responses");
        Settings.require(topK >= 1, "grape", "topK", topK, "at least 1");
        Settings.require(minCandidates >= 1, "grape", "minCandidates", minCandidates, "at least 1");
    }

    /** The defaults. */
    public Grape() {
        this("responses", 1, true, 2, BelowMinimum.REFUSE, Order.HIGHEST, 0);
    }

    @Override
    public Method<Grape> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of(Trait.CHOOSES_AMONG_CANDIDATES, Trait.CHOOSES_TARGET, Trait.DROPS_REPETITIONS);
    }

    @Override
    public long scoredResponses(List<Sample> samples) {
        return samples.stream().mapToLong(sample -> Math.max(1, sample.candidates().size())).sum();
    }

    @Override
    public Selection select(List<Sample> samples, SelectionContext context) {
        ResponsePool pool = ResponsePool.of(samples);
        List<List<ResponsePool.Response>> small = pool.prompts().stream()
                .filter(responses -> responses.size() < minCandidates).toList();
        refuse(pool, small);
        List<List<ResponsePool.Response>> open = pool.prompts().stream()
                .filter(responses -> responses.size() >= minCandidates).toList();
        List<Double> scores = score(open.stream().flatMap(List::stream).toList(), context.scorer());

        List<Sample> chosen = new ArrayList<>();
        List<Scored> scored = new ArrayList<>();
        Map<String, Integer> sources = new TreeMap<>();
        int next = 0;
        int prompt = 0;
        for (List<ResponsePool.Response> responses : pool.prompts()) {
            List<Integer> kept;
            if (responses.size() >= minCandidates) {
                List<Double> own = scores.subList(next, next += responses.size());
                kept = ranking(own, prompt++).subList(0, Math.min(topK, responses.size()));
                for (int j = 0; j < responses.size(); j++) {
                    scored.add(new Scored(responses.get(j).origin().id(), responses.get(j).source(), own.get(j),
                            kept.contains(j)));
                }
            } else {
                kept = belowMinimum == BelowMinimum.KEEP ? IntStream.range(0, responses.size()).boxed().toList()
                        : List.of();
            }
            for (int j : kept) {
                ResponsePool.Response response = responses.get(j);
                chosen.add(response.sample());
                sources.merge(response.source(), 1, Integer::sum);
            }
        }
        return new Selection(chosen, scored, report(pool, small.size(), chosen.size(), sources, scored));
    }

    private void refuse(ResponsePool pool, List<List<ResponsePool.Response>> small) {
        int prompts = pool.prompts().size();
        if (prompts == 0) {
            throw new FinetuneException("grape: no sample has a response, neither in its field '" + candidates
                    + "' nor as an assistant turn, so there is nothing to choose. Check the name of the field.");
        }
        boolean none = small.size() == prompts;
        if (small.isEmpty() || belowMinimum == BelowMinimum.KEEP || belowMinimum == BelowMinimum.DROP && !none) {
            return;
        }
        throw new FinetuneException("grape: " + (none ? "nothing to choose: none of the " + prompts + " prompts has "
                : small.size() + " of " + prompts + " prompts have fewer than ") + minCandidates
                + " different responses, such as " + small.get(0).get(0).origin().id() + " with "
                + small.get(0).size() + ". Add candidates in the field '" + candidates
                + "', lower minCandidates, or set belowMinimum to KEEP (train on what there is)"
                + (none ? "." : " or DROP (leave them out)."));
    }

    private List<Double> score(List<ResponsePool.Response> responses, ResponseScorer scorer) {
        if (responses.isEmpty()) {
            return List.of();
        }
        List<float[]> found = scorer.tokenLogProbabilities(
                responses.stream().map(ResponsePool.Response::sample).toList());
        if (found.size() != responses.size()) {
            throw new IllegalStateException(responses.size() + " responses to score, " + found.size() + " results");
        }
        List<Double> scores = new ArrayList<>();
        for (int j = 0; j < found.size(); j++) {
            double sum = ResponseScorer.sum(found.get(j));
            double score = normalise ? sum / found.get(j).length : sum;
            if (found.get(j).length == 0 || !Double.isFinite(score)) {
                ResponsePool.Response response = responses.get(j);
                throw new FinetuneException("grape: a response of " + response.origin().id() + " from "
                        + response.source() + (found.get(j).length == 0 ? " has no token to score"
                        : " scores " + score + ", which is not finite") + ": '" + excerpt(response.text())
                        + "'. Correct or remove it.");
            }
            scores.add(score);
        }
        return scores;
    }

    /** Candidates of a prompt from the best to the worst; sorting is stable, so ties go to the lower index. */
    private List<Integer> ranking(List<Double> scores, int prompt) {
        Comparator<Integer> best = switch (order) {
            case HIGHEST -> Comparator.comparingDouble(j -> -scores.get(j));
            case LOWEST -> Comparator.comparingDouble(scores::get);
            case RANDOM -> {
                long own = CounterRandom.seed(seed, "grape", prompt);
                yield Comparator.comparingLong(j -> CounterRandom.bits(own, j));
            }
        };
        return IntStream.range(0, scores.size()).boxed().sorted(best).toList();
    }

    private Map<String, String> report(ResponsePool pool, int small, int chosen, Map<String, Integer> sources,
                                       List<Scored> scored) {
        Map<String, String> report = new LinkedHashMap<>();
        report.put("prompts", String.valueOf(pool.prompts().size()));
        report.put("candidates", String.valueOf(pool.prompts().stream().mapToInt(List::size).sum()));
        report.put("repeated responses dropped", String.valueOf(pool.repeated()));
        if (small > 0) {
            report.put("prompts with fewer than " + minCandidates + " candidates", small
                    + (belowMinimum == BelowMinimum.KEEP ? " kept whole" : " left out"));
        }
        report.put("chosen", String.valueOf(chosen));
        sources.forEach((source, count) -> report.put("from " + source,
                String.format(Locale.ROOT, "%.1f %% (%d)", 100.0 * count / chosen, count)));
        String unit = normalise ? "mean log-probability a token, " : "mean log-probability a response, ";
        for (boolean kept : new boolean[] {true, false}) {
            scored.stream().filter(one -> one.chosen() == kept).mapToDouble(Scored::score).average().ifPresent(mean ->
                    report.put(unit + (kept ? "chosen" : "rejected"), String.format(Locale.ROOT, "%.4f", mean)));
        }
        return report;
    }

    private static String excerpt(String text) {
        return text.length() <= 60 ? text : text.substring(0, 60) + "...";
    }
}
