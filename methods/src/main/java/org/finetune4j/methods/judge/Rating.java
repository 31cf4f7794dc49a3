package org.finetune4j.methods.judge;

import java.util.Collections;
import java.util.List;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.generate.TextSource;
import org.finetune4j.methods.generate.TextWork;

/** Says how good replies are: what a scalar reward model does. */
public interface Rating extends Fragment {
    /**
     * The rating of each reply, in order, higher being better; not a number where there is none.
     *
     * @param asker asks models, for a rating that comes from one
     * @throws org.finetune4j.FinetuneException when a model does not answer
     */
    List<Double> rate(List<Reply> replies, Asker asker);

    /**
     * How hard tasks are, from 1 (anybody can do it) to 10 (few experts can), in order; not a number where nothing is known,
     * as by default.
     *
     * @param tasks conversations whose last turn is the task
     */
    default List<Double> difficulties(List<Sample> tasks, Asker asker) {
        return Collections.nCopies(tasks.size(), Double.NaN);
    }

    /** What models are asked for the difficulty of these samples. */
    default List<TextWork> difficultyWork(List<Sample> samples) {
        return List.of();
    }

    /** Whether the ratings come from this model. */
    boolean isBy(TextSource source);

    /** What models are asked for the ratings of one reply to each of these samples. */
    List<TextWork> work(List<Sample> samples);
}
