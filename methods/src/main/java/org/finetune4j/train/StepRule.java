package org.finetune4j.train;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.data.EpochStage;
import org.finetune4j.head.TokenLoss;
import org.jspecify.annotations.Nullable;

/**
 * What the methods of a run ask of the training loop.
 *
 * @param divisor the logged value whose sum over a step divides its loss, or null for what the reduction says
 * @param keys    whether batches bring keys to draw tokens with
 * @param epochs  what is trained on in each pass, or null where passes do not differ
 * @param choice  what is chosen at the start of each pass, or null where all samples are trained on in every pass
 * @param stage   what happens to a step's samples before they are learned, or null for nothing
 * @param states  what else goes into checkpoints
 */
public record StepRule(@Nullable String divisor, boolean keys, @Nullable EpochStage epochs, @Nullable EpochChoice choice,
                       @Nullable BatchStage stage, List<RunState> states) {
    /** Nothing. */
    public static final StepRule PLAIN = new StepRule(null, false, null, null, null, List.of());

    /** Keeps an immutable copy. */
    public StepRule {
        states = List.copyOf(states);
    }

    /** What a token loss and stages ask, where all samples are trained on in every pass. */
    public static StepRule of(TokenLoss loss, @Nullable EpochStage epochs, @Nullable BatchStage stage) {
        return of(loss, epochs, stage, null);
    }

    /** What a token loss, stages and a choice in each pass ask. */
    public static StepRule of(TokenLoss loss, @Nullable EpochStage epochs, @Nullable BatchStage stage,
                              @Nullable EpochChoice choice) {
        List<RunState> states = new ArrayList<>();
        if (loss.sequenceLoss() instanceof RunState state) {
            states.add(state);
        }
        if (stage != null) {
            states.addAll(stage.states());
        }
        if (choice != null) {
            states.add(choice);
        }
        return new StepRule(loss.divisor(), loss.drawsTokens(), epochs, choice, stage, states);
    }
}
