package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.nio.file.Files;
import java.nio.file.Path;
import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RebasedModelTest {
    private static final Path TINY = Path.of("../samples/models/tiny");

    @Test
    void theFolderIsAModelForLongerTexts(@TempDir Path folder) throws Exception {
        Path longer = folder.resolve("longer");
        RebasedModel.write(TINY, 4, longer);
        assertEquals(2048, ModelConfig.read(longer).maxPositions());
        assertEquals(-1, Files.mismatch(TINY.resolve("model.safetensors"), longer.resolve("model.safetensors")));
        try (OneDnnKernels kernels = new OneDnnKernels(); Tokenizer tokenizer = Tokenizer.load(longer);
             LanguageModel model = LanguageModel.load(longer, Precision.F32, kernels)) {
            assertEquals(ModelConfig.read(longer), model.config());
            assertEquals(1024, tokenizer.vocabularySize());
        }
        RebasedModel.write(TINY, 4, longer);
        assertThrows(FinetuneException.class, () -> RebasedModel.write(TINY, 2, longer), "another model is there");
        assertThrows(FinetuneException.class, () -> RebasedModel.write(TINY, 0, folder.resolve("none")));
    }
}
