package org.finetune4j.methods.judge;

import java.util.List;
import java.util.Optional;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.generate.Asker;
import org.finetune4j.methods.generate.TextWork;

/** Says whether replies are right. */
public interface Judge extends Fragment {
    /**
     * The verdict on each reply, in order.
     *
     * @param asker asks models, for a judge that is one
     * @throws org.finetune4j.FinetuneException when a sample lacks what the judge needs, or a model does not answer
     */
    List<Verdict> judge(List<Reply> replies, Asker asker);

    /** What the judge lacks in a sample, with the field's name, or nothing. */
    default Optional<String> problem(Sample sample) {
        return sample.answer() != null || sample.response() != null ? Optional.empty()
                : Optional.of("has neither an answer nor a response to judge replies by. Name the field that holds it "
                + "by "
                        + "fields(answer = ...), or leave the sample out.");
    }

    /** What models are asked for the verdicts on one reply to each of these samples. */
    default List<TextWork> work(List<Sample> samples) {
        return List.of();
    }
}
