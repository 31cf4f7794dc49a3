package org.finetune4j.train;

import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.Example;

/** What happens to the samples of an optimiser step before they are learned: chosen among, masked or cut. */
public interface BatchStage extends AutoCloseable {
    /**
     * The samples to learn from in a step, which must depend on nothing but the arguments, the weights as they are, and
     * what the stage's {@link RunState} holds.
     *
     * @param batches the step's micro-batches; a micro-batch may come back smaller or empty
     * @param step    number of the step, 1 for the first
     */
    List<List<Example>> prepare(List<List<Example>> batches, long step);

    /** What the stage remembers, or nothing. */
    default List<RunState> states() {
        return List.of();
    }

    /** What to tell of the last step, such as the share that was kept, by name. */
    default java.util.Map<String, Double> values() {
        return java.util.Map.of();
    }

    /**
     * Refuses samples of more than one sequence, of which it would not be clear which one counts.
     *
     * @throws FinetuneException that names the method and the sample
     */
    static void requireSingle(List<Example> batch, String method) {
        batch.stream().filter(example -> !example.companions().isEmpty()).findFirst().ifPresent(example -> {
            throw new FinetuneException("select: " + method + " chooses by the tokens of one response, but " + example.id()
                    + " comes with " + example.companions().size() + " other sequences, as the objective wants it. Leave "
                    + method + " out or take an objective of single responses, such as sft().");
        });
    }

    @Override
    default void close() {
    }
}
