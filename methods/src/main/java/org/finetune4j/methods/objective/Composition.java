package org.finetune4j.methods.objective;

import java.util.List;
import org.finetune4j.data.TooLong;
import org.finetune4j.methods.adapt.Adapter;
import org.finetune4j.train.TrainSettings;
import org.jspecify.annotations.Nullable;

/**
 * The other parts of a recipe, by which a method tells whether it fits into it.
 *
 * @param adapter   the parameterisation, or null where every weight trains
 * @param train     how is trained
 * @param selectors names of the methods that choose samples or tokens, in order
 * @param layers    the model's blocks
 */
public record Composition(@Nullable Adapter adapter, TrainSettings train, List<String> selectors, int layers) {
    /** Keeps an immutable copy. */
    public Composition {
        selectors = List.copyOf(selectors);
    }

    /**
     * What speaks against samples that lose a part for their length, or nothing.
     *
     * @param method what needs them whole, and why, such as {@code poft compares whole responses}
     */
    public List<String> refuseShortened(String method) {
        TooLong tooLong = train.tooLong();
        return tooLong == TooLong.DROP || tooLong == TooLong.ERROR ? List.of() : List.of(method + ", but train.tooLong is "
                + tooLong + ", which cuts samples. Choose DROP or ERROR.");
    }
}
