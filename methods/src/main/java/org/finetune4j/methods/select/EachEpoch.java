package org.finetune4j.methods.select;

import org.finetune4j.methods.Method;
import org.finetune4j.methods.Settings;

/**
 * Chooses anew at the start of every pass over the data, by the weights of that time, where the selector alone chooses once
 * before the training. What was chosen is part of checkpoints. As passes may differ in length, the learning rate's schedule
 * ends where the passes do if each further one is as long as the one that has begun.
 *
 * @param selector what chooses; default grape
 */
public record EachEpoch(EpochSelector selector) implements Selecting {
    /** Selection in every pass. */
    public static final Method<EachEpoch> METHOD = new Method<>("eachEpoch", Method.Kind.SELECT,
            "A selector that chooses anew at the start of every pass over the data", "common practice",
            settings -> new EachEpoch(settings.fragment("selector", Method.Kind.SELECT, EpochSelector.class, new Grape())));

    /** Refuses a missing selector with a {@link org.finetune4j.FinetuneException}. */
    public EachEpoch {
        Settings.require(!java.util.Objects.isNull(selector), "eachEpoch", "selector", "missing", "a selector such as grape()");
    }

    @Override
    public Method<EachEpoch> method() {
        return METHOD;
    }
}
