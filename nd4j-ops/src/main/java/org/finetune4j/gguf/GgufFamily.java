package org.finetune4j.gguf;

import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.finetune4j.kernel.AttentionShape;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A model family as llama.cpp knows it: names, metadata, and how its tensors lie there. */
enum GgufFamily {
    LLAMA("llama", GgufNames.llama(), "LlamaForCausalLM", "MistralForCausalLM"),
    QWEN2("qwen2", GgufNames.llama(), "Qwen2ForCausalLM"),
    QWEN3("qwen3", GgufNames.llama(), "Qwen3ForCausalLM"),
    GEMMA("gemma", GgufNames.llama(), "GemmaForCausalLM"),
    GEMMA2("gemma2", GgufNames.normsOnBothSides(), "Gemma2ForCausalLM"),
    GEMMA3("gemma3", GgufNames.normsOnBothSides(), "Gemma3ForCausalLM"),
    OLMO2("olmo2", GgufNames.normsOnBothSides(), "Olmo2ForCausalLM"),
    PHI3("phi3", GgufNames.llama(), "Phi3ForCausalLM"),
    GPT2("gpt2", GgufNames.gpt2(), "GPT2LMHeadModel"),
    GPT_NEOX("gptneox", GgufNames.gptNeoX(), "GPTNeoXForCausalLM");

    private final String architecture;
    private final GgufNames names;
    private final List<String> known;

    GgufFamily(String architecture, GgufNames names, String... known) {
        this.architecture = architecture;
        this.names = names;
        this.known = List.of(known);
    }

    /** The family of Hugging Face's name for an architecture, or null. */
    static @Nullable GgufFamily of(String name) {
        return Arrays.stream(values()).filter(family -> family.known.contains(name)).findFirst().orElse(null);
    }

    static String knownNames() {
        return Arrays.stream(values()).flatMap(family -> family.known.stream()).collect(Collectors.joining(", "));
    }

    String architecture() {
        return architecture;
    }

    GgufNames names() {
        return names;
    }

    /** Whether norms are stored as what is added to 1. */
    private boolean normsAroundZero() {
        return this == GEMMA || this == GEMMA2 || this == GEMMA3;
    }

    /** The shape of a tensor in GGUF. */
    long[] shape(String name, long[] shape) {
        return turned(name) && shape.length == 2 ? new long[] {shape[1], shape[0]} : shape;
    }

    /** GPT-2's matrices lie as {@code [inputs, outputs]}. */
    private boolean turned(String name) {
        return this == GPT2 && name.matches(".*\\.(c_attn|c_proj|c_fc)\\.weight");
    }

    /**
     * The values of a tensor as they lie in GGUF, a new row-major array or {@code values} itself.
     *
     * @param name   its name in Hugging Face's checkpoint
     * @param values FLOAT
     * @param shape  the model's heads
     */
    INDArray values(String name, INDArray values, AttentionShape shape) {
        int heads = shape.heads();
        if (normsAroundZero() && name.endsWith("norm.weight")) {
            return values.addi(1);
        }
        if (this == LLAMA && name.contains("self_attn.q_proj.")) {
            return interleaved(values, heads);
        }
        if (this == LLAMA && name.contains("self_attn.k_proj.")) {
            return interleaved(values, shape.keyValueHeads());
        }
        if (turned(name)) {
            return values.transpose().dup('c');
        }
        if (this == GPT_NEOX && name.contains("query_key_value")) {
            long rest = values.length() / (heads * 3L);
            long width = values.rank() == 2 ? values.size(1) : 1;
            return values.reshape('c', heads, 3, rest / width, width).permute(1, 0, 2, 3).dup('c')
                    .reshape('c', values.shape());
        }
        return values;
    }

    /**
     * llama.cpp turns neighbouring rows of a head together, Hugging Face the first half with the second, so rows are
     * brought from {@code [2, d/2]} to {@code [d/2, 2]} in every head.
     */
    private static INDArray interleaved(INDArray values, int heads) {
        long rows = values.size(0);
        long width = values.rank() == 2 ? values.size(1) : 1;
        return values.reshape('c', heads, 2, rows / heads / 2, width).permute(0, 2, 1, 3).dup('c')
                .reshape('c', values.shape());
    }
}
