package org.finetune4j.methods.generate;

import java.util.Optional;
import org.finetune4j.methods.Fragment;

/** A source of text as a recipe names it: the policy, another model, or an endpoint. */
public interface TextSource extends Fragment {
    /**
     * The model, ready to answer; whoever asks for it closes it.
     *
     * @throws org.finetune4j.FinetuneException when it cannot be had
     */
    TextModel open(SourceContext context);

    /** What it is in a plan, such as {@code the policy}. */
    String description();

    /** Why it cannot be used here, found without opening it, or nothing. */
    default Optional<String> problem() {
        return Optional.empty();
    }

    /** The price of so many tokens as text, or nothing where none is known. */
    default Optional<String> price(long promptTokens, long newTokens) {
        return Optional.empty();
    }
}
