package org.finetune4j.methods.decode;

import org.finetune4j.methods.Fragment;
import org.finetune4j.methods.evaluate.Examinee;

/** Makes the probabilities of choices of one pass of the model or several, in the place of those of the plain question. */
public interface Decoder extends Fragment {
    /** The model with this decoding: all but the probabilities of choices is as it was. */
    Examinee over(Examinee model);

    /** A text that differs when data that this shows the model differ. */
    default String fingerprint() {
        return "";
    }

    /**
     * Refuses what is wrong before any weight is loaded.
     *
     * @throws org.finetune4j.FinetuneException when data that this needs cannot be read or are too few
     */
    default void requireUsable() {
    }
}
