package org.finetune4j.methods.generate;

import java.util.List;
import java.util.Optional;

/** A model that answers conversations; the same request always gets the same answer where the model allows it. */
public interface TextModel extends AutoCloseable {
    /** Hears each answer as soon as it is there, in any order and on one thread at a time. */
    interface Listener {
        /** The answer to a request, by its place in the list. */
        void answered(int request, TextAnswer answer);
    }

    /**
     * Answers requests, each of them heard once.
     *
     * @throws org.finetune4j.FinetuneException when a request cannot be answered; what was heard before is right
     */
    void answer(List<TextRequest> requests, Listener listener);

    /** A text that differs when the same request may get another answer: of weights, template and arithmetic. */
    String identity();

    /** How much it reads, or nothing where nobody says. */
    default Optional<TextWindow> window() {
        return Optional.empty();
    }

    @Override
    void close();
}
