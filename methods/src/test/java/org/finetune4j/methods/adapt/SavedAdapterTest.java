package org.finetune4j.methods.adapt;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What PEFT's files may say: how layers are matched, and what is refused by its name. */
class SavedAdapterTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String QUERY = "model.layers.1.self_attn.q_proj";

    @TempDir
    Path folder;

    private final Map<String, long[]> layers = new LinkedHashMap<>();
    private final Map<String, INDArray> weights = new LinkedHashMap<>();
    private ObjectNode config;

    @BeforeEach
    void plain() throws IOException {
        for (int layer = 0; layer < 12; layer++) {
            for (String module : List.of("self_attn.q_proj", "mlp.down_proj")) {
                layers.put("model.layers." + layer + "." + module, new long[] {6, 8});
            }
        }
        config = (ObjectNode) JSON.readTree("""
                {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 4, "target_modules": ["layers.1.self_attn.q_proj"],
                 "bias": "none", "inference_mode": true, "peft_version": "0.17.1", "modules_to_save": null, "rank_pattern": {}}
                """);
        weights.put("base_model.model." + QUERY + ".lora_A.weight", Nd4j.rand(DataType.FLOAT, 2, 8));
        weights.put("base_model.model." + QUERY + ".lora_B.weight", Nd4j.rand(DataType.FLOAT, 6, 2));
    }

    private void check() throws IOException {
        Files.writeString(folder.resolve("adapter_config.json"), config.toString());
        SafetensorsWriter.create().write(folder.resolve("adapter_model.safetensors"), weights, Map.of());
        new SavedAdapter(folder.toString()).requireFits(layers);
    }

    private String refusal() {
        return assertThrows(CheckpointException.class, this::check).getMessage();
    }

    private List<String> sites(String fields) throws IOException {
        ((ObjectNode) JSON.readTree(fields)).properties().forEach(field -> config.set(field.getKey(), field.getValue()));
        PeftSites sites = new PeftSites(config, folder);
        return layers.keySet().stream().filter(site -> sites.rank(site) > 0)
                .map(site -> site.replaceAll("model.layers.(\\d+).*\\.(.)_?.*", "$1$2") + sites.rank(site)
                        + (sites.alpha(site) == 4 ? "" : "a" + sites.alpha(site))).toList();
    }

    @Test
    void aPlainAdapterFits() throws IOException {
        check();
    }

    @Test
    void aRankMayBeLargerThanALayer() throws IOException {
        config.put("r", 10);
        INDArray down = Nd4j.createFromArray(new float[80]).addi(0.5).reshape(10, 8);
        INDArray up = Nd4j.createFromArray(new float[60]).addi(0.25).reshape(6, 10);
        weights.put("base_model.model." + QUERY + ".lora_A.weight", down);
        weights.put("base_model.model." + QUERY + ".lora_B.weight", up);
        check();
        INDArray merged = new SavedAdapter(folder.toString()).merged(QUERY, Nd4j.ones(DataType.FLOAT, 6, 8),
                name -> name.equals(LowRank.DOWN) ? down : up);
        assertEquals(Nd4j.valueArrayOf(new long[] {6, 8}, 1 + 0.4 * 10 * 0.5 * 0.25, DataType.FLOAT), merged);
    }

    @Test
    void layersAreMatchedAsPeftDoes() throws IOException {
        assertEquals(List.of("1q2"), sites("{}"), "an end of a path, not layers.11");
        assertEquals(24, sites("{\"target_modules\": \"all-linear\"}").size());
        assertEquals(List.of("3d2", "11d2"), sites("{\"target_modules\": \".*layers\\\\.(3|11)\\\\.mlp\\\\..*\"}"));
        assertEquals(List.of(), sites("{\"target_modules\": \"q_proj\"}"), "an expression is for the whole path");
        assertEquals(List.of("2q2", "2d2", "10q2", "10d2"), sites("{\"target_modules\": [\"q_proj\", \"down_proj\"], "
                + "\"layers_to_transform\": [2, 10]}"));
        assertEquals(List.of("5q2", "5d2"), sites("{\"layers_to_transform\": 5, \"layers_pattern\": \"layers\"}"));
        assertEquals(List.of(), sites("{\"layers_pattern\": [\"blocks\"]}"));
        assertEquals(List.of("5d2"), sites("{\"layers_pattern\": [], \"exclude_modules\": [\"q_proj\"]}"));
        assertEquals(List.of("5q2"), sites("{\"exclude_modules\": \".*down.*\"}"));
        assertEquals(List.of("5q3a9.5", "5d2a7.0"), sites("{\"exclude_modules\": null, \"rank_pattern\": {\"q_proj\": 3}, "
                + "\"alpha_pattern\": {\".*5.self_attn.*\": 9.5, \"mlp\\\\.down_proj\": 7, \"_proj\": 1}}"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
        "{'peft_type': 'IA3'} | peft_type is 'IA3'",
        "{'task_type': 'SEQ_CLS'} | task_type is 'SEQ_CLS'",
        "{'modules_to_save': ['lm_head']} | 'modules_to_save' is ['lm_head']",
        "{'bias': 'lora_only'} | 'bias' is 'lora_only'",
        "{'lora_bias': true} | 'lora_bias' is true",
        "{'trainable_token_indices': [3]} | 'trainable_token_indices'",
        "{'layer_replication': [[0, 4]]} | 'layer_replication'",
        "{'use_qalora': true} | 'use_qalora'",
        "{'a_field_of_tomorrow': 1} | 'a_field_of_tomorrow' is 1",
        "{'init_lora_weights': 'pissa_niter_16'} | init_lora_weights is 'pissa_niter_16'",
        "{'r': 0} | r must be",
        "{'r': 2.5} | r must be a whole number",
        "{'lora_alpha': 'much'} | lora_alpha must be a number above 0",
        "{'lora_dropout': 1} | lora_dropout is 1",
        "{'target_modules': null} | target_modules must be",
        "{'target_modules': '(('} | not a regular expression",
        "{'rank_pattern': {'q': -1}} | rank_pattern.q must be",
        "{'layers_to_transform': ['x']} | layers_to_transform must be",
    })
    void whatIsNotSupportedIsRefusedByName(String fields, String expected) throws IOException {
        ((ObjectNode) JSON.readTree(fields.replace('\'', '"'))).properties()
                .forEach(field -> config.set(field.getKey(), field.getValue()));
        String message = refusal();
        assertTrue(message.replace('"', '\'').contains(expected), message);
    }

    @Test
    void tensorsThatDoNotFitAreNamed() {
        INDArray down = weights.remove("base_model.model." + QUERY + ".lora_A.weight");
        assertTrue(refusal().contains("'base_model.model." + QUERY + ".lora_A.weight' of shape [2, 8] is missing"));
        weights.put("base_model.model." + QUERY + ".lora_A.default.weight", down);
        assertTrue(assertThrows(FinetuneException.class, () -> {
            config.put("r", 1);
            check();
        }).getMessage().contains("has the shape [2, 8], but rank and base model ask for [1, 8]"));
        config.put("r", 2);
        weights.put("base_model.model.model.embed_tokens.lora_embedding_A", Nd4j.rand(DataType.FLOAT, 2, 8));
        String message = refusal();
        assertTrue(message.contains("[model.embed_tokens.lora_embedding_A]") && message.contains("embeddings"), message);
    }

    @Test
    void aPickleIsRefusedWithTheMend() throws IOException {
        Files.writeString(folder.resolve("adapter_config.json"), config.toString());
        Files.write(folder.resolve("adapter_model.bin"), new byte[] {1, 2, 3});
        String message = assertThrows(CheckpointException.class, () -> new SavedAdapter(folder.toString())
                .requireFits(layers)).getMessage();
        assertTrue(message.contains("adapter_model.bin") && message.contains("can run code") && message.contains("python"),
                message);
    }
}
