package org.finetune4j.model;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Graph;
import org.finetune4j.model.family.Linear;
import org.finetune4j.op.AddRow;
import org.finetune4j.op.Dropout;
import org.finetune4j.op.MatMul;
import org.finetune4j.op.Scale;
import org.finetune4j.op.StopGradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Puts a model's trunk into a graph, with or without its adapter, and binds its parameters. */
final class ModelGraph {
    static final String IDS = "ids";
    static final String POSITIONS = "positions";
    static final String OFFSETS = "offsets";
    static final String DROPOUT_SEED = "dropout_seed";
    static final String TYPES = "token_types";

    private final LanguageModel model;
    private final EngineOptions options;
    private final Graph graph = new Graph();
    private final Map<String, SDVariable> inputs = new LinkedHashMap<>();
    private final Map<String, INDArray> parameterArrays = new HashMap<>();
    private int dropouts;

    ModelGraph(LanguageModel model, EngineOptions options) {
        this.model = model;
        this.options = options;
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

    /** Arrays of all parameters that the graph reads. */
    Map<String, INDArray> parameterArrays() {
        return parameterArrays;
    }

    /** The last hidden states of a trunk of this graph, {@code [tokens, hidden]}. */
    SDVariable hidden(Trunk trunk) {
        return trunk.hidden(integers(IDS), integers(POSITIONS),
                model.config().architecture().embeddings().types() == null ? null : integers(TYPES));
    }

    /** A trunk that uses the model's own parameters. */
    Trunk trunk(Trunk.Mixer mixer, boolean adapterOn) {
        return new Trunk(model.config().architecture(), this::parameter, this::scales,
                adapterOn ? this::adapted : this::plain, mixer,
                options.fusions());
    }

    /** A trunk without adapter whose parameters are the given frozen copies. */
    Trunk frozenTrunk(Trunk.Mixer mixer, Map<String, INDArray> copies) {
        Function<String, SDVariable> parameter = name -> {
            String own = "reference." + name;
            INDArray copy = copies.get(name);
            if (copy == null) {
                throw new IllegalArgumentException("the reference has no parameter '" + name + "'");
            }
            parameterArrays.put(own, copy);
            return input(own, model.precision().type());
        };
        return new Trunk(model.config().architecture(), parameter, layer -> null,
                (layer, x) -> biased(layer, product(layer, x, parameter.apply(layer.weight())), parameter), mixer,
                options.fusions());
    }

    private SDVariable parameter(String name) {
        return bound(name, model.parameters().named(name).value());
    }

    private SDVariable bound(String name, INDArray array) {
        parameterArrays.put(name, array);
        return input(name, array.dataType());
    }

    /** A linear layer with nothing attached. */
    private SDVariable plain(Linear layer, SDVariable x) {
        return biased(layer, withoutBias(layer, x), this::parameter);
    }

    private SDVariable adapted(Linear layer, SDVariable x) {
        SDVariable base = withoutBias(layer, x);
        LinearAdapter adapter = model.adapter();
        boolean attached = adapter != null && model.isAdapted(layer.site());
        return biased(layer, attached ? adapter.adapt(new Site(layer, x), base) : base, this::parameter);
    }

    private SDVariable withoutBias(Linear layer, SDVariable x) {
        SDVariable weight = parameter(layer.weight());
        SDVariable scales = scales(layer);
        return scales == null ? product(layer, x, weight) : MatMul.linear(x, weight, scales);
    }

    private @Nullable SDVariable scales(Linear layer) {
        INDArray scales = model.parameters().named(layer.weight()).scales();
        return scales == null ? null : bound(layer.site() + ".weight_scales", scales);
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

        Site(Linear layer, SDVariable input) {
            this.layer = layer;
            this.input = input;
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
            return ModelGraph.this.parameter(name() + "." + suffix);
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
            return rate == 0 ? x : Dropout.of(x, integers(DROPOUT_SEED), rate, dropouts++);
        }

        @Override
        public SDVariable throughWeight(SDVariable rows) {
            return scales(layer) != null ? full(withoutBias(layer, rows)) : MatMul.of(rows, false,
                    ModelGraph.this.parameter(layer.weight()), !layer.turned(), 1, model.precision().masterType(), null);
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
