package org.finetune4j.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.tokenizer.Tokenizer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The tiny model as a GGUF file, read back by a reader of the specification. */
class GgufExportTest {
    private static final Path MODEL = Path.of("..", "samples", "models", "tiny");

    @TempDir
    Path folder;

    private Path export(GgufType type) {
        Path file = folder.resolve("tiny." + type + ".gguf");
        GgufExport.write(MODEL, file, type, AtomicFiles.onDisk());
        return file;
    }

    /** Where llama.cpp keeps row {@code r} of a matrix of heads: neighbouring rows turn together. */
    private static int row(int r, int headWidth) {
        int inHead = r % headWidth;
        return r / headWidth * headWidth + (inHead < headWidth / 2 ? 2 * inHead : 2 * (inHead - headWidth / 2) + 1);
    }

    @ParameterizedTest
    @EnumSource(GgufType.class)
    void everyTensorIsThereWithItsValues(GgufType type) {
        GgufReader read = new GgufReader(export(type));
        try (SafetensorsFile original = SafetensorsFile.open(MODEL)) {
            assertEquals(original.names().size(), read.tensors.size());
            for (String name : original.names()) {
                String own = GgufNames.llama().of(name);
                INDArray expected = original.read(name, DataType.FLOAT);
                GgufReader.Tensor tensor = read.tensors.get(own);
                int rows = (int) expected.size(0);
                int width = expected.rank() == 1 ? 1 : (int) expected.size(1);
                assertArrayEquals(expected.rank() == 1 ? new long[] {rows} : new long[] {width, rows}, tensor.shape(), own);
                assertEquals(expected.rank() == 1 ? 0 : type.id(), tensor.type(), own);
                float[] wanted = expected.ravel().toFloatVector();
                float[] got = tensor.values();
                boolean turned = name.contains("q_proj") || name.contains("k_proj");
                for (int i = 0; i < wanted.length; i++) {
                    int place = turned ? row(i / width, 32) * width + i % width : i;
                    // The weights are stored in BF16, whose numbers are exact in F32 and BF16.
                    double allowed = tensor.type() == 1 ? Math.abs(wanted[i]) * 0x1p-11 + 0x1p-25
                            : tensor.type() == 8 ? step(wanted, i) * 0.5005 + 1e-9 : 0;
                    assertEquals(wanted[i], got[place], allowed, own + " " + i);
                }
            }
        }
    }

    /** The step of a block of 32 values. */
    private static double step(float[] values, int index) {
        double largest = 0;
        for (int i = index / 32 * 32; i < index / 32 * 32 + 32; i++) {
            largest = Math.max(largest, Math.abs(values[i]));
        }
        // The step itself is rounded to 11 bits, which moves 127 of them by a sixteenth of a step.
        return largest / 127 * (1 + 127 * 0x1p-11 * 2);
    }

    @Test
    void metadataTellsTheShape() {
        Map<String, Object> metadata = new GgufReader(export(GgufType.Q8_0)).metadata;
        Map<String, Object> expected = Map.ofEntries(Map.entry("general.architecture", "llama"),
                Map.entry("general.name", "tiny"), Map.entry("general.file_type", 7), Map.entry("llama.vocab_size", 1024),
                Map.entry("llama.context_length", 512), Map.entry("llama.embedding_length", 192),
                Map.entry("llama.block_count", 6), Map.entry("llama.feed_forward_length", 512),
                Map.entry("llama.attention.head_count", 6), Map.entry("llama.attention.head_count_kv", 2),
                Map.entry("llama.attention.key_length", 32), Map.entry("llama.rope.dimension_count", 32),
                Map.entry("llama.attention.layer_norm_rms_epsilon", 1e-5f), Map.entry("llama.rope.freq_base", 10000f));
        expected.forEach((key, value) -> assertEquals(value, metadata.get(key), key));
    }

    @Test
    void tokenizerAndTemplateTravelAlong() throws IOException {
        Map<String, Object> metadata = new GgufReader(export(GgufType.F16)).metadata;
        JsonNode json = new ObjectMapper().readTree(MODEL.resolve("tokenizer.json").toFile());
        assertEquals("gpt2", metadata.get("tokenizer.ggml.model"));
        assertEquals("smollm", metadata.get("tokenizer.ggml.pre"));
        List<?> tokens = (List<?>) metadata.get("tokenizer.ggml.tokens");
        List<?> types = (List<?>) metadata.get("tokenizer.ggml.token_type");
        assertEquals(1024, tokens.size());
        assertEquals(1024, types.size());
        json.at("/model/vocab").properties().forEach(entry ->
                assertEquals(entry.getKey(), tokens.get(entry.getValue().asInt())));
        assertEquals(List.of(3, 3, 1, 1), types.subList(0, 4), "<|im_start|> and <|im_end|> are control tokens");
        List<?> merges = (List<?>) metadata.get("tokenizer.ggml.merges");
        assertEquals(json.at("/model/merges").size(), merges.size());
        assertTrue(merges.stream().allMatch(merge -> ((String) merge).split(" ").length == 2));
        assertEquals(1, metadata.get("tokenizer.ggml.eos_token_id"));
        assertEquals(false, metadata.get("tokenizer.ggml.add_bos_token"));
        assertEquals(false, metadata.get("tokenizer.ggml.add_eos_token"));
        assertFalse(metadata.containsKey("tokenizer.ggml.bos_token_id"));
        try (Tokenizer tokenizer = Tokenizer.load(MODEL)) {
            assertEquals(tokenizer.chatTemplateSource(), metadata.get("tokenizer.chat_template"));
        }
    }

    @Test
    void anAddedTokenWithoutARowIsLeftOut() throws IOException {
        for (String file : List.of("config.json", "tokenizer_config.json", "model.safetensors")) {
            Files.copy(MODEL.resolve(file), folder.resolve(file));
        }
        ObjectNode json = (ObjectNode) new ObjectMapper().readTree(MODEL.resolve("tokenizer.json").toFile());
        ObjectNode image = ((ObjectNode) json.at("/added_tokens/1")).deepCopy().put("id", 1024).put("content", "<image>");
        ((ArrayNode) json.get("added_tokens")).add(image);
        Files.writeString(folder.resolve("tokenizer.json"), json.toString());
        Path file = folder.resolve("x.gguf");
        GgufExport.write(folder, file, GgufType.F16, AtomicFiles.onDisk());
        assertEquals(new GgufReader(export(GgufType.F16)).metadata.get("tokenizer.ggml.tokens"),
                new GgufReader(file).metadata.get("tokenizer.ggml.tokens"));
    }

    /** {@code read_gguf.py} read these very bytes with NumPy and compared them with the safetensors: see the file. */
    @ParameterizedTest
    @EnumSource(GgufType.class)
    void theBytesAreThoseThatTheScriptFoundRight(GgufType type) throws Exception {
        JsonNode verified = new ObjectMapper().readTree(GgufExportTest.class.getResource("/gguf/verified.json"));
        assertEquals(verified.get(type.name()).get("sha256").asText(), HexFormat.of().formatHex(
                MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(export(type)))));
    }

    @Test
    void whatLlamaCppDoesNotKnowIsRefusedByName() throws IOException {
        for (Path file : List.of(Path.of("config.json"), Path.of("tokenizer.json"), Path.of("tokenizer_config.json"))) {
            Files.copy(MODEL.resolve(file), folder.resolve(file));
        }
        Map<String, INDArray> weights = Map.of("model.layers.0.self_attn.strange.weight", Nd4j.ones(DataType.FLOAT, 2, 2));
        SafetensorsWriter.create().write(folder.resolve("model.safetensors"), weights, Map.of());
        assertTrue(refusal().contains("llama.cpp has no name for tensor 'model.layers.0.self_attn.strange.weight' in llama"));
        SafetensorsWriter.create().write(folder.resolve("model.safetensors"),
                Map.of("model.norm.weight", Nd4j.createFromArray(1f, Float.NaN)), Map.of());
        assertTrue(refusal().contains("tensor 'output_norm.weight' has the value NaN at element 1"));
        String config = Files.readString(folder.resolve("config.json"));
        Files.writeString(folder.resolve("config.json"), config.replace("LlamaForCausalLM", "MambaForCausalLM"));
        assertTrue(refusal().contains("'MambaForCausalLM'") && refusal().contains("Gemma3ForCausalLM"));
        Files.writeString(folder.resolve("config.json"), config.replace("\"rope_theta\"",
                "\"rope_scaling\": {\"rope_type\": \"dynamic\", \"factor\": 2.0}, \"rope_theta\""));
        assertTrue(refusal().contains("rope_scaling is of type 'dynamic'"));
        Files.writeString(folder.resolve("config.json"), config);
        String tokenizer = Files.readString(folder.resolve("tokenizer.json"));
        Files.writeString(folder.resolve("tokenizer.json"), tokenizer.replace("\"individual_digits\" : true",
                "\"individual_digits\" : false"));
        assertTrue(refusal().contains("its pre_tokenizer is none that"));
        try (var left = Files.list(folder)) {
            assertEquals(0, left.filter(file -> file.toString().contains(".gguf")).count(), "nothing is left behind");
        }
    }

    private String refusal() {
        return assertThrows(CheckpointException.class, () -> GgufExport.write(folder, folder.resolve("x.gguf"),
                GgufType.F16, AtomicFiles.onDisk())).getMessage();
    }
}
