package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.LengthLimit;
import org.finetune4j.data.Sample;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.data.TooLong;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

class ModelScorerTest {
    @TempDir
    Path folder;

    @Test
    void scoresDoNotDependOnTheBatchAndNoWeightChanges() {
        SmallModel.write(folder, DataType.FLOAT);
        List<Sample> samples = SmallModel.candidates("pool", 7, 1).samples().stream().flatMap(sample -> sample.candidates()
                .stream().map(candidate -> sample.withResponse(candidate.text()))).toList();
        try (Kernels kernels = new OneDnnKernels();
             Tokenizer tokenizer = Tokenizer.load(folder);
             LanguageModel model = LanguageModel.load(folder, Precision.F32, kernels)) {
            TextEncoding encoding = new TextEncoding(tokenizer, null);
            String before = model.parameters().hashOfFrozen();
            List<float[]> alone = score(model, encoding, samples, 1);
            List<float[]> together = score(model, encoding, samples, 10_000);
            assertEquals(samples.size(), alone.size());
            for (int i = 0; i < alone.size(); i++) {
                assertEquals(encoding.encode(samples.get(i)).supervisedTokens(), alone.get(i).length);
                assertArrayEquals(alone.get(i), together.get(i), 1e-5f);
                for (float logProbability : alone.get(i)) {
                    assertTrue(logProbability < 0);
                }
            }
            assertEquals(before, model.parameters().hashOfFrozen());
            // The model is scored as it is, with what an adapter has learned until then.
            model.attach(new Lora(4), 1);
            assertArrayEquals(alone.get(3), score(model, encoding, samples, 1).get(3), 1e-6f);
            model.parameters().flat().addi(0.05);
            model.parameters().mastersChanged();
            assertTrue(Math.abs(alone.get(3)[0] - score(model, encoding, samples, 1).get(3)[0]) > 1e-4);
        }
    }

    private static List<float[]> score(LanguageModel model, TextEncoding encoding, List<Sample> samples, int tokens) {
        try (ModelScorer scorer = new ModelScorer(model, encoding, new LengthLimit(60, false), TooLong.ERROR, tokens,
                TrainingListener.NONE, null)) {
            return scorer.tokenLogProbabilities(samples);
        }
    }

    @Test
    void longResponsesAreRefusedOrCutAsTheTrainingDoes() {
        SmallModel.write(folder, DataType.FLOAT);
        List<Sample> samples = SmallModel.samples("train", 2, 1).samples();
        try (Kernels kernels = new OneDnnKernels();
             Tokenizer tokenizer = Tokenizer.load(folder);
             LanguageModel model = LanguageModel.load(folder, Precision.F32, kernels)) {
            TextEncoding encoding = new TextEncoding(tokenizer, null);
            int length = encoding.encode(samples.get(0)).ids().length;
            for (TooLong policy : TooLong.values()) {
                try (ModelScorer scorer = new ModelScorer(model, encoding, new LengthLimit(length - 2, false), policy,
                        100, TrainingListener.NONE, null)) {
                    // Under DROP long ones are left out before, and a cut one would be ranked by what is not trained.
                    if (!policy.cuts()) {
                        assertThrows(FinetuneException.class, () -> scorer.tokenLogProbabilities(samples));
                    } else {
                        assertEquals(2, scorer.tokenLogProbabilities(samples).size());
                    }
                }
            }
        }
    }
}
