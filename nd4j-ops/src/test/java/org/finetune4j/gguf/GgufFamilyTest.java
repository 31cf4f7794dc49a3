package org.finetune4j.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Path;
import org.finetune4j.kernel.AttentionShape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Names and layouts of every family, as llama.cpp's own converter gives them. */
class GgufFamilyTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    @ParameterizedTest
    @CsvSource({
        "LLAMA, model.embed_tokens.weight, token_embd.weight",
        "LLAMA, lm_head.weight, output.weight",
        "LLAMA, model.layers.11.post_attention_layernorm.weight, blk.11.ffn_norm.weight",
        "QWEN2, model.layers.0.self_attn.q_proj.bias, blk.0.attn_q.bias",
        "QWEN3, model.layers.3.self_attn.k_norm.weight, blk.3.attn_k_norm.weight",
        "GEMMA, model.layers.3.post_attention_layernorm.weight, blk.3.ffn_norm.weight",
        "GEMMA2, model.layers.3.post_attention_layernorm.weight, blk.3.post_attention_norm.weight",
        "GEMMA3, model.layers.3.pre_feedforward_layernorm.weight, blk.3.ffn_norm.weight",
        "OLMO2, model.layers.3.post_feedforward_layernorm.weight, blk.3.post_ffw_norm.weight",
        "PHI3, model.layers.3.self_attn.qkv_proj.weight, blk.3.attn_qkv.weight",
        "PHI3, model.layers.3.mlp.gate_up_proj.weight, blk.3.ffn_up.weight",
        "GPT2, transformer.h.3.attn.c_attn.bias, blk.3.attn_qkv.bias",
        "GPT2, h.3.mlp.c_proj.weight, blk.3.ffn_down.weight",
        "GPT2, wpe.weight, position_embd.weight",
        "GPT_NEOX, gpt_neox.layers.3.attention.query_key_value.weight, blk.3.attn_qkv.weight",
        "GPT_NEOX, embed_out.weight, output.weight",
    })
    void names(GgufFamily family, String theirs, String own) {
        assertEquals(own, family.names().of(theirs));
    }

    @Test
    void strangersHaveNoName() {
        assertNull(GgufNames.llama().of("model.layers.0.mlp.router.weight"));
        assertNull(GgufNames.llama().of("other.layers.0.mlp.up_proj.weight"));
        assertNull(GgufNames.llama().of("model.layers.0.self_attn.q_proj.qweight"));
    }

    private static INDArray counted(long... shape) {
        return Nd4j.arange(java.util.Arrays.stream(shape).reduce(1, (a, b) -> a * b)).castTo(DataType.FLOAT).reshape(shape);
    }

    private static int[] rows(GgufFamily family, String name, INDArray values, AttentionShape heads) {
        return family.values(name, values, heads).ravel().toIntVector();
    }

    @Test
    void tensorsLieAsLlamaCppReadsThem() {
        AttentionShape heads = new AttentionShape(2, 1, 4);
        String query = "model.layers.0.self_attn.q_proj.weight";
        assertArrayEquals(new int[] {0, 2, 1, 3, 4, 6, 5, 7}, rows(GgufFamily.LLAMA, query, counted(8, 1), heads));
        assertArrayEquals(new int[] {0, 4, 1, 5, 2, 6, 3, 7}, rows(GgufFamily.LLAMA, query.replace("q_", "k_"),
                counted(8, 1), heads), "one head");
        assertArrayEquals(new int[] {0, 2, 1, 3, 4, 6, 5, 7}, rows(GgufFamily.LLAMA, query.replace("weight", "bias"),
                counted(8), heads));
        assertArrayEquals(new int[] {0, 1, 2, 3}, rows(GgufFamily.QWEN2, query, counted(4, 1), heads));
        assertArrayEquals(new int[] {1, 2, 3}, rows(GgufFamily.GEMMA3, "model.layers.0.self_attn.q_norm.weight", counted(3),
                heads));
        assertArrayEquals(new int[] {0, 2, 4, 1, 3, 5}, rows(GgufFamily.GPT2, "h.0.mlp.c_fc.weight", counted(3, 2), heads));
        assertArrayEquals(new long[] {2, 3}, GgufFamily.GPT2.shape("h.0.mlp.c_fc.weight", new long[] {3, 2}));
        // Two heads of width 2, each with its query, key and value: all queries first, then all keys, then all values.
        int[] fused = {0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11};
        assertArrayEquals(fused, rows(GgufFamily.GPT_NEOX, "gpt_neox.layers.0.attention.query_key_value.bias", counted(12),
                heads));
        assertArrayEquals(fused, rows(GgufFamily.GPT_NEOX, "gpt_neox.layers.0.attention.query_key_value.weight",
                counted(12, 1), heads));
    }

    @Test
    void preTokenizersAreKnownByTheirCut() throws IOException {
        String split = "{\"pre_tokenizer\": {\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": "
                + "{\"Regex\": \"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}%s| "
                + "?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"}, \"behavior\": \"Isolated\", "
                + "\"invert\": false}, {\"type\": \"ByteLevel\", \"add_prefix_space\": false, \"use_regex\": false}]}, "
                + "\"model\": {\"ignore_merges\": %s}}";
        Path file = Path.of("tokenizer.json");
        assertEquals("llama-bpe", PreTokenizers.name(JSON.readTree(split.formatted("{1,3}", "true")), file));
        assertEquals("dbrx", PreTokenizers.name(JSON.readTree(split.formatted("{1,3}", "false")), file));
        assertEquals("qwen2", PreTokenizers.name(JSON.readTree(split.formatted("", "false")), file));
        assertEquals("gpt-2", PreTokenizers.name(JSON.readTree("{\"pre_tokenizer\": {\"type\": \"ByteLevel\", "
                + "\"add_prefix_space\": false, \"use_regex\": true}}"), file));
    }
}
