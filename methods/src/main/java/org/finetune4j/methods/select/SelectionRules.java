package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.generate.TextWork;
import org.finetune4j.methods.select.Selector.Trait;

/** Which selectors may follow which, and what data they need. */
public final class SelectionRules {
    private SelectionRules() {
    }

    /**
     * Everything that stands against these selectors, one after another, on these samples: one sentence each.
     *
     * @param data what the samples are, for messages
     */
    public static List<String> problems(List<? extends Selector> selectors, List<Sample> samples, String data) {
        List<String> problems = new ArrayList<>();
        for (int i = 0; i < selectors.size(); i++) {
            for (int j = i + 1; j < selectors.size(); j++) {
                clash(selectors.get(i), selectors.get(j), problems);
            }
        }
        if (!problems.isEmpty()) {
            return problems;
        }
        List<Sample> seen = samples;
        for (Selector selector : selectors) {
            String name = selector.method().name();
            if (has(selector, Trait.CHOOSES_AMONG_CANDIDATES) && nothingToChoose(seen)) {
                problems.add(name + " has nothing to choose: each of the " + seen.size() + " samples of " + data
                        + " has one response. Give candidate responses, name the field that holds them, or leave the "
                        + "selector out.");
            }
            selector.problems(seen).forEach(problem -> problems.add(name + ": " + problem));
            if (!problems.isEmpty()) {
                return problems;
            }
            seen = selector.likely(seen);
        }
        return problems;
    }

    /** What the selectors will ask of models, in order. */
    public static List<TextWork> work(List<? extends Selector> selectors, List<Sample> samples) {
        List<TextWork> work = new ArrayList<>();
        List<Sample> seen = samples;
        for (Selector selector : selectors) {
            work.addAll(selector.work(seen));
            seen = selector.likely(seen);
        }
        return work;
    }

    /** What is worth knowing about these selectors on these samples. */
    public static List<String> notes(List<? extends Selector> selectors, List<Sample> samples) {
        List<String> notes = new ArrayList<>();
        List<Sample> seen = samples;
        for (Selector selector : selectors) {
            List<String> found = selector.notes(seen);
            found.forEach(note -> notes.add(selector.method().name() + ": " + note));
            seen = selector.likely(seen);
        }
        return notes;
    }

    /** Samples about as long and as many as those that the selectors will leave. */
    public static List<Sample> likely(List<? extends Selector> selectors, List<Sample> samples) {
        List<Sample> seen = samples;
        for (Selector selector : selectors) {
            seen = selector.likely(seen);
        }
        return seen;
    }

    private static void clash(Selector first, Selector second, List<String> problems) {
        String one = first.method().name();
        String other = second.method().name();
        if (has(first, Trait.ROUTES_TARGET) && has(second, Trait.ROUTES_TARGET)) {
            problems.add(one + " and " + other + " do the same: each sends a prompt to the model's own answer or to "
                    + "its "
                    + "response. Keep one of them.");
        } else if (has(first, Trait.CHOOSES_TARGET) && has(second, Trait.CHOOSES_AMONG_CANDIDATES)) {
            problems.add(other + " comes after " + one + ", which leaves one response for each prompt, so that " + other
                    + " has nothing to choose. Write select(" + other + "(...), " + one
                    + "(...)), or keep one of them.");
        } else if (has(first, Trait.REWEIGHTS) && has(second, Trait.DROPS_REPETITIONS)) {
            problems.add(other + " takes repeated samples for one and comes after " + one + ", which repeats samples "
                    + "so that "
                    + "they count more: its weights would be lost. Put " + other + " before " + one
                    + ", or leave it out.");
        }
    }

    /** Samples with the same prompt are alternatives of one another, too. */
    private static boolean nothingToChoose(List<Sample> samples) {
        return samples.stream().allMatch(sample -> sample.candidates().isEmpty())
                && samples.stream().map(Sample::prompt).distinct().count() == samples.size();
    }

    private static boolean has(Selector selector, Trait trait) {
        return selector.traits().contains(trait);
    }
}
