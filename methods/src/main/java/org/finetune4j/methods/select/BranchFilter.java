package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.IntToDoubleFunction;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.DropSteps;
import org.finetune4j.methods.data.reasoning.BranchProxy;
import org.finetune4j.methods.data.reasoning.Reasoning;

/**
 * Leaves out the worked solutions that keep opening new lines of attack, told by their text alone: of all samples, the
 * share {@code keep} with the least branching stays, ties by their order. No model is asked.
 *
 * <p>On the Role of Reasoning Patterns in the Generalization Discrepancy of Long Chain-of-Thought Supervised
 * Fine-Tuning, arXiv 2604.01702. With KEYWORDS, branching is the share of reasoning steps that hold a cue as a whole
 * word, in any case; with STEP_COUNT it is {@code (n - r) / r} for n steps against r of the reference trajectory of the
 * same problem. Steps are those of {@link Reasoning}; a sample without any counts 0.
 *
 * @param keep      share of samples that stays, in (0, 1]; default 0.9
 * @param proxy     what tells branching; default KEYWORDS
 * @param cues      words that open another line of attack; default {@code perhaps, another, alternatively}
 * @param reference the field with the reference trajectory, for STEP_COUNT; default {@code reference}
 * @param strict    whether responses that mark no reasoning are refused; default false: they are reasoning altogether
 */
public record BranchFilter(double keep, BranchProxy proxy, List<String> cues, String reference, boolean strict)
        implements Selector {
    /** Branch filter, 2026. */
    public static final Method<BranchFilter> METHOD = new Method<>("branchFilter", Method.Kind.SELECT,
            "On the Role of Reasoning Patterns in the Generalization Discrepancy of Long Chain-of-Thought Supervised "
                    + "Fine-Tuning", "arXiv 2604.01702",
            settings -> new BranchFilter(settings.number("keep", 0.9), settings.choice("proxy", BranchProxy.KEYWORDS),
                    settings.texts("cues", List.of("perhaps", "another", "alternatively")),
                    settings.text("reference", "reference"), settings.flag("strict", false)));

    /** Refuses settings out of range with a {@link FinetuneException}. */
    public BranchFilter {
        cues = List.copyOf(cues);
        Settings.require(keep > 0 && keep <= 1, "branchFilter", "keep", keep, "above 0 and at most 1");
        Settings.require(proxy != BranchProxy.KEYWORDS || !cues.isEmpty() && cues.stream().noneMatch(String::isBlank),
                "branchFilter", "cues", cues, "at least one word, none of them blank");
        Settings.require(proxy != BranchProxy.STEP_COUNT || !reference.isBlank(), "branchFilter", "reference",
                "'" + reference + "'", "the name of the field with the reference trajectory");
    }

    @Override
    public Method<BranchFilter> method() {
        return METHOD;
    }

    @Override
    public Set<Trait> traits() {
        return Set.of();
    }

    @Override
    public List<String> problems(List<Sample> samples) {
        try {
            order(samples, branching(samples));
            return List.of();
        } catch (FinetuneException e) {
            return List.of(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public List<Sample> likely(List<Sample> samples) {
        Set<Integer> kept = kept(order(samples, branching(samples)));
        return IntStream.range(0, samples.size()).filter(kept::contains).mapToObj(samples::get).toList();
    }

    @Override
    public Selection select(List<Sample> samples, SelectionContext context) {
        double[] branching = branching(samples);
        Set<Integer> kept = kept(order(samples, branching));
        List<Sample> chosen = new ArrayList<>();
        List<Scored> scored = new ArrayList<>();
        for (int i = 0; i < samples.size(); i++) {
            Sample sample = samples.get(i);
            scored.add(new Scored(sample.id(), sample.provenance().source(), branching[i], kept.contains(i)));
            if (kept.contains(i)) {
                chosen.add(sample);
            }
        }
        return new Selection(chosen, scored, report(samples, branching, kept));
    }

    private Map<String, String> report(List<Sample> samples, double[] branching, Set<Integer> kept) {
        Set<Integer> shortest = kept(ranking(samples.size(), i -> String.valueOf(samples.get(i).response()).length()));
        Map<String, String> report = new LinkedHashMap<>();
        report.put("samples", String.valueOf(samples.size()));
        report.put("without a step of reasoning",
                String.valueOf(samples.stream().filter(sample -> Reasoning.of(sample, strict).steps().isEmpty())
                        .count()));
        report.put("kept", String.valueOf(kept.size()));
        report.put("also kept by length alone", String.valueOf(kept.stream().filter(shortest::contains).count()));
        report.put("mean branching, kept", mean(kept.stream().mapToDouble(i -> branching[i]).average().orElse(0)));
        if (kept.size() < samples.size()) {
            report.put("mean branching, left out", mean(IntStream.range(0, samples.size())
                    .filter(i -> !kept.contains(i))
                    .mapToDouble(i -> branching[i]).average().orElse(0)));
        }
        return report;
    }

    private static String mean(double value) {
        return String.format(Locale.ROOT, "%.4f", value);
    }

    private Set<Integer> kept(List<Integer> ranking) {
        // A share such as 0.29 of 100 must not lose a sample to rounding.
        return new HashSet<>(ranking.subList(0, (int) Math.floor(keep * ranking.size() + 1e-9)));
    }

    private List<Integer> order(List<Sample> samples, double[] branching) {
        boolean alike = Arrays.stream(branching).distinct().count() < 2;
        if (alike && keep < 1) {
            throw new FinetuneException("the proxy has no variance: all " + samples.size()
                    + " samples branch alike, so that "
                    + "nothing tells which to leave out. Check that the responses hold reasoning, or set keep to 1.");
        }
        return ranking(samples.size(), i -> branching[i]);
    }

    private static List<Integer> ranking(int count, IntToDoubleFunction value) {
        return IntStream.range(0, count).boxed().sorted(Comparator.comparingDouble(value::applyAsDouble)).toList();
    }

    /** How much each sample branches, in order. */
    double[] branching(List<Sample> samples) {
        Pattern cue = Pattern.compile(cues.stream().map(Pattern::quote).collect(Collectors.joining("|",
                "(?<![\\p{L}\\p{N}_])(?:", ")(?![\\p{L}\\p{N}_])")), Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
        return samples.stream().mapToDouble(sample -> {
            if (sample.provenance().tags().contains(DropSteps.METHOD.name())) {
                throw new FinetuneException(sample.id() + " has lost steps to dropSteps, so that its branching says "
                        + "nothing. Filter first, or keep one of the two.");
            }
            List<String> steps = Reasoning.of(sample, strict).steps();
            if (steps.isEmpty()) {
                return 0;
            }
            return proxy == BranchProxy.STEP_COUNT ? againstReference(sample, steps.size())
                    : (double) steps.stream().filter(step -> cue.matcher(step).find()).count() / steps.size();
        }).toArray();
    }

    private double againstReference(Sample sample, int steps) {
        String text = sample.fields().get(reference);
        int others = text == null ? 0 : Reasoning.of(text).steps().size();
        if (others == 0) {
            throw new FinetuneException(sample.id() + " has no reference trajectory in the field '" + reference
                    + "'. Name the right field, or take the proxy KEYWORDS.");
        }
        return (double) (steps - others) / others;
    }
}
