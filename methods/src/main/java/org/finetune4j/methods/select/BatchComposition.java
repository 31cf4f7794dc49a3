package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.DataPosition;
import org.finetune4j.data.Example;
import org.finetune4j.data.Packer;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.train.TrainSettings;

/**
 * What a method that works on batches must fit into.
 *
 * @param objective  what is minimised
 * @param train      how is trained
 * @param batchSizes samples of each micro-batch of the first pass, ascending; never empty
 * @param longest    tokens of the longest sample
 * @param vocabulary tokens of the vocabulary
 */
public record BatchComposition(Objective objective, TrainSettings train, List<Integer> batchSizes, int longest,
                               int vocabulary) {
    /** Keeps an immutable copy. */
    public BatchComposition {
        batchSizes = List.copyOf(batchSizes);
    }

    /** What these samples, as far as they are known, come to. */
    public static BatchComposition of(Objective objective, TrainSettings train, List<Example> examples,
                                      int vocabulary) {
        Packer packer = new Packer(examples, train.tokensPerBatch(), train.accumulate(), train.seed());
        List<Integer> sizes = new ArrayList<>();
        for (DataPosition at = DataPosition.START; at.epoch() == 0;) {
            Packer.Step step = packer.step(at);
            step.batches().forEach(batch -> sizes.add(batch.size()));
            at = step.next();
        }
        return new BatchComposition(objective, train, sizes.stream().sorted().toList(),
                longest(examples), vocabulary);
    }

    /** Tokens of the longest of these samples. */
    static int longest(List<Example> examples) {
        return examples.stream().mapToInt(example -> example.ids().length).max().orElse(0);
    }

    /** How many samples the micro-batch in the middle has. */
    public int usualBatch() {
        return batchSizes.get(batchSizes.size() / 2);
    }

    /** Everything that speaks against these methods together in this job. */
    public List<String> problems(List<BatchMethod> methods) {
        List<String> problems = new ArrayList<>();
        List<String> choosing = methods.stream().filter(BatchMethod::choosesSamples).map(one -> one.method().name())
                .toList();
        if (choosing.size() > 1) {
            problems.add(String.join(" and ", choosing) + " each choose among the samples of every step, but the "
                    + "second would choose from what the first left of a batch that both count on. Keep one of them.");
        }
        methods.forEach(method -> method.problems(this)
                .forEach(problem -> problems.add(method.method().name() + ": " + problem)));
        return problems;
    }
}
