package org.finetune4j.train;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Sample;
import org.finetune4j.generation.GenerationLimits;
import org.finetune4j.generation.GenerationSettings;
import org.finetune4j.generation.TextListener;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.Precision;
import org.finetune4j.tokenizer.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;

/** Models such as Gemma 3's of text alone, whose tokenizer has a token for images that the embedding has no row for. */
class AddedTokenTest {
    private static final int ROWS = 288;

    @TempDir
    Path folder;

    /** Adds tokens up to the first without a row. */
    private void write() throws IOException {
        SmallModel.write(folder, DataType.FLOAT);
        int tokens;
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            tokens = tokenizer.vocabularySize();
        }
        Path file = folder.resolve(Tokenizer.FILE_NAME);
        ObjectNode json = (ObjectNode) new ObjectMapper().readTree(file.toFile());
        ObjectNode last = (ObjectNode) json.at("/added_tokens/1");
        for (int id = tokens; id <= ROWS; id++) {
            ((ArrayNode) json.get("added_tokens")).add(last.deepCopy().put("id", id)
                    .put("content", "<image" + id + ">"));
        }
        Files.writeString(file, json.toString());
    }

    private List<String> problems(String text) {
        return FineTuning.builder(new BaseModel.Pretrained(folder), DataSource.of("texts",
                        List.of(Sample.document("texts:1", "Turn round"), Sample.document("texts:2", text))), new Sft())
                .train(TrainSettings.builder().maxSteps(1).build()).build().plan().problems();
    }

    @Test
    void isRefusedInASampleAndNotElsewhere() throws IOException {
        write();
        assertEquals(List.of(), problems("abc<image287>"));
        List<String> problems = problems("abc<image288>");
        assertEquals(1, problems.size());
        assertTrue(problems.get(0).contains("texts:2: it holds the token '<image288>' with the id"), problems.get(0));
    }

    @Test
    void isRefusedInAPromptAndNotElsewhere() throws IOException {
        write();
        GenerationSettings settings = GenerationSettings.builder().maxNewTokens(2).build();
        try (ChatModel model = load()) {
            assertEquals(1, model.complete("abc<image287>", settings, TextListener.NONE).size());
            assertTrue(assertThrows(FinetuneException.class, () -> model.complete("abc<image288>", settings,
                    TextListener.NONE)).getMessage().contains("holds token 288"));
        }
        Path config = folder.resolve("config.json");
        Files.writeString(config, Files.readString(config).replaceFirst("\"vocab_size\" *: *288",
                "\"vocab_size\": 100"));
        assertTrue(assertThrows(FinetuneException.class, this::load).getMessage().contains(
                "the tokenizer has 289 tokens, but the model's embedding only 100 rows"));
    }

    private ChatModel load() {
        return ChatModel.load(folder, Precision.F32, "nd4j", GenerationLimits.DEFAULT);
    }
}
