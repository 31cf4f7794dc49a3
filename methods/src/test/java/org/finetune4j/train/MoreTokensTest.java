package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.TextListener;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Demask;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Tokens that a base is given, as card masked-ft wants one where there is no reserved one. */
class MoreTokensTest {
    private static final String EMBEDDING = "model.embed_tokens.weight";
    private static final String HEAD = "lm_head.weight";

    @TempDir
    Path folder;

    /** A model with a head of its own and no row to spare; returns its tokens. */
    private int writeFull(Path base) throws IOException {
        SmallModel.writeUntrained(base, DataType.FLOAT);
        int tokens;
        try (Tokenizer tokenizer = Tokenizer.load(base)) {
            tokens = tokenizer.vocabularySize();
        }
        ModelConfig config = ModelConfig.llama(tokens, 32, 48, 2, 4, 2, 8, 1e-5, 10000, SmallModel.CONTEXT, false, null,
                List.of(), DataType.FLOAT, 0.3);
        Files.writeString(base.resolve(ModelConfig.FILE_NAME), config.toJson());
        try (Nd4jKernels kernels = new Nd4jKernels();
             LanguageModel model = LanguageModel.random(config, Precision.F32, kernels, 11)) {
            SafetensorsWriter.create().write(base.resolve("model.safetensors"), model.baseTensors(), Map.of("format", "pt"));
        }
        return tokens;
    }

    private static void grow(Path base, Path target, String... tokens) {
        try (SavedModel model = SavedModel.open(base, null)) {
            model.saveWithTokens(target, List.of(tokens));
        }
    }

    private static INDArray read(Path model, String name) {
        try (SafetensorsFile file = SafetensorsFile.open(model)) {
            return file.read(name, DataType.FLOAT);
        }
    }

    private static String continued(Path model) {
        GenerationSettings settings = GenerationSettings.builder().maxNewTokens(20).build();
        try (ChatModel chat = ChatModel.load(model, Precision.F32, "nd4j", GenerationLimits.DEFAULT)) {
            return chat.complete("Turn round: ab", settings, TextListener.NONE).get(0).text();
        }
    }

    @Test
    void embeddingAndHeadGrowByTheMeanOfTheOthers() throws IOException {
        Path base = folder.resolve("base");
        int tokens = writeFull(base);
        Path grown = folder.resolve("grown");
        grow(base, grown, "<|mask|>", "<|other|>");
        assertEquals(tokens + 2, ModelConfig.read(grown).vocabularySize());
        try (Tokenizer tokenizer = Tokenizer.load(grown)) {
            assertEquals(tokens + 2, tokenizer.vocabularySize());
            assertEquals(tokens, tokenizer.idOf("<|mask|>").orElseThrow());
            assertTrue(tokenizer.isAddedToken(tokens + 1));
            assertArrayEquals(new int[] {tokens, tokens + 1}, tokenizer.encode("<|mask|><|other|>", false).ids());
        }
        for (String name : List.of(EMBEDDING, HEAD)) {
            INDArray before = read(base, name);
            INDArray after = read(grown, name);
            assertArrayEquals(new long[] {tokens + 2, 32}, after.shape());
            assertEquals(before, after.get(NDArrayIndex.interval(0, tokens), NDArrayIndex.all()));
            for (int row = tokens; row < tokens + 2; row++) {
                assertArrayEquals(before.mean(0).toFloatVector(), after.getRow(row).toFloatVector(), 1e-6f);
            }
        }
        // The logit of a mean is never the largest.
        assertEquals(continued(base), continued(grown));
    }

    /** A base without a token for masks is given one, takes a row that no token has, and is trained with it. */
    @Test
    void aBaseIsGivenItsMaskToken() throws IOException {
        Path base = SmallModel.write(folder.resolve("base"), DataType.FLOAT);
        String refused = assertThrows(FinetuneException.class, () -> restore(base)).getMessage();
        assertTrue(refused.contains("saveWithTokens(folder, \"<|mask|>\")"), refused);
        Path masked = folder.resolve("masked");
        grow(base, masked, "<|mask|>");
        assertEquals(ModelConfig.read(base).vocabularySize(), ModelConfig.read(masked).vocabularySize());
        INDArray before = read(base, EMBEDDING);
        int mask;
        try (Tokenizer tokenizer = Tokenizer.load(masked)) {
            mask = tokenizer.idOf("<|mask|>").orElseThrow();
        }
        INDArray row = read(masked, EMBEDDING).getRow(mask);
        assertArrayEquals(before.get(NDArrayIndex.interval(0, mask), NDArrayIndex.all()).mean(0).toFloatVector(),
                row.toFloatVector(), 1e-6f);
        List<Map<String, String>> reports = restore(masked);
        assertEquals("<|mask|>", reports.get(0).get("mask token"));
        assertTrue(read(folder.resolve("tuned"), EMBEDDING).getRow(mask).distance2(row) > 1e-4, "the new row trains");
    }

    private List<Map<String, String>> restore(Path base) {
        List<Map<String, String>> reports = new ArrayList<>();
        FineTuning job = FineTuning.builder(new BaseModel.Pretrained(base), SmallModel.samples("train", 24, 1), new Sft())
                .train(TrainSettings.builder().maxSteps(4).tokensPerBatch(600).learningRate(0.01).build())
                .batchMethod(new Demask(.5, .5, Demask.Mode.SAMPLE, Demask.Draw.PER_BATCH, "", "?", ":", 0, true)).build();
        try (FineTuned tuned = job.run(new TrainingListener() {
            @Override
            public void selected(Map<String, String> report) {
                reports.add(report);
            }
        })) {
            tuned.save(folder.resolve("tuned"));
        }
        return reports;
    }

    @Test
    void refusesTokensThatCannotBeAdded() {
        Path base = SmallModel.write(folder.resolve("base"), DataType.FLOAT);
        for (String[] wrong : new String[][] {{"<|im_end|>", "is one of the tokenizer's already"}, {" ", "is blank"}}) {
            String message = assertThrows(FinetuneException.class, () -> grow(base, folder.resolve("x"), wrong[0]))
                    .getMessage();
            assertTrue(message.contains("'" + wrong[0] + "' cannot be added: it " + wrong[1]), message);
        }
        assertTrue(assertThrows(FinetuneException.class, () -> grow(base, folder.resolve("x"), "<|a|>", "<|a|>")).getMessage()
                .contains("is given twice"));
        assertTrue(assertThrows(FinetuneException.class, () -> grow(base, folder.resolve("x"))).getMessage()
                .contains("Give at least one"));
        assertTrue(Files.notExists(folder.resolve("x")));
    }
}
