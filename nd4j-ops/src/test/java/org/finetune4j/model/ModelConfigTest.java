package org.finetune4j.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.finetune4j.checkpoint.CheckpointException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;

/** Published configurations, defaults, and everything that must not be ignored. */
class ModelConfigTest {
    private static final Path FILE = Path.of("model", "config.json");
    private static final String SMALL = """
        {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 100, "hidden_size": 64,
         "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4%s}""";

    @TempDir
    Path folder;

    private static ModelConfig parse(String more) {
        return ModelConfig.parse(SMALL.formatted(more), FILE);
    }

    @Test
    void readsAPublishedConfiguration() {
        ModelConfig config = ModelConfig.parse("""
            {"architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 1,
             "eos_token_id": [2, 0], "hidden_act": "silu", "hidden_size": 576, "initializer_range": 0.041666666666666664,
             "intermediate_size": 1536, "is_llama_config": true, "max_position_embeddings": 8192, "model_type": "llama",
             "num_attention_heads": 9, "num_hidden_layers": 30, "num_key_value_heads": 3, "pad_token_id": 2,
             "pretraining_tp": 1, "rms_norm_eps": 1e-05, "rope_interleaved": false, "rope_scaling": null,
             "rope_theta": 100000, "tie_word_embeddings": true, "torch_dtype": "bfloat16", "use_cache": true,
             "vocab_size": 49152}""", FILE);
        ModelConfig same = ModelConfig.llama(49152, 576, 1536, 30, 9, 3, 64, 1e-5, 100_000, 8192, true, 1, List.of(2, 0),
            DataType.BFLOAT16, 0.041666666666666664);
        assertEquals(same.architecture(), config.architecture());
        assertEquals(List.of(same.modelType(), 1, same.eosTokenIds(), same.torchDtype(), same.initializerRange()),
            List.of("llama", config.bosTokenId(), config.eosTokenIds(), config.torchDtype(), config.initializerRange()));
        assertEquals(config, ModelConfig.parse(config.toJson(), FILE));
    }

    @Test
    void usesTheDefaultsOfTheFamily() {
        ModelConfig config = parse("");
        assertEquals(4, config.keyValueHeads());
        assertEquals(16, config.headDimension());
        assertEquals(1e-6, config.architecture().finalNorm().epsilon());
        assertEquals(10_000, theta(config));
        assertEquals(2048, config.maxPositions());
        assertFalse(config.tieWordEmbeddings());
        assertNull(config.bosTokenId());
        assertEquals(List.of(), config.eosTokenIds());
        assertEquals(DataType.FLOAT, config.torchDtype());
        assertEquals(config, ModelConfig.parse(config.toJson(), FILE));
        assertEquals(32, parse(", \"head_dim\": 32").headDimension());
        assertEquals(List.of(7), parse(", \"eos_token_id\": 7").eosTokenIds());
        assertEquals(500_000,
            theta(parse(", \"rope_parameters\": {\"rope_type\": \"default\", \"rope_theta\": 500000.0}")));
        assertEquals(DataType.HALF, parse(", \"dtype\": \"float16\"").torchDtype());
    }

    private static double theta(ModelConfig config) {
        return config.architecture().blocks().get(0).attention().rotary().theta();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "\"hidden_act\": \"mish\" | hidden_act is \"mish\", which changes the model's numbers and is not built",
        "\"attention_bias\": 1 | attention_bias is 1 instead of true or false",
        "\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0} | rope_scaling.low_freq_factor is missing",
        "\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0} | rope_scaling.factor 0 is not positive",
        "\"rope_scaling\": {\"type\": \"spiral\"} | rope_scaling.type is \"spiral\", which changes",
        "\"max_position_embeddings\": 9, \"rope_scaling\": {\"type\": \"su\", \"short_factor\": [1]} | rope_scaling.short_factor is [1] instead of a list",
        "\"rope_parameters\": 3 | rope_parameters is 3 instead of an object",
        "\"rope_interleaved\": true | rope_interleaved is true",
        "\"attention_dropout\": 0.1 | attention_dropout is 0.1",
        "\"pretraining_tp\": 2 | pretraining_tp is 2",
        "\"partial_rotary_factor\": 0.5 | partial_rotary_factor is 0.5",
        "\"sliding_window\": 4096 | sliding_window is 4096",
        "\"torch_dtype\": \"int8\" | torch_dtype says 'int8', known are float32",
        "\"num_key_value_heads\": 3 | num_attention_heads 4 is not a multiple of num_key_value_heads 3",
        "\"num_key_value_heads\": 0 | num_key_value_heads 0 is not positive",
        "\"head_dim\": 15 | head_dim 15 is odd",
        "\"rms_norm_eps\": 0 | rms_norm_eps 0.0 is not between",
        "\"rms_norm_eps\": \"x\" | rms_norm_eps is \"x\" instead of a number",
        "\"rope_theta\": -1 | rope_theta -1.0 is not above 1",
        "\"max_position_embeddings\": 1.5 | max_position_embeddings is 1.5 instead of a whole number",
        "\"max_position_embeddings\": 4294967296 | instead of a whole number",
        "\"tie_word_embeddings\": 1 | tie_word_embeddings is 1 instead of true or false",
        "\"bos_token_id\": 100 | bos_token_id 100 is not a token of the vocabulary of 100",
        "\"eos_token_id\": [1, -1] | eos_token_id -1 is not a token",
        "\"initializer_range\": 0 | initializer_range 0.0 is not positive",
        "\"vocab_size\": 1 | Duplicate field 'vocab_size'"})
    void refusesWhatItCannotHonour(String field, String words) {
        String message = assertThrows(CheckpointException.class, () -> parse(", " + field)).getMessage();
        assertTrue(message.contains(words) && message.startsWith(FILE.toString()), message);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '~', value = {
        "{\"architectures\": [\"T5Model\"], \"model_type\": \"llama\"} | architectures says 'T5Model', known are Bert",
        "{\"model_type\": \"t5\"} | model_type says 't5', known are bert, camembert, gemma,",
        "{} | it names neither architectures nor model_type",
        "{\"model_type\": \"llama\"} | hidden_size is missing",
        "{\"model_type\": \"llama\", \"hidden_size\": 65, \"num_attention_heads\": 4} | hidden_size 65 is not a multiple",
        "{\"model_type\": \"llama\", \"hidden_size\": 64, \"num_attention_heads\": 0} | num_attention_heads 0 is not positive",
        "[1] | it must hold one JSON object",
        "{\"a\" | not valid JSON at line 1"})
    void refusesOtherFiles(String json, String words) {
        String message = assertThrows(CheckpointException.class, () -> ModelConfig.parse(json, FILE)).getMessage();
        assertTrue(message.contains(words), message);
    }

    @Test
    void readsAFolder() throws IOException {
        assertTrue(assertThrows(CheckpointException.class, () -> ModelConfig.read(folder)).getMessage()
            .contains("config.json: there is no such file"));
        Files.writeString(folder.resolve("config.json"), parse("").toJson());
        assertEquals(parse(""), ModelConfig.read(folder));
    }
}
