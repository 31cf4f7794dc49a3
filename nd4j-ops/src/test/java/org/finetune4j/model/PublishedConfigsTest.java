package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.model.family.ConfigFields;
import org.finetune4j.model.family.Families;
import org.finetune4j.model.family.Family;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The config.json of published models: what is read, how many weights that makes, and what is refused. */
class PublishedConfigsTest {
    private static final Path FILE = Path.of("model", "config.json");

    static Stream<String> models() throws IOException {
        List<String> names = new ArrayList<>();
        all().fieldNames().forEachRemaining(names::add);
        return names.stream();
    }

    private static JsonNode all() throws IOException {
        return StrictJson.mapper().readTree(PublishedConfigsTest.class.getResourceAsStream("/families/published.json"));
    }

    @ParameterizedTest
    @MethodSource("models")
    void theWeightsAreAsManyAsPublished(String name) throws IOException {
        JsonNode model = all().get(name);
        ModelConfig config = ModelConfig.parse(model.get("config").toString(), FILE);
        assertEquals(model.get("weights").longValue(), ModelShapes.parameterCount(config));
        assertEquals(config, ModelConfig.parse(config.toJson(), FILE));
    }

    @Test
    void everyFamilyHasAPublishedModelHere() throws IOException {
        List<String> missing = new ArrayList<>();
        Families.all().forEach(family -> missing.add(family.modelTypes().get(0)));
        for (JsonNode model : all()) {
            missing.remove(ModelConfig.parse(model.get("config").toString(), FILE).modelType());
        }
        assertEquals(List.of(), missing);
    }

    @Test
    void everyNameLeadsToItsFamily() {
        for (Family family : Families.all()) {
            family.architectures().forEach(name -> {
                ObjectNode root = StrictJson.mapper().createObjectNode();
                root.putArray("architectures").add(name);
                assertEquals(family, Families.of(new ConfigFields(root)));
            });
            family.modelTypes().forEach(name -> assertEquals(family,
                    Families.of(new ConfigFields(StrictJson.mapper().createObjectNode().put("model_type", name)))));
            assertEquals(family, Families.called(family.modelTypes().get(0)));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "gemma-3-1b-it | use_bidirectional_attention | true | use_bidirectional_attention is true, which changes",
        "gemma-2b | use_bidirectional_attention | true | use_bidirectional_attention is true, which changes",
        "gemma-2b | hidden_act | \"silu\" | hidden_act is \"silu\", which changes",
        "gemma-2-2b | use_bidirectional_attention | true | use_bidirectional_attention is true, which changes",
        "gemma-2-2b | layer_types | [\"full_attention\"] | instead of a list of 26 types, one for each layer",
        "gpt2 | scale_attn_by_inverse_layer_idx | true | scale_attn_by_inverse_layer_idx is true",
        "gpt2 | n_head | 7 | n_embd 768 is not a multiple of n_head 7",
        "gpt2 | activation_function | \"mish\" | activation_function is \"mish\"",
        "pythia-70m | rotary_pct | 0.01 | the rotary part of a head, 0, is not from 2 to head_dim 64",
        "pythia-70m | rotary_pct | 0.05 | the rotary part of a head, 3 is odd",
        "Phi-3-mini-128k-instruct | attention_bias | true | attention_bias is true",
        "Qwen2.5-0.5B | num_key_value_heads | 3 | num_attention_heads 14 is not a multiple of num_key_value_heads 3",
        "Qwen2.5-0.5B | layer_types | [\"linear_attention\"] | instead of a list of 24 types",
        "SmolLM3-3B | no_rope_layers | [1, 0] | no_rope_layers is [1,0] instead of a list of 36 numbers",
        "Mixtral-8x7B-v0.1 | router_jitter_noise | 0.1 | router_jitter_noise is 0.1",
        "Mixtral-8x7B-v0.1 | num_experts_per_tok | 9 | num_experts_per_tok 9 is more than the experts, 8",
        "bert-base-uncased | position_embedding_type | \"relative_key\" | position_embedding_type is \"relative_key\"",
        "Llama-3.2-1B | partial_rotary_factor | 0.5 | partial_rotary_factor is 0.5",
        "Llama-3.2-1B | rope_scaling | {\"rope_type\": \"mrope\"} | rope_scaling.rope_type is \"mrope\""})
    void whatIsNotBuiltIsRefusedByName(String name, String field, String value, String words) throws IOException {
        ObjectNode config = (ObjectNode) all().get(name).get("config");
        config.set(field, StrictJson.mapper().readTree(value));
        String message = assertThrows(CheckpointException.class,
                () -> ModelConfig.parse(config.toString(), FILE)).getMessage();
        assertTrue(message.startsWith(FILE + ": ") && message.contains(words), message);
    }

    @Test
    void mistralsWindowIsThatOfItsFirstModelWhereNothingSaysIt() throws IOException {
        ObjectNode config = (ObjectNode) all().get("Mistral-7B-v0.1").get("config");
        assertEquals(4096, window(config));
        config.remove("sliding_window");
        assertEquals(4096, window(config));
        config.putNull("sliding_window");
        assertEquals(0, window(config));
    }

    private static int window(ObjectNode config) {
        return windows(config).get(0);
    }

    private static List<Integer> windows(ObjectNode config) {
        return ModelConfig.parse(config.toString(), FILE).architecture().blocks().stream()
                .map(block -> block.attention().shape().scores().window()).toList();
    }

    @Test
    void everyOtherLayerOfAQwen2MixtureHasAWindow() throws IOException {
        ObjectNode config = (ObjectNode) all().get("Qwen1.5-MoE-A2.7B").get("config");
        config.put("use_sliding_window", true).put("sliding_window", 100).put("max_window_layers", 4);
        config.put("num_hidden_layers", 6);
        assertEquals(List.of(100, 0, 100, 0, 0, 0), windows(config));
    }

    @ParameterizedTest
    @ValueSource(strings = {"Qwen2.5-0.5B", "Qwen3-0.6B", "Qwen1.5-MoE-A2.7B", "Qwen3-30B-A3B"})
    void aWindowThatIsNullIsNone(String name) throws IOException {
        ObjectNode config = (ObjectNode) all().get(name).get("config");
        config.put("use_sliding_window", true).put("max_window_layers", 1).put("sliding_window", 100);
        assertTrue(windows(config).contains(100), "it has windows otherwise");
        config.putNull("sliding_window");
        assertEquals(List.of(0), windows(config).stream().distinct().toList());
        config.remove("sliding_window");
        assertTrue(windows(config).contains(4096), "it has the family's where nothing says it");
    }

    @Test
    void expertsAreCountedUnderTheNewerNameToo() throws IOException {
        ObjectNode config = (ObjectNode) all().get("Qwen3-30B-A3B").get("config");
        config.put("num_experts", 16);
        ModelConfig old = ModelConfig.parse(config.toString(), FILE);
        config.set("num_local_experts", config.remove("num_experts"));
        assertEquals(old.architecture(), ModelConfig.parse(config.toString(), FILE).architecture());
    }

    @ParameterizedTest
    @ValueSource(strings = {"Mistral-7B-v0.1", "Mixtral-8x7B-v0.1", "Qwen2.5-0.5B", "SmolLM3-3B"})
    void asManyKeysAsQueriesWhereTheirNumberIsNull(String name) throws IOException {
        ObjectNode config = (ObjectNode) all().get(name).get("config");
        config.putNull("num_key_value_heads");
        assertEquals(config.get("num_attention_heads").intValue(), ModelConfig.parse(config.toString(), FILE).keyValueHeads());
    }

    @Test
    void phi3WasPretrainedWith4096TokensWhereNothingSaysIt() throws IOException {
        ObjectNode config = (ObjectNode) all().get("Phi-3-mini-128k-instruct").get("config");
        ModelConfig said = ModelConfig.parse(config.toString(), FILE);
        config.remove("original_max_position_embeddings");
        assertEquals(said.architecture(), ModelConfig.parse(config.toString(), FILE).architecture());
    }

    @ParameterizedTest
    @CsvSource({"gelu,", "gelu_pytorch_tanh,", ",", "silu,gelu_pytorch_tanh"})
    void gemmasFirstFilesMeanTheTanhForm(@Nullable String act, @Nullable String activation) throws IOException {
        ObjectNode config = (ObjectNode) all().get("gemma-2b").get("config");
        ModelConfig published = ModelConfig.parse(config.toString(), FILE);
        config.put("hidden_act", act).put("hidden_activation", activation);
        assertEquals(published.architecture(), ModelConfig.parse(config.toString(), FILE).architecture());
    }
}
