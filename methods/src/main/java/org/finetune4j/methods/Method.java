package org.finetune4j.methods;

import java.util.function.Function;

/**
 * A published method as the library offers it: its name, source, and how a fragment is made from settings.
 *
 * @param name    the name in recipes, such as {@code asft}
 * @param kind    what it may be used for
 * @param title   the paper's title, or what it is where there is no paper
 * @param source  where it is defined, such as {@code arXiv 2509.23753}
 * @param factory makes a fragment; settings that are not given take the method's defaults, and unknown ones are refused
 * @param <F>     the fragment's type
 */
public record Method<F extends Fragment>(String name, Kind kind, String title, String source,
                                         Function<Settings, F> factory) {
    /** What a method may be used for in a recipe. */
    public enum Kind {
        /** {@code data(...)}: makes or rewrites what is trained on. */
        DATA,
        /** {@code select(...)}. */
        SELECT,
        /** {@code objective(...)}. */
        OBJECTIVE,
        /** {@code adapt(...)}. */
        ADAPT,
        /** {@code evaluate(...)}. */
        EVALUATE,
        /** {@code decode(...)}: how answers are generated. */
        DECODE,
        /** {@code study(...)}: which recipes are compared, and how. */
        STUDY,
        /** An argument of another method: where text comes from. */
        SOURCE,
        /** An argument of another method: what says whether an answer is right. */
        JUDGE
    }

    /**
     * Makes a fragment from settings.
     *
     * @throws org.finetune4j.FinetuneException when a setting is unknown, of the wrong type or out of range
     */
    public F create(Settings settings) {
        F fragment = factory.apply(settings);
        settings.refuseUnread(name);
        return fragment;
    }
}
