package org.finetune4j.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.finetune4j.checkpoint.CheckpointException;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.api.ndarray.INDArray;

/** What config.json says of a model's sizes and positions, in llama.cpp's terms. */
final class GgufShape {
    private static final String RESTORE = "Restore the file from where the model came from";

    private final GgufFamily family;
    private final JsonNode config;
    private final Path file;
    private final GgufMetadata metadata;

    private GgufShape(GgufFamily family, JsonNode config, Path file, GgufMetadata metadata) {
        this.family = family;
        this.config = config;
        this.file = file;
        this.metadata = metadata;
    }

    /** Says everything of a model. */
    static void describe(GgufFamily family, JsonNode config, Path file, GgufMetadata metadata) {
        GgufShape shape = new GgufShape(family, config, file, metadata);
        if (family == GgufFamily.GPT2) {
            shape.describeGpt2();
        } else {
            shape.describe();
        }
    }

    private String key(String name) {
        return family.architecture() + "." + name;
    }

    private long whole(String field) {
        JsonNode node = config.path(field);
        if (!node.canConvertToInt() || node.intValue() < 0) {
            throw new CheckpointException(file, field + " must be a whole number, it is " + node, RESTORE);
        }
        return node.intValue();
    }

    private void describeGpt2() {
        long width = whole("n_embd");
        metadata.whole(key("vocab_size"), whole("vocab_size")).whole(key("context_length"), whole("n_positions"))
                .whole(key("embedding_length"), width).whole(key("block_count"), whole("n_layer"))
                .whole(key("feed_forward_length"), config.path("n_inner").isInt() ? whole("n_inner") : 4 * width)
                .whole(key("attention.head_count"), whole("n_head"))
                .real(key("attention.layer_norm_epsilon"), config.path("layer_norm_epsilon").asDouble(1e-5));
    }

    private void describe() {
        long heads = whole("num_attention_heads");
        long width = whole("hidden_size");
        long headWidth = config.path("head_dim").isInt() ? whole("head_dim") : width / heads;
        metadata.whole(key("vocab_size"), whole("vocab_size"))
                .whole(key("context_length"), whole("max_position_embeddings"))
                .whole(key("embedding_length"), width).whole(key("block_count"), whole("num_hidden_layers"))
                .whole(key("feed_forward_length"), whole("intermediate_size"))
                .whole(key("attention.head_count"), heads);
        if (family == GgufFamily.GPT_NEOX) {
            metadata.real(key("attention.layer_norm_epsilon"), config.path("layer_norm_eps").asDouble(1e-5))
                    .flag(key("use_parallel_residual"), config.path("use_parallel_residual").asBoolean(true))
                    .whole(key("rope.dimension_count"), (long) (config.path("rotary_pct").asDouble(0.25) * headWidth));
            if (config.path("rotary_emb_base").asDouble(10000) != 10000) {
                metadata.real(key("rope.freq_base"), config.path("rotary_emb_base").asDouble());
            }
            return;
        }
        metadata.whole(key("attention.head_count_kv"), config.path("num_key_value_heads").isInt()
                        ? whole("num_key_value_heads") : heads)
                .whole(key("attention.key_length"), headWidth).whole(key("attention.value_length"), headWidth)
                .real(key("attention.layer_norm_rms_epsilon"), config.path("rms_norm_eps").asDouble(1e-6))
                .real(key("rope.freq_base"), ropeBase())
                .whole(key("rope.dimension_count"),
                        (long) (config.path("partial_rotary_factor").asDouble(1) * headWidth));
        describeWindow();
        describeScaling();
    }

    private double ropeBase() {
        double otherwise = family == GgufFamily.GEMMA3 ? 1_000_000 : 10_000;
        return config.path("rope_theta").asDouble(config.path("rope_parameters").path("rope_theta").asDouble(otherwise));
    }

    private void describeWindow() {
        boolean gemma = family == GgufFamily.GEMMA2 || family == GgufFamily.GEMMA3;
        long window = config.path("sliding_window").asLong(0);
        // Phi 4 is told from Phi 3 by a window of 0.
        if (family == GgufFamily.PHI3 || gemma && window > 0) {
            metadata.whole(key("attention.sliding_window"), window);
        } else if (!gemma && window > 0 && config.path("use_sliding_window").asBoolean(true)) {
            throw new CheckpointException(file, "sliding_window is " + window + ", which llama.cpp does not have for "
                    + family.architecture(), "Export a model without it");
        }
        if (family == GgufFamily.GEMMA2) {
            metadata.real(key("attn_logit_softcapping"), config.path("attn_logit_softcapping").asDouble(50))
                    .real(key("final_logit_softcapping"), config.path("final_logit_softcapping").asDouble(30));
        }
    }

    private JsonNode scaling() {
        JsonNode own = config.path("rope_scaling");
        return own.isObject() ? own : config.path("rope_parameters");
    }

    private static String kind(JsonNode scaling) {
        return scaling.path("rope_type").asText(scaling.path("type").asText("default"));
    }

    private void describeScaling() {
        JsonNode scaling = scaling();
        String kind = kind(scaling);
        if (family == GgufFamily.PHI3) {
            metadata.whole(key("rope.scaling.original_context_length"), config
                    .path("original_max_position_embeddings").asLong(whole("max_position_embeddings")));
        }
        switch (kind) {
            case "default", "llama3" -> { }
            case "linear" -> metadata.text(key("rope.scaling.type"), "linear")
                    .real(key("rope.scaling.factor"), scaling.path("factor").asDouble(1));
            case "yarn" -> metadata.text(key("rope.scaling.type"), "yarn")
                    .real(key("rope.scaling.factor"), scaling.path("factor").asDouble(1))
                    .whole(key("rope.scaling.original_context_length"), scaling
                            .path("original_max_position_embeddings").asLong(whole("max_position_embeddings")));
            default -> throw new CheckpointException(file, "rope_scaling is of type '" + kind
                    + "', which this library does not put into a GGUF file", "Convert the saved folder with llama.cpp's "
                    + "convert_hf_to_gguf.py");
        }
    }

    /** What Llama 3.1's rotary frequencies are divided by, {@code [head_dim / 2]}, or null where they are plain. */
    static @Nullable INDArray frequencyFactors(JsonNode config) {
        JsonNode scaling = config.path("rope_scaling").isObject() ? config.path("rope_scaling")
                : config.path("rope_parameters");
        if (!kind(scaling).equals("llama3")) {
            return null;
        }
        int width = config.path("head_dim").asInt(config.path("hidden_size").asInt()
                / config.path("num_attention_heads").asInt(1));
        double base = config.path("rope_theta").asDouble(scaling.path("rope_theta").asDouble(10000));
        double factor = scaling.path("factor").asDouble(8);
        double low = scaling.path("low_freq_factor").asDouble(1);
        double high = scaling.path("high_freq_factor").asDouble(4);
        double context = scaling.path("original_max_position_embeddings").asDouble(8192);
        float[] factors = new float[width / 2];
        for (int i = 0; i < factors.length; i++) {
            double wave = 2 * Math.PI * Math.pow(base, 2.0 * i / width);
            double smooth = (context / wave - low) / (high - low);
            factors[i] = (float) (wave < context / high ? 1 : wave > context / low ? factor
                    : 1 / ((1 - smooth) / factor + smooth));
        }
        return Nd4j.createFromArray(factors);
    }
}
