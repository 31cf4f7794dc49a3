package org.finetune4j.generation;

import java.util.List;

/** Texts that are being generated, driven pass by pass of the model. An object belongs to one thread. */
public interface GenerationRun extends AutoCloseable {
    /** Whether a text is not done yet. */
    boolean goesOn();

    /** Runs the model once, and tells the listener what came of it. */
    void pass();

    /** The texts of each request in order, of those that are done. */
    List<List<GeneratedTokens>> results();

    /** Lets go of what makes the passes faster; the generator may be used for something else. */
    @Override
    void close();
}
