package org.finetune4j.methods.select;

import java.nio.file.Path;
import java.util.List;
import org.finetune4j.methods.generate.TextAnswer;
import org.finetune4j.methods.generate.TextRequest;
import org.finetune4j.methods.generate.TextSource;
import org.jspecify.annotations.Nullable;

/** A context of a lambda that scores; nothing in it generates. */
@FunctionalInterface
interface ScoringContext extends SelectionContext, ResponseScorer {
    @Override
    default ResponseScorer scorer() {
        return this;
    }

    @Override
    default List<TextAnswer> answer(TextSource source, String stage, List<TextRequest> requests) {
        throw new AssertionError("nothing generates here: " + stage);
    }

    @Override
    default void warned(String message) {
        throw new AssertionError(message);
    }

    @Override
    default @Nullable Path folder() {
        return null;
    }

    @Override
    default ResponseScorer scorer(java.nio.file.Path other, boolean endOfTurn) {
        throw new AssertionError("no other model is scored by here");
    }
}
