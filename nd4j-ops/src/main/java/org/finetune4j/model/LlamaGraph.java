package org.finetune4j.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.finetune4j.checkpoint.ModelConfig;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryTable;
import org.finetune4j.op.Activation;
import org.finetune4j.op.Add;
import org.finetune4j.op.Embedding;
import org.finetune4j.op.GatedActivation;
import org.finetune4j.op.RmsNorm;
import org.finetune4j.op.Rotary;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;

/**
 * The trunk of a Llama model as a graph: from token ids to normalised hidden states.
 *
 * <p>Each block is {@code x += o(attention(norm(x)))} and {@code x += down(swiglu(gate(norm(x)), up(norm(x))))}.
 */
final class LlamaGraph {
    /** How tokens of one sequence see each other in a layer. */
    interface Mixer {
        /**
         * The attended values {@code [tokens, heads * headDimension]}.
         *
         * @param rotary the rotary embedding that queries and keys are still to be given; null where they have it
         */
        SDVariable mix(int layer, SDVariable query, SDVariable key, SDVariable value, AttentionShape shape,
                       @Nullable RotaryTable rotary);
    }

    /** A linear layer with whatever is attached to it. */
    interface Linear {
        /** The layer's output for {@code x}. */
        SDVariable apply(String site, SDVariable x);
    }

    private final ModelConfig config;
    private final Function<String, SDVariable> parameter;
    private final Linear linear;
    private final Mixer mixer;
    private final Set<Fusion> fusions;
    private final AttentionShape shape;
    private final RotaryTable rotary;
    private final List<String> boundaries = new ArrayList<>();

    LlamaGraph(ModelConfig config, Function<String, SDVariable> parameter, Linear linear, Mixer mixer,
               Set<Fusion> fusions) {
        this.config = config;
        this.parameter = parameter;
        this.linear = linear;
        this.mixer = mixer;
        this.fusions = fusions;
        this.shape = new AttentionShape(config.heads(), config.keyValueHeads(), config.headDimension());
        this.rotary = new RotaryTable(config.headDimension(), config.ropeTheta());
    }

    /** Hidden states after the final norm, {@code [tokens, hidden]}. */
    SDVariable hidden(SDVariable ids, SDVariable positions) {
        SDVariable x = Embedding.of(ids, parameter.apply(LlamaLayout.EMBEDDING));
        boundaries.add(x.name());
        for (int layer = 0; layer < config.layers(); layer++) {
            SDVariable attended = attention(layer, norm(x, layer, "input_layernorm"), positions);
            x = Add.of(attended, x);
            SDVariable transformed = feedForward(layer, norm(x, layer, "post_attention_layernorm"));
            x = Add.of(transformed, x);
            boundaries.add(x.name());
        }
        return RmsNorm.of(x, parameter.apply(LlamaLayout.FINAL_NORM), config.rmsNormEpsilon());
    }

    /** After {@link #hidden}: the variables before each block and behind the last, the residual stream. */
    List<String> boundaries() {
        return List.copyOf(boundaries);
    }

    /** The weight that projects hidden states to logits. */
    SDVariable headWeight() {
        return parameter.apply(config.tieWordEmbeddings() ? LlamaLayout.EMBEDDING : LlamaLayout.HEAD);
    }

    private SDVariable attention(int layer, SDVariable x, SDVariable positions) {
        SDVariable query = linear(layer, "self_attn.q_proj", x);
        SDVariable key = linear(layer, "self_attn.k_proj", x);
        SDVariable value = linear(layer, "self_attn.v_proj", x);
        boolean inside = fusions.contains(Fusion.ROTARY_ATTENTION);
        SDVariable attended = inside ? mixer.mix(layer, query, key, value, shape, rotary)
                : mixer.mix(layer, Rotary.of(query, positions, rotary), Rotary.of(key, positions, rotary), value, shape,
                        null);
        return linear(layer, "self_attn.o_proj", attended);
    }

    private SDVariable feedForward(int layer, SDVariable x) {
        SDVariable gate = linear(layer, "mlp.gate_proj", x);
        SDVariable up = linear(layer, "mlp.up_proj", x);
        return linear(layer, "mlp.down_proj", GatedActivation.of(gate, up, Activation.Kind.SILU));
    }

    private SDVariable linear(int layer, String module, SDVariable x) {
        String site = LlamaLayout.layer(layer, module);
        return linear.apply(site, x);
    }

    private SDVariable norm(SDVariable x, int layer, String module) {
        return RmsNorm.of(x, parameter.apply(LlamaLayout.layer(layer, module) + ".weight"), config.rmsNormEpsilon());
    }
}
