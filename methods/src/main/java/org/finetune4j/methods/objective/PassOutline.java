package org.finetune4j.methods.objective;

import org.finetune4j.head.TokenLoss;
import org.finetune4j.model.EngineForecast;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.TrainingEngine;

/**
 * The largest micro-batch of a run, by which passes beside the training are priced before there is a weight.
 *
 * @param model      an outline of the policy, in which what trains has been decided
 * @param options    how passes are computed
 * @param training   what the training's own engine needs for the batch
 * @param tokens     of the batch
 * @param supervised of these
 * @param sequences  of the batch
 */
public record PassOutline(LanguageModel model, EngineOptions options, EngineForecast training, int tokens, int supervised,
                          int sequences) {
    /** An engine that evaluates this loss and takes no gradient. */
    public PassForecast forwardOnly(TokenLoss loss) {
        try (TrainingEngine engine = TrainingEngine.forwardOnly(model, loss, options)) {
            return PassForecast.of(engine.forecast(tokens, supervised, sequences));
        }
    }

    /** An engine that takes a gradient of its own. */
    public PassForecast training(TrainingEngine engine) {
        return PassForecast.of(engine.forecast(tokens, supervised, sequences));
    }

    /** Hidden states of the learned tokens in whole sequences; a token is added to each, for the last is only predicted else. */
    public PassForecast hiddenStates(HiddenStates states) {
        return PassForecast.of(states.forecast(tokens + sequences, supervised, sequences));
    }
}
