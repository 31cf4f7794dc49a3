package org.finetune4j.methods.judge;

import org.finetune4j.FinetuneException;
import org.finetune4j.data.Sample;

/**
 * A reply to a sample's prompt.
 *
 * @param sample holds prompt and reference
 * @param text   what was replied
 */
public record Reply(Sample sample, String text) {
    /**
     * What the reply is compared with: the sample's answer, or else its response.
     *
     * @throws FinetuneException when it has neither
     */
    public String reference() {
        String reference = sample.answer() != null ? sample.answer() : sample.response();
        if (reference == null) {
            throw new FinetuneException(sample.id() + " has neither an answer nor a response to judge replies by. "
                    + "Give it one, "
                    + "or leave it out.");
        }
        return reference;
    }

    /** What was asked, by its last turn. */
    public String question() {
        return sample.prompt().get(sample.prompt().size() - 1).text();
    }
}
