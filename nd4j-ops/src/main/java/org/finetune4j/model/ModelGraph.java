package org.finetune4j.model;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Graph;
import org.finetune4j.model.family.Architecture;
import org.finetune4j.model.family.Linear;
import org.finetune4j.op.AddRow;
import org.finetune4j.op.Attention;
import org.finetune4j.op.Dropout;
import org.finetune4j.op.MatMul;
import org.finetune4j.op.Scale;
import org.finetune4j.op.Steer;
import org.finetune4j.op.StopGradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Puts a model's trunk into a graph, with or without its adapter, and binds its parameters. */
final class ModelGraph {
    static final String IDS = "ids";
    static final String REFERENCE_IDS = "reference_ids";
    static final String POSITIONS = "positions";
    static final String OFFSETS = "offsets";
    static final String DROPOUT_SEED = "dropout_seed";
    static final String TYPES = "token_types";
    static final String DRAFTS = "drafts";
    static final String DRAFT_SHARE = "draft_share";

    private final LanguageModel model;
    private final EngineOptions options;
    private final Architecture architecture;
    private final Graph graph;
    private final Map<String, SDVariable> inputs;
    private final Map<String, INDArray> parameterArrays;
    private final String prefix;
    private int dropouts;

    ModelGraph(LanguageModel model, EngineOptions options) {
        this(model, options, model.config().layers());
    }

    /** A graph of the model that ends behind so many of its blocks. */
    ModelGraph(LanguageModel model, EngineOptions options, int blocks) {
        this.model = model;
        this.options = options;
        architecture = model.config().architecture().cut(blocks);
        graph = new Graph();
        inputs = new LinkedHashMap<>();
        parameterArrays = new HashMap<>();
        prefix = "";
    }

    private ModelGraph(LanguageModel model, ModelGraph shared, String prefix) {
        this.model = model;
        this.prefix = prefix;
        options = shared.options;
        architecture = model.config().architecture();
        graph = shared.graph;
        inputs = shared.inputs;
        parameterArrays = shared.parameterArrays;
    }

    /** Another model in this graph, which reads the same tokens; its parameters are told apart by this name. */
    ModelGraph beside(LanguageModel other, String name) {
        return new ModelGraph(other, this, name + ".");
    }

    Graph graph() {
        return graph;
    }

    /** The integer input of this name, made once. */
    SDVariable integers(String name) {
        return inputs.computeIfAbsent(name, key -> graph.input(key, DataType.INT));
    }

    /** A floating-point input of this name, made once. */
    SDVariable input(String name, DataType type) {
        return inputs.computeIfAbsent(name, key -> graph.input(key, type));
    }

    /** Attention within each sequence of a {@link PackedBatch}. */
    Trunk.Mixer packedAttention() {
        SDVariable offsets = integers(OFFSETS);
        SDVariable positions = integers(POSITIONS);
        return (layer, query, key, value, shape, rotary) -> rotary == null
                ? Attention.of(query, key, value, offsets, shape)
                : Attention.of(query, key, value, offsets, positions, rotary, shape);
    }

    /** Adds what a batch's tokens are, and the seed of its dropout masks, to the inputs of a run. */
    static void putTokens(Map<String, INDArray> inputs, PackedBatch batch, long dropoutSeed) {
        inputs.put(IDS, Nd4j.createFromArray(batch.ids()));
        inputs.put(POSITIONS, Nd4j.createFromArray(batch.positions()));
        inputs.put(OFFSETS, Nd4j.createFromArray(batch.offsets()));
        inputs.put(DROPOUT_SEED, Nd4j.createFromArray(Dropout.seed(dropoutSeed)));
    }

    /** Arrays of all parameters that the graph reads. */
    Map<String, INDArray> parameterArrays() {
        return parameterArrays;
    }

    /** The last hidden states of a trunk of this graph, {@code [tokens, hidden]}. */
    SDVariable hidden(Trunk trunk) {
        return hidden(trunk, IDS, null, null);
    }

    /** The last hidden states of some tokens, {@code [rows, hidden]}; rows are distinct, {@code [rows]}. */
    SDVariable hidden(Trunk trunk, SDVariable rows) {
        return hidden(trunk, false, rows);
    }

    /** As the shorter method, of {@link #REFERENCE_IDS} in the place of the tokens. */
    SDVariable hiddenOfReferenceIds(Trunk trunk, SDVariable rows) {
        return hidden(trunk, REFERENCE_IDS, null, rows);
    }

    /** As the shorter method, where asked for with {@link #DRAFT_SHARE} of the embeddings of {@link #DRAFTS} in the tokens'. */
    SDVariable hidden(Trunk trunk, boolean drafted, SDVariable rows) {
        return hidden(trunk, IDS, !drafted ? null
                : new Trunk.Drafts(integers(DRAFTS), input(DRAFT_SHARE, model.precision().masterType())), rows);
    }

    private SDVariable hidden(Trunk trunk, String ids, Trunk.@Nullable Drafts drafts, @Nullable SDVariable rows) {
        return trunk.hidden(integers(ids), integers(POSITIONS),
                architecture.embeddings().types() == null ? null : integers(TYPES), drafts, rows);
    }

    /** A trunk that uses the model's own parameters. */
    Trunk trunk(Trunk.Mixer mixer, boolean adapterOn) {
        return trunk(mixer, adapterOn, Map.of(), Trunk.FeedForwardChange.NONE);
    }

    /** As the shorter method, with feed-forward outputs that are turned, where a steering is given. */
    Trunk trunk(Trunk.Mixer mixer, boolean adapterOn, @Nullable Steering steering) {
        return trunk(mixer, adapterOn, Map.of(), steering == null ? Trunk.FeedForwardChange.NONE
                : (layer, output) -> Steer.of(output, bound(Steering.name(layer), steering.vector(layer)), steering.step()));
    }

    /**
     * A trunk that has copies of some parameters in their place.
     *
     * @param copies by the names of the parameters; where there are any, nothing is dropped out
     */
    Trunk trunk(Trunk.Mixer mixer, boolean adapterOn, Map<String, INDArray> copies) {
        return trunk(mixer, adapterOn, copies, Trunk.FeedForwardChange.NONE);
    }

    private Trunk trunk(Trunk.Mixer mixer, boolean adapterOn, Map<String, INDArray> copies,
                        Trunk.FeedForwardChange change) {
        Weights weights = new Weights(copies);
        return new Trunk(architecture, weights::named, weights::scales,
                adapterOn ? weights::adapted : weights::plain, mixer, change, options.fusions());
    }

    private SDVariable bound(String name, INDArray array) {
        parameterArrays.put(prefix + name, array);
        return input(prefix + name, array.dataType());
    }

    /** The parameters of one trunk: the model's own, or copies of them. */
    private final class Weights {
        private final Map<String, INDArray> copies;

        Weights(Map<String, INDArray> copies) {
            this.copies = copies;
        }

        SDVariable named(String name) {
            INDArray copy = copies.get(name);
            return copy != null ? bound("reference." + name, copy) : bound(name, model.parameters().named(name).value());
        }

        /** A linear layer with nothing attached. */
        SDVariable plain(Linear layer, SDVariable x) {
            return biased(layer, withoutBias(layer, x), this::named);
        }

        SDVariable adapted(Linear layer, SDVariable x) {
            SDVariable base = withoutBias(layer, x);
            LinearAdapter adapter = model.adapter();
            boolean attached = adapter != null && model.isAdapted(layer.site());
            return biased(layer, attached ? adapter.adapt(new Site(layer, x, this), base) : base, this::named);
        }

        SDVariable withoutBias(Linear layer, SDVariable x) {
            SDVariable weight = named(layer.weight());
            SDVariable scales = scales(layer);
            return scales == null ? product(layer, x, weight) : MatMul.linear(x, weight, scales);
        }

        @Nullable SDVariable scales(Linear layer) {
            INDArray scales = model.parameters().named(layer.weight()).scales();
            return scales == null ? null : bound(layer.site() + ".weight_scales", scales);
        }
    }

    private static SDVariable product(Linear layer, SDVariable x, SDVariable weight) {
        return layer.turned() ? MatMul.of(x, false, weight, false, 1, x.dataType(), null) : MatMul.linear(x, weight);
    }

    private static SDVariable biased(Linear layer, SDVariable product, Function<String, SDVariable> parameter) {
        return layer.bias() ? AddRow.of(product, parameter.apply(layer.biasName())) : product;
    }

    private final class Site implements LinearSite {
        private final Linear layer;
        private final SDVariable input;
        private final Weights weights;

        Site(Linear layer, SDVariable input, Weights weights) {
            this.layer = layer;
            this.input = input;
            this.weights = weights;
        }

        @Override
        public String name() {
            return layer.site();
        }

        @Override
        public SDVariable input() {
            return input;
        }

        @Override
        public SDVariable parameter(String suffix) {
            return weights.named(name() + "." + suffix);
        }

        @Override
        public SDVariable linear(SDVariable x, SDVariable weight) {
            return MatMul.linear(x, weight);
        }

        @Override
        public SDVariable linearAdd(SDVariable addend, double factor, SDVariable x, SDVariable weight) {
            return MatMul.linearAdd(addend, factor, x, weight);
        }

        @Override
        public SDVariable dropout(SDVariable x, double rate) {
            return rate == 0 || !weights.copies.isEmpty() ? x : Dropout.of(x, integers(DROPOUT_SEED), rate, dropouts++);
        }

        @Override
        public SDVariable throughWeight(SDVariable rows) {
            return weights.scales(layer) != null ? full(weights.withoutBias(layer, rows)) : MatMul.of(rows, false,
                    weights.named(layer.weight()), !layer.turned(), 1, model.precision().masterType(), null);
        }

        @Override
        public SDVariable squaredRowNorms() {
            String own = name() + ".squared_row_norms";
            DataType type = model.precision().masterType();
            if (!parameterArrays.containsKey(own)) {
                Parameter weight = model.parameters().named(layer.weight());
                INDArray rows = layer.turned() ? weight.value().transpose() : weight.value();
                bound(own, model.isOutline() ? Arena.hollow(type, weight.shape()[layer.turned() ? 1 : 0])
                        : Nd4j.createFromArray(RowNorms.squared(rows, weight.scales())).castTo(type));
            }
            return ModelGraph.this.input(own, type);
        }

        @Override
        public SDVariable full(SDVariable x) {
            return cast(x, model.precision().masterType());
        }

        @Override
        public SDVariable rounded(SDVariable x) {
            return cast(x, model.precision().type());
        }

        private static SDVariable cast(SDVariable x, DataType type) {
            return x.dataType() == type ? x : Scale.cast(x, type);
        }

        @Override
        public SDVariable detached(SDVariable x) {
            return StopGradient.of(x);
        }
    }
}
