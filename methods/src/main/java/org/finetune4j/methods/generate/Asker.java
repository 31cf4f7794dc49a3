package org.finetune4j.methods.generate;

import java.util.List;

/** Asks models. */
public interface Asker {
    /**
     * Answers conversations, each only once: answers are kept in the run's folder, so that a run that is repeated or
     * goes on asks for none again.
     *
     * @param stage what to call it while it goes on, such as {@code answer the prompts}
     * @return the answers, in the order of the requests
     * @throws org.finetune4j.FinetuneException when the source cannot be had or does not answer
     */
    List<TextAnswer> answer(TextSource source, String stage, List<TextRequest> requests);
}
