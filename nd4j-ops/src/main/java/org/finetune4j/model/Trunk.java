package org.finetune4j.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.FloatFormats;
import org.finetune4j.kernel.AttentionShape;
import org.finetune4j.kernel.RotaryTable;
import org.finetune4j.model.family.Architecture;
import org.finetune4j.model.family.Block;
import org.finetune4j.model.family.Embeddings;
import org.finetune4j.model.family.FeedForward;
import org.finetune4j.model.family.Linear;
import org.finetune4j.model.family.Norm;
import org.finetune4j.model.family.Projections;
import org.finetune4j.model.family.Rotary;
import org.finetune4j.model.family.SelfAttention;
import org.finetune4j.op.Activation;
import org.finetune4j.op.Blend;
import org.finetune4j.op.Add;
import org.finetune4j.op.Embedding;
import org.finetune4j.op.Experts;
import org.finetune4j.op.GatedActivation;
import org.finetune4j.op.GatherRows;
import org.finetune4j.op.LayerNorm;
import org.finetune4j.op.MatMul;
import org.finetune4j.op.RmsNorm;
import org.finetune4j.op.Scale;
import org.finetune4j.op.Split;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/** The trunk of a model as a graph: from token ids to the last hidden states, as its {@link Architecture} declares. */
final class Trunk {
    /** How tokens of one sequence see each other in a layer. */
    interface Mixer {
        /**
         * The attended values {@code [tokens, heads * headDimension]}.
         *
         * @param rotary the rotary embedding that queries and keys are still to be given; null where they have it, or are
         *               given none
         */
        SDVariable mix(int layer, SDVariable query, SDVariable key, SDVariable value, AttentionShape shape,
                       @Nullable RotaryTable rotary);
    }

    /**
     * Other tokens whose embeddings are blended into those of the inputs.
     *
     * @param ids   {@code [tokens]}
     * @param share how much of an embedding is the draft's, in [0, 1], {@code [1]}
     */
    record Drafts(SDVariable ids, SDVariable share) {
    }

    /** What becomes of the outputs of a block's feed-forward part before they are added to the residual stream. */
    interface FeedForwardChange {
        /** Nothing. */
        FeedForwardChange NONE = (layer, output) -> output;

        /** What stands in the place of an output {@code [tokens, hidden]}. */
        SDVariable apply(int layer, SDVariable output);
    }

    /** Linear layers with whatever is attached to them. */
    interface LinearLayers {
        /** The layer's output for {@code x}. */
        SDVariable apply(Linear layer, SDVariable x);
    }

    private final Architecture architecture;
    private final Function<String, SDVariable> parameter;
    private final Function<Linear, @Nullable SDVariable> scales;
    private final LinearLayers linear;
    private final Mixer mixer;
    private final FeedForwardChange change;
    private final Set<Fusion> fusions;
    private final Map<Rotary, RotaryTable> tables = new HashMap<>();
    private final List<SDVariable> boundaries = new ArrayList<>();

    /**
     * A trunk.
     *
     * @param parameter the variable of a parameter
     * @param scales    the variable of the scales of a layer whose weight is of bytes, or null
     */
    Trunk(Architecture architecture, Function<String, SDVariable> parameter,
          Function<Linear, @Nullable SDVariable> scales, LinearLayers linear, Mixer mixer,
          FeedForwardChange change, Set<Fusion> fusions) {
        this.architecture = architecture;
        this.parameter = parameter;
        this.scales = scales;
        this.linear = linear;
        this.mixer = mixer;
        this.change = change;
        this.fusions = fusions;
    }

    /**
     * Hidden states after the final norm, {@code [tokens, hidden]} or {@code [rows, hidden]}.
     *
     * @param ids   {@code [tokens]}, as are positions and types
     * @param rows  the tokens whose states are wanted, {@code [rows]}, distinct; null for all. Other tokens go no further
     *              than into the last block's attention, behind which no token looks at another
     */
    SDVariable hidden(SDVariable ids, SDVariable positions, @Nullable SDVariable types, @Nullable Drafts drafts,
                      @Nullable SDVariable rows) {
        SDVariable x = embedded(architecture.embeddings(), ids, positions, types, drafts);
        boundaries.add(x);
        return normed(through(x, positions, 0, architecture.blocks().size(), rows));
    }

    /** What stands before the first block, {@code [tokens, hidden]}. */
    SDVariable embedded(SDVariable ids, SDVariable positions, @Nullable SDVariable types) {
        return embedded(architecture.embeddings(), ids, positions, types, null);
    }

    /** The residual stream behind block {@code to}, of that before block {@code from}, both counted from 0. */
    SDVariable through(SDVariable before, SDVariable positions, int from, int to) {
        return through(before, positions, from, to, null);
    }

    private SDVariable through(SDVariable before, SDVariable positions, int from, int to, @Nullable SDVariable rows) {
        SDVariable x = before;
        for (int layer = from; layer < to; layer++) {
            x = block(layer, architecture.blocks().get(layer), x, positions, layer == to - 1 ? rows : null);
            boundaries.add(x);
        }
        return x;
    }

    /** The final norm of a residual stream. */
    SDVariable normed(SDVariable residual) {
        return norm(architecture.finalNorm(), residual);
    }

    /** After {@link #hidden}: the variables before each block and behind the last, the residual stream, there of its rows. */
    List<String> boundaries() {
        return boundaries.stream().map(SDVariable::name).toList();
    }

    /** After {@link #hidden}: the residual stream before block {@code layer}, {@code [tokens, hidden]}. */
    SDVariable residual(int layer) {
        return boundaries.get(layer);
    }

    /** After {@link #hidden}: the final norm of the residual stream behind so many blocks but not all, {@code [tokens, hidden]}. */
    SDVariable exit(int blocks) {
        return normed(residual(blocks));
    }

    /** The weight that projects hidden states to logits. */
    SDVariable headWeight() {
        if (architecture.head() == null) {
            throw new FinetuneException("this model is an encoder, which has no head to train or to generate with. Load it "
                    + "with EncoderModel or SentenceEncoder, or choose a model that continues texts.");
        }
        return parameter.apply(architecture.head().weight());
    }

    private SDVariable embedded(Embeddings embeddings, SDVariable ids, SDVariable positions, @Nullable SDVariable types,
                                @Nullable Drafts drafts) {
        SDVariable table = parameter.apply(embeddings.tokens().weight());
        SDVariable x = Embedding.of(ids, table);
        if (drafts != null) {
            x = Blend.of(x, Embedding.of(drafts.ids(), table), drafts.share());
        }
        if (embeddings.scale() != 1) {
            // transformers has the factor in the type of the rows.
            double factor = embeddings.scale();
            x = Scale.by(x, x.dataType() != DataType.BFLOAT16 ? factor
                    : FloatFormats.fromBfloat16(FloatFormats.toBfloat16((float) factor)));
        }
        if (embeddings.positions() != null) {
            x = Add.of(Embedding.of(positions, parameter.apply(embeddings.positions().weight())), x);
        }
        if (embeddings.types() != null && types != null) {
            x = Add.of(Embedding.of(types, parameter.apply(embeddings.types().weight())), x);
        }
        return norm(embeddings.norm(), x);
    }

    private SDVariable block(int layer, Block block, SDVariable before, SDVariable positions, @Nullable SDVariable rows) {
        SDVariable attended = linear.apply(block.attention().output(),
                rows(attended(layer, block.attention(), norm(block.beforeAttention(), before), positions), rows));
        SDVariable x = rows(before, rows);
        switch (block.order()) {
            case SEQUENTIAL -> {
                SDVariable middle = Add.of(norm(block.afterAttention(), attended), x);
                SDVariable transformed = transformed(layer, block, norm(block.beforeFeedForward(), middle));
                return Add.of(norm(block.afterFeedForward(), transformed), middle);
            }
            case PARALLEL -> {
                SDVariable transformed = transformed(layer, block, norm(block.beforeFeedForward(), x));
                return Add.of(transformed, Add.of(attended, x));
            }
            default -> {
                SDVariable middle = norm(block.afterAttention(), Add.of(attended, x));
                return norm(block.afterFeedForward(), Add.of(transformed(layer, block, middle), middle));
            }
        }
    }

    private static SDVariable rows(SDVariable x, @Nullable SDVariable rows) {
        return rows == null ? x : GatherRows.of(x, rows);
    }

    private SDVariable attended(int layer, SelfAttention attention, SDVariable x, SDVariable positions) {
        SDVariable[] projected = projected(attention.projections(), x);
        AttentionShape shape = attention.shape();
        SDVariable query = normOfHeads(attention.queryNorm(), projected[0], shape);
        SDVariable key = normOfHeads(attention.keyNorm(), projected[1], shape);
        RotaryTable table = attention.rotary() == null ? null
                : tables.computeIfAbsent(attention.rotary(), Rotary::table);
        if (table == null || fusions.contains(Fusion.ROTARY_ATTENTION)) {
            return mixer.mix(layer, query, key, projected[2], shape, table);
        }
        return mixer.mix(layer, org.finetune4j.op.Rotary.of(query, positions, table),
                org.finetune4j.op.Rotary.of(key, positions, table), projected[2], shape, null);
    }

    private SDVariable[] projected(Projections projections, SDVariable x) {
        if (projections instanceof Projections.Fused fused) {
            return Split.of(linear.apply(fused.all(), x), fused.queries() + 2 * fused.keys(), fused.queries(),
                    fused.keys(), fused.keys());
        }
        return projections.layers().stream().map(layer -> linear.apply(layer, x)).toArray(SDVariable[]::new);
    }

    private SDVariable transformed(int layer, Block block, SDVariable x) {
        return change.apply(layer, feedForward(block.feedForward(), x));
    }

    private SDVariable feedForward(FeedForward feedForward, SDVariable x) {
        if (feedForward instanceof FeedForward.Gated gated) {
            SDVariable gate = linear.apply(gated.gate(), x);
            SDVariable up = linear.apply(gated.up(), x);
            return linear.apply(gated.down(), GatedActivation.of(gate, up, gated.activation()));
        }
        if (feedForward instanceof FeedForward.FusedGated fused) {
            SDVariable[] both = Split.of(linear.apply(fused.gateAndUp(), x), 2 * fused.inner(), fused.inner(), fused.inner());
            return linear.apply(fused.down(), GatedActivation.of(both[0], both[1], fused.activation()));
        }
        if (feedForward instanceof FeedForward.Experts experts) {
            return experts(experts, x);
        }
        FeedForward.Plain plain = (FeedForward.Plain) feedForward;
        return linear.apply(plain.down(), Activation.of(linear.apply(plain.up(), x), plain.activation()));
    }

    private SDVariable experts(FeedForward.Experts experts, SDVariable x) {
        List<FeedForward.Gated> all = experts.experts();
        SDVariable logits = MatMul.linear(x, parameter.apply(experts.router().weight()));
        SDVariable sum = Experts.of(x, logits, new Experts.Weights(weights(all, FeedForward.Gated::gate),
                weights(all, FeedForward.Gated::up), weights(all, FeedForward.Gated::down), scales(all)),
                experts.perToken(), experts.normalised(), all.get(0).activation());
        if (experts.shared() == null || experts.sharedGate() == null) {
            return sum;
        }
        return Add.of(weighted(feedForward(experts.shared(), x), x, parameter.apply(experts.sharedGate().weight())), sum);
    }

    /** {@code sigmoid(x gate^T) * y}, in FLOAT where the types are narrower, which ND4J's own operations lack. */
    private static SDVariable weighted(SDVariable y, SDVariable x, SDVariable gate) {
        DataType own = x.dataType();
        DataType wide = own == DataType.BFLOAT16 ? DataType.FLOAT : own;
        SDVariable logit = MatMul.of(x, false, gate, true, 1, wide, null);
        SDVariable product = (wide == own ? y : Scale.cast(y, wide)).mul(x.getSameDiff().nn().sigmoid(logit));
        return wide == own ? product : Scale.cast(product, own);
    }

    private List<SDVariable> weights(List<FeedForward.Gated> experts, Function<FeedForward.Gated, Linear> layer) {
        return experts.stream().map(layer).map(Linear::weight).map(parameter).toList();
    }

    private Experts.@Nullable Scales scales(List<FeedForward.Gated> experts) {
        return scales.apply(experts.get(0).gate()) == null ? null : new Experts.Scales(
                experts.stream().map(expert -> scales.apply(expert.gate())).toList(),
                experts.stream().map(expert -> scales.apply(expert.up())).toList(),
                experts.stream().map(expert -> scales.apply(expert.down())).toList());
    }

    private SDVariable norm(@Nullable Norm norm, SDVariable x) {
        if (norm == null) {
            return x;
        }
        SDVariable weight = parameter.apply(norm.weight());
        return norm.kind() == Norm.Kind.LAYER ? LayerNorm.of(x, weight, parameter.apply(norm.bias()), norm.epsilon())
                : RmsNorm.of(x, weight, norm.epsilon(), norm.kind() == Norm.Kind.ZERO_CENTRED_RMS);
    }

    /** A norm of queries or keys: of each head, or where it is as wide as all heads, of all of them together. */
    private SDVariable normOfHeads(@Nullable Norm norm, SDVariable x, AttentionShape shape) {
        return norm == null || norm.width() != shape.headDimension() ? norm(norm, x)
                : RmsNorm.perHead(x, parameter.apply(norm.weight()), shape.headDimension(), norm.epsilon(),
                        norm.kind() == Norm.Kind.ZERO_CENTRED_RMS);
    }
}
