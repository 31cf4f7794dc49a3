package org.finetune4j.methods.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.reasoning.Reasoning;

/**
 * Removes a share of the reasoning steps of every response, drawn uniformly, and never the answer: a probe of how much
 * training depends on each step.
 *
 * <p>On the Role of Reasoning Patterns in the Generalization Discrepancy of Long Chain-of-Thought Supervised
 * Fine-Tuning, arXiv 2604.01702. Of n steps, the whole part of {@code fraction n} goes. Steps are those of {@link
 * Reasoning}; where a response marks no reasoning, its last step counts as the answer. The samples are tagged {@code
 * dropSteps}.
 *
 * @param fraction share of steps removed, in (0, 1); default 0.1
 * @param strict   whether responses that mark no reasoning are refused; default false
 * @param seed     decides the draws
 */
public record DropSteps(double fraction, boolean strict, long seed) implements DataTransform {
    /** The probe of the branch-filter study, 2026. */
    public static final Method<DropSteps> METHOD = new Method<>("dropSteps", Method.Kind.DATA,
            "On the Role of Reasoning Patterns in the Generalization Discrepancy of Long Chain-of-Thought Supervised "
                    + "Fine-Tuning (dropped steps)", "arXiv 2604.01702",
            settings -> new DropSteps(settings.number("fraction", 0.1), settings.flag("strict", false),
                    settings.whole("seed", 42L)));

    /** Refuses settings out of range with a {@link org.finetune4j.FinetuneException}. */
    public DropSteps {
        Settings.require(fraction > 0 && fraction < 1, "dropSteps", "fraction", fraction, "above 0 and below 1");
    }

    @Override
    public Method<DropSteps> method() {
        return METHOD;
    }

    @Override
    public RowStream open(DataSource source, DataReport report) {
        return SampleStream.each(METHOD.name(), source.open(report), new SampleStream.Change() {
            private int index;

            @Override
            public List<Sample> of(Sample sample) {
                return List.of(shortened(sample, index++));
            }
        });
    }

    private Sample shortened(Sample sample, int index) {
        Reasoning reasoning = Reasoning.of(sample, strict);
        List<String> steps = reasoning.steps();
        int free = reasoning.place() == Reasoning.Place.WHOLE ? Math.max(0, steps.size() - 1) : steps.size();
        List<Integer> all = IntStream.range(0, free).boxed().toList();
        // A fraction such as 0.29 of 100 must not lose a step to rounding.
        Set<Integer> gone = Set.copyOf(new Draws(seed, "dropSteps", index).sample(all,
                (int) Math.floor(fraction * free + 1e-9)));
        List<String> kept = new ArrayList<>();
        for (int i = 0; i < steps.size(); i++) {
            if (!gone.contains(i)) {
                kept.add(steps.get(i));
            }
        }
        Sample changed = gone.isEmpty() ? sample : reasoning.with(sample, kept);
        return changed.madeOf(sample.id()).tagged(METHOD.name());
    }
}
