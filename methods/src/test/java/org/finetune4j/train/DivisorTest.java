package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.methods.objective.OneTokenRollout;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.objective.Thresholded;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.junit.jupiter.api.Test;

/** How the trainer divides by what an objective counts, and draws tokens, however a step is split. */
class DivisorTest {
    private static final EncodedSamples SAMPLES = LlamaJobs.samples(8, 5);

    private record Run(float[] weights, List<TrainingListener.StepEvent> events, List<String> warnings) {
    }

    /** Two steps of all samples, split into micro-batches by a token budget. */
    private static Run run(TokenLoss loss, int tokensPerBatch, int steps) {
        TrainSettings settings = TrainSettings.builder().maxSteps(steps).tokensPerBatch(tokensPerBatch)
                .accumulate(tokensPerBatch > 1000 ? 1 : 100).build();
        TrainingJob job = new TrainingJob(settings, 5e-3, Reduction.TOKENS, SAMPLES, null, null, Map.of(), "{}",
                StepRule.of(loss, null, null));
        List<TrainingListener.StepEvent> events = new ArrayList<>();
        List<String> warnings = new ArrayList<>();
        try (LanguageModel model = LlamaJobs.Kind.FULL.model(Precision.F32);
                ModelGradientEngine engine = new ModelGradientEngine(model, loss)) {
            new Trainer(engine, LlamaJobs.KERNELS, job, AtomicFiles.onDisk(), new TrainingListener() {
                @Override
                public void stepMade(StepEvent event) {
                    events.add(event);
                }

                @Override
                public void warned(String message) {
                    warnings.add(message);
                }
            }).run();
            return new Run(model.parameters().flat().toFloatVector(), events, warnings);
        }
    }

    @Test
    void survivingTokensAreCountedOverTheWholeStep() {
        Thresholded objective = new Thresholded(Thresholded.Base.NLL, Thresholded.Keep.BELOW, 0.02);
        Run whole = run(objective, 1 << 20, 2);
        Run split = run(objective, 24, 2);
        double kept = whole.events().get(0).values().get("kept");
        assertTrue(kept > 0.1 && kept < 0.9, "kept " + kept);
        assertEquals(0, Vectors.distance(whole.weights(), split.weights()), 1e-4);
        for (int step = 0; step < 2; step++) {
            assertEquals(whole.events().get(step).loss(), split.events().get(step).loss(), 1e-5);
            assertEquals(whole.events().get(step).gradientNorm(), split.events().get(step).gradientNorm(), 1e-4);
        }
        // A loss over what is left is that of these tokens alone, which are the unlikely ones.
        assertTrue(whole.events().get(0).loss() > whole.events().get(0).values().get("nll"));
    }

    @Test
    void aThresholdOfZeroIsSupervisedFineTuning() {
        Run thresholded = run(new Thresholded(Thresholded.Base.NLL, Thresholded.Keep.ABOVE, 0), 24, 2);
        assertEquals(0, Vectors.distance(run(new Sft(), 24, 2).weights(), thresholded.weights()), 1e-6);
    }

    @Test
    void stepsWithoutASurvivorChangeNothingAndAreTold() {
        Run none = run(new Thresholded(Thresholded.Base.NLL, Thresholded.Keep.ABOVE, 0.999), 1 << 20, 12);
        Run untrained = run(new Thresholded(Thresholded.Base.NLL, Thresholded.Keep.ABOVE, 0.999), 1 << 20, 1);
        assertArrayEquals(untrained.weights(), none.weights());
        assertEquals(0, none.events().get(11).loss());
        assertEquals(1, none.warnings().size(), none.warnings().toString());
        assertTrue(none.warnings().get(0).contains("nothing was learned in the 10 steps"), none.warnings().get(0));
    }

    @Test
    void theSameTokensAreDrawnHoweverAStepIsSplit() {
        OneTokenRollout objective = new OneTokenRollout(8, 1.3, -0.1);
        Run whole = run(objective, 1 << 20, 2);
        assertEquals(0, Vectors.distance(whole.weights(), run(objective, 24, 2).weights()), 1e-4);
        assertTrue(!whole.events().get(0).values().get("hitRate").equals(whole.events().get(1).values().get("hitRate")));
    }
}
