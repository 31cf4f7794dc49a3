package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.Test;

class TrainSettingsTest {
    @Test
    void theDefaultsAreThoseOfTheCardAndInRange() {
        TrainSettings settings = TrainSettings.defaults();
        assertEquals(List.of(), settings.problems());
        assertEquals(2e-5, settings.learningRate(false));
        assertEquals(2e-4, settings.learningRate(true));
        assertEquals(3e-3, TrainSettings.builder().learningRate(3e-3).build().learningRate(true));
    }

    @Test
    void tellsEveryProblemAtOnceWithItsPath() {
        TrainSettings settings = TrainSettings.builder().maxSteps(-1).tokensPerBatch(0).accumulate(0).learningRate(-1)
                .warmupFraction(1).weightDecay(Double.NaN).betas(1, -0.1).epsilon(0).clip(0).precision(Precision.F64)
                .maxLength(1).evaluateEvery(-1).checkpointEvery(-1).keepCheckpoints(0).build();
        List<String> problems = settings.problems();
        for (String name : List.of("maxSteps", "tokensPerBatch", "accumulate", "learningRate", "warmupFraction",
                "weightDecay", "beta1", "beta2", "epsilon", "clip", "precision", "maxLength", "evaluateEvery",
                "checkpointEvery", "keepCheckpoints")) {
            assertTrue(problems.stream().anyMatch(problem -> problem.startsWith("train." + name + " is ")), name);
        }
        assertEquals(15, problems.size(), problems.toString());
    }

    @Test
    void eitherEpochsOrStepsRule() {
        assertEquals(1, TrainSettings.builder().epochs(0).build().problems().size());
        assertEquals(List.of(), TrainSettings.builder().epochs(2).maxSteps(5).build().problems());
    }
}
