package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.PendingTensor;
import org.finetune4j.data.Example;
import org.finetune4j.data.TextEncoding;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

class SavedModelCheckTest {
    @TempDir
    Path folder;

    private static List<PendingTensor> weights(LanguageModel model) {
        return model.baseTensors().entrySet().stream().map(entry -> PendingTensor.of(entry.getKey(), entry.getValue()))
                .toList();
    }

    private static List<Example> samples(Path model) {
        try (Tokenizer tokenizer = Tokenizer.load(model)) {
            TextEncoding encoding = new TextEncoding(tokenizer, null);
            return SmallModel.samples("probe", 3, 1).samples().stream().map(encoding::encode).toList();
        }
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"FLOAT", "HALF", "BFLOAT16"})
    void acceptsRoundingAndRefusesMore(DataType stored) {
        SmallModel.write(folder, stored);
        SavedModelCheck check = new SavedModelCheck(folder, folder, StoredTypes.all(stored));
        try (Kernels kernels = new OneDnnKernels();
             LanguageModel model = LanguageModel.random(SmallModel.writeUntrained(folder, stored), Precision.F32, kernels, 11)) {
            check.requireSameWeights(weights(model));
            check.requireSameProbabilities(model, samples(folder));
            INDArray weight = model.baseTensors().get("model.layers.1.mlp.up_proj.weight");
            weight.putScalar(7, weight.getFloat(7) * 1.01f);
            assertTrue(assertThrows(FinetuneException.class, () -> check.requireSameWeights(weights(model))).getMessage()
                    .contains("tensor 'model.layers.1.mlp.up_proj.weight' reads back with other values"));
        }
    }

    /** The broken variant of merging: the base is saved instead of the base with its adapter. */
    @Test
    void refusesAModelWithoutWhatTheAdapterLearned() {
        SmallModel.write(folder, DataType.FLOAT);
        try (Kernels kernels = new OneDnnKernels();
             LanguageModel tuned = LanguageModel.load(folder, Precision.F32, kernels)) {
            tuned.attach(new Lora(4), 1);
            SavedModelCheck check = new SavedModelCheck(folder, folder, StoredTypes.all(DataType.FLOAT));
            // An adapter at its start is no change.
            check.requireSameProbabilities(tuned, samples(folder));
            tuned.parameters().flat().addi(0.02);
            tuned.parameters().mastersChanged();
            assertTrue(assertThrows(FinetuneException.class, () -> check.requireSameProbabilities(tuned, samples(folder)))
                    .getMessage().contains("the log-probabilities of the saved model differ by"));
        }
    }
}
