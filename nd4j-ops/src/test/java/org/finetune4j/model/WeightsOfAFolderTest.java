package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A model folder whose weights do not fit its config.json is refused by the name of the tensor. */
class WeightsOfAFolderTest {
    private static final String ADVICE = ". Check that config.json and the weights belong together.";
    private static final String DOWN = "model.layers.1.mlp.down_proj.weight";

    @TempDir
    Path folder;

    private final Kernels kernels = new Nd4jKernels();
    private final Map<String, INDArray> weights = new LinkedHashMap<>();

    @BeforeEach
    void draw() {
        try (LanguageModel model = LanguageModel.random(TestModels.config(true), Precision.F32, kernels, 7)) {
            model.baseTensors().forEach((name, array) -> weights.put(name, array.dup()));
        }
    }

    @AfterEach
    void close() {
        kernels.close();
    }

    @Test
    void whatWasWrittenIsLoaded() throws IOException {
        write(TestModels.config(true));
        try (LanguageModel loaded = LanguageModel.load(folder, Precision.F32, kernels)) {
            assertEquals(weights, loaded.baseTensors());
        }
    }

    @Test
    void aMissingTensorIsNamed() throws IOException {
        weights.remove(DOWN);
        write(TestModels.config(true));
        assertRefused("tensor '" + DOWN + "' of shape [24, 20] is missing from the weights" + ADVICE);
    }

    @Test
    void aMissingHeadIsNamedWhereTheConfigurationDoesNotTieIt() throws IOException {
        write(TestModels.config(false));
        assertRefused("tensor 'lm_head.weight' of shape [37, 24] is missing from the weights" + ADVICE);
    }

    @Test
    void aTensorOfAnotherShapeIsNamedWithBothShapes() throws IOException {
        weights.put(DOWN, weights.get(DOWN).transpose().dup('c'));
        write(TestModels.config(true));
        assertRefused("tensor '" + DOWN + "' has shape [20, 24], but config.json asks for [24, 20]" + ADVICE);
    }

    @Test
    void leftOverTensorsAreNamedUpToFive() throws IOException {
        for (int i = 0; i < 5; i++) {
            weights.put("extra." + i, Nd4j.ones(DataType.FLOAT, 2));
        }
        write(TestModels.config(true));
        String five = "the weights hold tensors that a model of this config.json does not have: "
                + "'extra.0' of shape [2], 'extra.1' of shape [2], 'extra.2' of shape [2], 'extra.3' of shape [2], "
                + "'extra.4' of shape [2]";
        assertRefused(five + ADVICE);
        weights.put("extra.5", Nd4j.ones(DataType.FLOAT, 2));
        weights.put("extra.6", Nd4j.ones(DataType.FLOAT, 2));
        write(TestModels.config(true));
        assertRefused(five + " and 2 more" + ADVICE);
    }

    @Test
    void aCopyOfATiedHeadAndOldFrequencyTablesAreNoLeftOvers() throws IOException {
        weights.put("lm_head.weight", weights.get("model.embed_tokens.weight"));
        weights.put("model.layers.0.self_attn.rotary_emb.inv_freq", Nd4j.ones(DataType.FLOAT, 3));
        write(TestModels.config(true));
        try (LanguageModel loaded = LanguageModel.load(folder, Precision.F32, kernels)) {
            assertEquals(weights.size() - 2, loaded.baseTensors().size());
        }
    }

    @Test
    void aTiedWeightMayStandUnderTheHeadsName() throws IOException {
        INDArray shared = weights.remove("model.embed_tokens.weight");
        weights.put("lm_head.weight", shared);
        write(TestModels.config(true));
        try (LanguageModel loaded = LanguageModel.load(folder, Precision.F32, kernels)) {
            assertEquals(shared, loaded.baseTensors().get("model.embed_tokens.weight"));
        }
        weights.remove("lm_head.weight");
        write(TestModels.config(true));
        assertRefused("tensor 'model.embed_tokens.weight' of shape [37, 24] is missing from the weights" + ADVICE);
    }

    @Test
    void aTiedHeadThatDiffersFromTheEmbeddingIsRefused() throws IOException {
        weights.put("lm_head.weight", weights.get("model.embed_tokens.weight").add(1e-6));
        write(TestModels.config(true));
        assertRefused("config.json says that the head uses the embedding's weights (tie_word_embeddings is true), but the "
                + "weights hold both and they differ, so that one would be lost. Set tie_word_embeddings to false to use "
                + "both, or remove lm_head.weight.");
        write(TestModels.config(false));
        try (LanguageModel loaded = LanguageModel.load(folder, Precision.F32, kernels)) {
            assertEquals(weights, loaded.baseTensors());
        }
    }

    @Test
    void loadingTellsHowItGoesOn() throws IOException {
        write(TestModels.config(true));
        List<Long> heard = new ArrayList<>();
        long total = weights.values().stream().mapToLong(INDArray::length).sum();
        LanguageModel.load(folder, Precision.F32, FrozenWeights.AS_ACTIVATIONS, kernels, (done, all) -> {
            assertEquals(total, all);
            heard.add(done);
        }).close();
        assertEquals(weights.size(), heard.size());
        assertEquals(total, heard.get(heard.size() - 1));
    }

    private void write(ModelConfig config) throws IOException {
        Files.writeString(folder.resolve(ModelConfig.FILE_NAME), config.toJson());
        SafetensorsWriter.create().write(folder.resolve(SafetensorsFile.FILE_NAME), weights, Map.of());
    }

    private void assertRefused(String message) {
        assertEquals(folder + ": " + message, assertThrows(FinetuneException.class,
                () -> LanguageModel.load(folder, Precision.F32, kernels)).getMessage());
    }
}
