package org.finetune4j.methods.data.formal;

import java.util.List;
import java.util.function.BiPredicate;
import org.finetune4j.FinetuneException;

/**
 * How the answers to one problem did.
 *
 * @param answers  how many there are
 * @param compiled how many compile
 * @param meant    how many compile and mean what was asked, so that this is never more than {@code compiled}
 */
public record FormalScore(int answers, int compiled, int meant) {
    /**
     * Scores answers. The judge is asked about those that compile and about no other.
     *
     * @param judge whether a compiled statement means the same as the gold one, such as {@link
     *              CanonicalForm#isEquivalent}
     * @throws FinetuneException when there is no answer
     */
    public static FormalScore of(List<String> answers, Formula gold, BiPredicate<Formula, Formula> judge) {
        if (answers.isEmpty()) {
            throw new FinetuneException("there is no answer to score. Give at least one for each problem.");
        }
        int compiled = 0;
        int meant = 0;
        for (String answer : answers) {
            Formula statement = FormalCompiler.compile(answer).statement();
            if (statement != null) {
                compiled++;
                meant += judge.test(statement, gold) ? 1 : 0;
            }
        }
        return new FormalScore(answers.size(), compiled, meant);
    }

    /**
     * The reward of one answer: 1 where it compiles and, unless {@code compileOnly}, means what was asked, else 0.
     */
    public static double reward(String answer, Formula gold, boolean compileOnly) {
        FormalScore score = of(List.of(answer), gold, (statement, same) -> !compileOnly
                && CanonicalForm.isEquivalent(statement, same));
        return compileOnly ? score.compiled : score.meant;
    }

    /** The share that compiles less the share that means what was asked. */
    public double gap() {
        return (double) (compiled - meant) / answers;
    }

    /**
     * The share of groups of rewards that are all equal, from which reinforcement learning by group has no gradient.
     *
     * @throws FinetuneException when there is no group, or an empty one
     */
    public static double withoutVariance(List<List<Double>> groups) {
        if (groups.isEmpty() || groups.stream().anyMatch(List::isEmpty)) {
            throw new FinetuneException("the share of groups without variance needs groups of at least one reward.");
        }
        return (double) groups.stream().filter(group -> group.stream().distinct().count() == 1).count() / groups.size();
    }
}
