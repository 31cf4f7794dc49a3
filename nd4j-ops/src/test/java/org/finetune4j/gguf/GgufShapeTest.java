package org.finetune4j.gguf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.model.ModelConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Metadata of configurations as Hugging Face's files have them, in the old spelling and in the new one. */
class GgufShapeTest {
    private static final String GEMMA_2 = "{'architectures': ['Gemma2ForCausalLM'], 'model_type': 'gemma2', "
            + "'hidden_size': 64, 'num_hidden_layers': 4, 'num_attention_heads': 2, 'num_key_value_heads': 1";
    private static final String GEMMA_3 = GEMMA_2.replace("Gemma2", "Gemma3").replace("gemma2", "gemma3_text")
            .replace("'num_hidden_layers': 4", "'num_hidden_layers': 7");
    private static final String LLAMA = "{'architectures': ['LlamaForCausalLM'], 'model_type': 'llama', "
            + "'hidden_size': 64, 'intermediate_size': 96, 'num_hidden_layers': 2, 'num_attention_heads': 2, "
            + "'vocab_size': 100, 'max_position_embeddings': 4096";
    private static final String PHI_3 = LLAMA.replace("Llama", "Phi3").replace("llama", "phi3")
            + ", 'original_max_position_embeddings': 2048";

    @TempDir
    Path folder;

    private static ModelConfig config(String json) {
        return ModelConfig.parse((json + "}").replace('\'', '"'), Path.of("config.json"));
    }

    private Map<String, Object> metadata(GgufFamily family, String json) {
        GgufMetadata metadata = new GgufMetadata();
        GgufShape.describe(family, config(json), Path.of("config.json"), metadata);
        Path file = folder.resolve("x.gguf");
        AtomicFiles.onDisk().write(file, channel -> GgufWriter.write(channel, file, metadata, List.of()));
        return new GgufReader(file).metadata;
    }

    private String refusal(GgufFamily family, String json) {
        return assertThrows(CheckpointException.class, () -> metadata(family, json)).getMessage();
    }

    @Test
    void positionsOfEveryTypeOfLayerAreRead() {
        Map<String, Object> metadata = metadata(GgufFamily.GEMMA3, GEMMA_3 + ", 'query_pre_attn_scalar': 256, "
                + "'rope_parameters': {'full_attention': {'rope_type': 'linear', 'factor': 8.0, 'rope_theta': 500000.0}, "
                + "'sliding_attention': {'rope_type': 'default', 'rope_theta': 10000.0}}");
        assertEquals(500000f, metadata.get("gemma3.rope.freq_base"));
        assertEquals("linear", metadata.get("gemma3.rope.scaling.type"));
        assertEquals(8f, metadata.get("gemma3.rope.scaling.factor"));
        assertEquals(256, metadata.get("gemma3.attention.key_length"), "Gemma's default, not hidden size over heads");
        assertEquals(4096, metadata.get("gemma3.attention.sliding_window"));
    }

    @Test
    void partOfAHeadAndBaseStandInRopeParametersToo() {
        String neox = "{'architectures': ['GPTNeoXForCausalLM'], 'model_type': 'gpt_neox', 'hidden_size': 64, "
                + "'num_attention_heads': 2, 'num_hidden_layers': 2, 'intermediate_size': 96, 'vocab_size': 100";
        Map<String, Object> metadata = metadata(GgufFamily.GPT_NEOX, neox + ", 'rope_parameters': {'rope_type': 'linear', "
                + "'factor': 2.0, 'rope_theta': 500.0, 'partial_rotary_factor': 0.5}");
        assertEquals(16, metadata.get("gptneox.rope.dimension_count"));
        assertEquals(500f, metadata.get("gptneox.rope.freq_base"));
        assertEquals("linear", metadata.get("gptneox.rope.scaling.type"));
        assertEquals(2f, metadata.get("gptneox.rope.scaling.factor"));
        assertEquals(24, metadata(GgufFamily.PHI3, PHI_3 + ", 'rope_parameters': {'rope_type': 'default', "
                + "'partial_rotary_factor': 0.75}").get("phi3.rope.dimension_count"));
        assertTrue(refusal(GgufFamily.LLAMA, LLAMA + ", 'rope_parameters': {'rope_type': 'default', "
                + "'partial_rotary_factor': 0.5}").contains("partial_rotary_factor"));
    }

    @Test
    void yarnIsWrittenAsThePaperHasItAndRefusedOtherwise() {
        String yarn = LLAMA + ", 'rope_scaling': {'rope_type': 'yarn', 'original_max_position_embeddings': 1024";
        Map<String, Object> metadata = metadata(GgufFamily.LLAMA, yarn + "}");
        assertEquals("yarn", metadata.get("llama.rope.scaling.type"));
        assertEquals(4f, metadata.get("llama.rope.scaling.factor"), "longest over original where it is missing");
        assertEquals(1024, metadata.get("llama.rope.scaling.original_context_length"));
        for (String field : List.of("'attention_factor': 1.5", "'beta_fast': 16", "'beta_slow': 2", "'truncate': false",
                "'mscale': 1.5, 'mscale_all_dim': 0.5")) {
            assertTrue(refusal(GgufFamily.LLAMA, yarn + ", " + field + "}").contains("of type 'yarn' has"), field);
        }
    }

    @Test
    void longRopeByAnotherNameIsRefused() {
        String factors = "[" + "1.5, ".repeat(15) + "1.5]";
        assertTrue(refusal(GgufFamily.PHI3, PHI_3 + ", 'rope_scaling': {'type': 'yarn', 'short_factor': " + factors
                + ", 'long_factor': " + factors + "}").contains("of type 'longrope'"));
        assertEquals(4096, metadata(GgufFamily.PHI3, PHI_3).get("phi3.rope.scaling.original_context_length"));
    }

    /** Factors of Llama 3.1's own configuration: short waves stay, long ones are divided by 8, between them it goes over. */
    @Test
    void frequenciesOfLlama3() {
        String scaling = ", 'rope_theta': 500000.0, 'rope_scaling': {'factor': 8.0, 'low_freq_factor': 1.0, "
                + "'high_freq_factor': 4.0, 'original_max_position_embeddings': 8192, 'rope_type': 'llama3'}";
        float[] factors = GgufRotary.frequencyFactors(GgufShape.rotary(config(LLAMA + ", 'head_dim': 128" + scaling)))
                .toFloatVector();
        assertEquals(64, factors.length);
        for (int i = 0; i < 64; i++) {
            double wave = 2 * Math.PI / Math.pow(500000, -i / 64.0);
            double smooth = (8192 / wave - 1) / 3;
            double expected = wave < 2048 ? 1 : wave > 8192 ? 8 : 1 / ((1 - smooth) / 8 + smooth);
            assertEquals(expected, factors[i], 1e-5, "frequency " + i);
        }
        assertEquals(1, factors[28]);
        assertEquals(8, factors[36]);
        assertNull(GgufRotary.frequencyFactors(GgufShape.rotary(config(LLAMA))));
        String qwen = LLAMA.replace("Llama", "Qwen2").replace("llama", "qwen2") + ", 'num_key_value_heads': 2";
        assertTrue(refusal(GgufFamily.QWEN2, qwen + scaling).contains("of type 'llama3'"), "llama.cpp reads them of Llamas");
    }

    @Test
    void gemma2KeepsItsCaps() {
        Map<String, Object> metadata = metadata(GgufFamily.GEMMA2, GEMMA_2 + ", 'attn_logit_softcapping': 20.0");
        assertEquals(20f, metadata.get("gemma2.attn_logit_softcapping"));
        assertEquals(30f, metadata.get("gemma2.final_logit_softcapping"));
        assertEquals(256, metadata.get("gemma2.attention.key_length"));
        // The largest divides by hidden size over heads, here 32.
        assertEquals(256, metadata(GgufFamily.GEMMA2, GEMMA_2.replace("'num_hidden_layers': 4", "'num_hidden_layers': 46")
                + ", 'query_pre_attn_scalar': 32").get("gemma2.attention.key_length"));
        assertFalse(metadata(GgufFamily.GEMMA3, GEMMA_3).containsKey("gemma3.final_logit_softcapping"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
        "GEMMA2 | 'attn_logit_softcapping': null | attn_logit_softcapping is off",
        "GEMMA2 | 'final_logit_softcapping': null | final_logit_softcapping is off",
        "GEMMA2 | 'query_pre_attn_scalar': 144 | query_pre_attn_scalar is 144.0, but llama.cpp has 256",
        "GEMMA2 | 'head_dim': 32 | query_pre_attn_scalar is 256.0, but llama.cpp has 32",
        "GEMMA3 | 'query_pre_attn_scalar': 168 | query_pre_attn_scalar is 168.0, but llama.cpp has 256",
        "GEMMA3 | 'sliding_window_pattern': 2 | the window of layer 1 is off",
        "GEMMA3 | 'sliding_window_pattern': 7 | the window of layer 5 is 4096",
        "GEMMA3 | 'rope_local_base_freq': 1000.0 | rope_local_base_freq is 1000.0, but llama.cpp has 10000",
        "GEMMA3 | 'final_logit_softcapping': 30.0 | final_logit_softcapping is 30.0, but llama.cpp has none",
    })
    void whatLlamaCppHasOtherwiseInGemmaIsRefused(GgufFamily family, String field, String expected) {
        String message = refusal(family, (family == GgufFamily.GEMMA2 ? GEMMA_2 : GEMMA_3) + ", " + field);
        assertTrue(message.contains(expected), message);
    }
}
