package org.finetune4j.methods.data.puzzle;

import java.util.List;
import org.finetune4j.methods.data.Draws;

/** What the moves of Sokoban are called in a sample. */
public enum LabelSet {
    /** The plain words. */
    WORDS(List.of("Up", "Down", "Left", "Right")),
    /** Points of the compass. */
    CARDINAL(List.of("North", "South", "West", "East")),
    /** Digits. */
    NUMERICAL(List.of("1", "2", "3", "4")),
    /** Letters. */
    ALPHABETICAL(List.of("A", "B", "C", "D")),
    /** Signs. */
    SYMBOLS(List.of("*", "&", "1", "M")),
    /** Four words of {@link WordPool}, drawn again for every sample. */
    RANDOM_WORDS(List.of());

    private final List<String> fixed;

    LabelSet(List<String> fixed) {
        this.fixed = fixed;
    }

    /** The labels for one sample. */
    public MoveLabels labels(Draws draws) {
        return fixed.isEmpty() ? WordPool.labels(draws) : MoveLabels.of(fixed);
    }
}
