package org.finetune4j.data;

import java.util.List;
import org.finetune4j.tokenizer.Message;

/** One example of the training data. There are several kinds, and an objective learns from one of them. */
public sealed interface Row permits Sample, PreferencePair, LabelledResponse {
    /** A stable name for messages and provenance, such as {@code train.jsonl:17}. */
    String id();

    /** Where it came from. */
    Provenance provenance();

    /** What is asked: the turns before what is learned; none for a plain document. */
    List<Message> prompt();

    /** This row, said to lie in the file with this path from the working directory. */
    Row placed(String path);

    /** This row with one more tag. */
    Row tagged(String tag);

    /** What rows of a class are called in messages. */
    static String nameOf(Class<? extends Row> kind) {
        if (kind == PreferencePair.class) {
            return "preferences (a chosen and a rejected response)";
        }
        return kind == LabelledResponse.class ? "labelled responses (each good or bad)" : "single responses or texts";
    }
}
