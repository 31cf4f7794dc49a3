package org.finetune4j.gguf;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.Objects;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.kernel.AttentionScores;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.family.Architecture;
import org.finetune4j.model.family.Block;
import org.finetune4j.model.family.Rotary;
import org.jspecify.annotations.Nullable;

/**
 * A model's sizes in llama.cpp's terms. What llama.cpp does otherwise and GGUF has no key for is refused, because it would
 * give other numbers without a word.
 */
final class GgufShape {
    private final GgufFamily family;
    private final ModelConfig config;
    private final Architecture architecture;
    private final AttentionShape heads;
    private final Path file;
    private final GgufMetadata metadata;

    private GgufShape(GgufFamily family, ModelConfig config, Path file, GgufMetadata metadata) {
        this.family = family;
        this.config = config;
        this.architecture = config.architecture();
        this.heads = architecture.blocks().get(0).attention().shape();
        this.file = file;
        this.metadata = metadata;
    }

    /**
     * Says everything of a model.
     *
     * @param file the {@code config.json} named in messages
     * @throws CheckpointException when llama.cpp computes something else than the model
     */
    static void describe(GgufFamily family, ModelConfig config, Path file, GgufMetadata metadata) {
        new GgufShape(family, config, file, metadata).describe();
    }

    private String key(String name) {
        return family.architecture() + "." + name;
    }

    private void describe() {
        double epsilon = Objects.requireNonNull(architecture.finalNorm()).epsilon();
        metadata.whole(key("vocab_size"), config.vocabularySize()).whole(key("context_length"), config.maxPositions())
                .whole(key("embedding_length"), config.hiddenSize()).whole(key("block_count"), config.layers())
                .whole(key("feed_forward_length"), config.intermediateSize())
                .whole(key("attention.head_count"), heads.heads());
        if (family == GgufFamily.GPT2) {
            metadata.real(key("attention.layer_norm_epsilon"), epsilon);
        } else if (family == GgufFamily.GPT_NEOX) {
            metadata.real(key("attention.layer_norm_epsilon"), epsilon).flag(key("use_parallel_residual"),
                    architecture.blocks().get(0).order() == Block.Order.PARALLEL);
        } else {
            metadata.whole(key("attention.head_count_kv"), heads.keyValueHeads())
                    .whole(key("attention.key_length"), heads.headDimension())
                    .whole(key("attention.value_length"), heads.headDimension())
                    .real(key("attention.layer_norm_rms_epsilon"), epsilon);
        }
        requireScale();
        requireWindows();
        Rotary rotary = rotary(config);
        if (rotary != null) {
            requireLocalPositions();
            GgufRotary.describe(family, rotary, config.maxPositions(), file, metadata);
        }
        describeScores();
    }

    /** The positions that the metadata are about: those of layers without a window where there are two kinds. */
    static @Nullable Rotary rotary(ModelConfig config) {
        return config.architecture().blocks().stream().map(Block::attention)
                .min(Comparator.comparingInt(attention -> attention.shape().scores().window())).orElseThrow().rotary();
    }

    private CheckpointException other(String field, Object value, String theirs) {
        return new CheckpointException(file, field + " is " + value + ", but llama.cpp has " + theirs + " for "
                + family.architecture() + " and GGUF no key for it", "Use the saved folder with another program");
    }

    /** The largest Gemmas divide scores by the root of hidden size over heads, as llama.cpp tells by their layers. */
    private void requireScale() {
        boolean largest = family == GgufFamily.GEMMA2 && config.layers() == 46
                || family == GgufFamily.GEMMA3 && config.layers() == 62;
        int expected = largest ? config.hiddenSize() / heads.heads() : heads.headDimension();
        double own = 1 / Math.pow(heads.scores().scale(), 2);
        if (Math.abs(own - expected) > 1e-3 * expected) {
            throw other("query_pre_attn_scalar", (float) own, String.valueOf(expected));
        }
    }

    /** Every so many layers one that sees everything, the others with a window; 1 means that there is no window. */
    private void requireWindows() {
        int window = heads.scores().window();
        int pattern = family == GgufFamily.GEMMA2 ? 2 : family == GgufFamily.GEMMA3 ? 6 : 1;
        if (family != GgufFamily.PHI3 && pattern == 1 && architecture.blocks().stream()
                .anyMatch(block -> block.attention().shape().scores().window() > 0)) {
            throw other("sliding_window", "on", "none");
        }
        for (int layer = 0; layer < config.layers() && pattern > 1; layer++) {
            int own = architecture.blocks().get(layer).attention().shape().scores().window();
            if (window == 0 || own != (layer % pattern == pattern - 1 ? 0 : window)) {
                throw other("the window of layer " + layer, own == 0 ? "off" : own, "one in all but every "
                        + (pattern == 2 ? "second" : "sixth") + " layer");
            }
        }
        // Phi 4 is told from Phi 3 by a window of 0.
        if (family == GgufFamily.PHI3 || pattern > 1) {
            metadata.whole(key("attention.sliding_window"), window);
        }
    }

    private void requireLocalPositions() {
        if (family != GgufFamily.GEMMA3) {
            return;
        }
        Rotary local = Objects.requireNonNull(architecture.blocks().get(0).attention().rotary());
        if (!local.equals(Rotary.plain(heads.headDimension(), 10_000))) {
            throw other("rope_local_base_freq", local.theta() == 10_000 ? "10000 and changed" : (float) local.theta(),
                    "10000");
        }
    }

    private void describeScores() {
        AttentionScores scores = heads.scores();
        double ofLogits = Objects.requireNonNull(architecture.head()).softcap();
        if (family == GgufFamily.GEMMA2) {
            // llama.cpp divides by both.
            if (scores.softcap() == 0 || ofLogits == 0) {
                throw other(scores.softcap() == 0 ? "attn_logit_softcapping" : "final_logit_softcapping", "off",
                        "always one");
            }
            metadata.real(key("attn_logit_softcapping"), scores.softcap())
                    .real(key("final_logit_softcapping"), ofLogits);
        } else if (scores.softcap() > 0 || ofLogits > 0) {
            throw other(scores.softcap() > 0 ? "attn_logit_softcapping" : "final_logit_softcapping",
                    (float) Math.max(scores.softcap(), ofLogits), "none");
        }
    }
}
