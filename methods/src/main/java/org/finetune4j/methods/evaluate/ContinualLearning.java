package org.finetune4j.methods.evaluate;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;

/**
 * What a model that learned T tasks one after another keeps and carries over (Lopez-Paz and Ranzato, arXiv 1706.08840;
 * forgetting by Chaudhry et al., arXiv 1801.10112).
 *
 * @param scores  R: the score on task i after stage l {@code [stages][tasks]}, as many stages as tasks, at least 2
 * @param initial b: the score of the model on each task before the first stage {@code [tasks]}
 */
public record ContinualLearning(List<List<Double>> scores, List<Double> initial) {
    /** Refuses a matrix that is not square or fits the initial scores not, with a {@link FinetuneException}. */
    public ContinualLearning {
        scores = scores.stream().map(List::copyOf).toList();
        initial = List.copyOf(initial);
        int tasks = scores.size();
        boolean square = scores.stream().allMatch(row -> row.size() == tasks);
        if (tasks < 2 || !square || initial.size() != tasks) {
            throw new FinetuneException("continual: there are " + tasks + " stages, " + scores.stream().map(List::size).toList()
                    + " scores after them and " + initial.size() + " scores before the first, but for T tasks there must be T "
                    + "stages with T scores and T scores before, T being at least 2.");
        }
    }

    /** Mean score on all tasks after the last stage. */
    public double accuracy() {
        return last().stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    }

    /** Mean gain on earlier tasks since they were learned; negative where they were forgotten. */
    public double backwardTransfer() {
        return IntStream.range(0, tasks() - 1).mapToDouble(i -> last().get(i) - scores.get(i).get(i)).average().orElseThrow();
    }

    /** Mean gain on tasks before they are learned. */
    public double forwardTransfer() {
        return IntStream.range(1, tasks()).mapToDouble(i -> scores.get(i - 1).get(i) - initial.get(i)).average().orElseThrow();
    }

    /** Mean loss on earlier tasks since they were at their best before the last stage; at least the negative transfer. */
    public double forgetting() {
        return IntStream.range(0, tasks() - 1).mapToDouble(i -> scores.subList(0, tasks() - 1).stream()
                .mapToDouble(row -> row.get(i)).max().orElseThrow() - last().get(i)).average().orElseThrow();
    }

    /** {@code ACC}, {@code BWT}, {@code FWT} and {@code forgetting} as results, each with its part of every task. */
    public List<MetricResult> results() {
        int tasks = tasks();
        String signature = "continual|stages:" + tasks;
        List<MetricResult> results = new ArrayList<>();
        results.add(new MetricResult("ACC", signature, accuracy(), null, tasks, 0, last()));
        results.add(new MetricResult("BWT", signature, backwardTransfer(), null, tasks - 1, 0, List.of()));
        results.add(new MetricResult("FWT", signature, forwardTransfer(), null, tasks - 1, 0, List.of()));
        results.add(new MetricResult("forgetting", signature, forgetting(), null, tasks - 1, 0, List.of()));
        return results;
    }

    private int tasks() {
        return scores.size();
    }

    private List<Double> last() {
        return scores.get(scores.size() - 1);
    }
}
