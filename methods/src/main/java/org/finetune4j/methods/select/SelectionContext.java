package org.finetune4j.methods.select;

import java.nio.file.Path;
import java.util.List;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.jspecify.annotations.Nullable;

/** What a selector may use: the model that is about to be trained, other models, and the run's folder. */
public interface SelectionContext {
    /** Scores responses by the model as it is before training. */
    ResponseScorer scorer();

    /**
     * Answers conversations, each only once: answers are kept in the run's folder, so that a run that is repeated or goes
     * on asks for none again.
     *
     * @param stage what to call it while it goes on, such as {@code answer the prompts}
     * @return the answers, in the order of the requests
     * @throws org.finetune4j.FinetuneException when the source cannot be had or does not answer
     */
    List<TextAnswer> answer(TextSource source, String stage, List<TextRequest> requests);

    /** Says something that does not stop the run but should be known. */
    void warned(String message);

    /** Where files may be kept for the user and for a run that goes on, or null for nowhere. */
    @Nullable Path folder();
}
