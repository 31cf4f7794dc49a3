package org.finetune4j.methods.evaluate;

import java.util.List;
import org.finetune4j.FinetuneException;

/** One score of several tasks of one metric. */
public final class GroupScore {
    private GroupScore() {
    }

    /**
     * The mean of tasks.
     *
     * @param bySize whether a task counts by its items, as in lm-evaluation-harness, or as much as any other
     * @throws FinetuneException when there are none, or they were measured by different conventions
     */
    public static double of(List<MetricResult> tasks, boolean bySize) {
        if (tasks.isEmpty()) {
            throw new FinetuneException("a group of no tasks has no score. Give at least one result.");
        }
        List<String> signatures = tasks.stream().map(MetricResult::signature).distinct().toList();
        if (signatures.size() > 1) {
            throw new FinetuneException("the tasks of a group were measured by different conventions, whose scores cannot be "
                    + "compared: " + String.join(", ", signatures) + ". Measure all of them by one.");
        }
        double weights = tasks.stream().mapToDouble(task -> bySize ? task.count() : 1).sum();
        return tasks.stream().mapToDouble(task -> task.value() * (bySize ? task.count() : 1)).sum() / weights;
    }
}
