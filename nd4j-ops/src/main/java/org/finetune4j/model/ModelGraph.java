package org.finetune4j.model;

import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Graph;
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
    private static final String WEIGHT = ".weight";

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

    /** A trunk that uses the model's own parameters. */
    LlamaGraph trunk(LlamaGraph.Mixer mixer, boolean adapterOn) {
        return new LlamaGraph(model.config(), this::parameter, adapterOn ? this::adapted : this::plain, mixer,
                options.fusions());
    }

    /** A trunk without adapter whose parameters are the given frozen copies. */
    LlamaGraph frozenTrunk(LlamaGraph.Mixer mixer, Map<String, INDArray> copies) {
        Function<String, SDVariable> parameter = name -> {
            String own = "reference." + name;
            INDArray copy = copies.get(name);
            if (copy == null) {
                throw new IllegalArgumentException("the reference has no parameter '" + name + "'");
            }
            parameterArrays.put(own, copy);
            return input(own, model.precision().type());
        };
        return new LlamaGraph(model.config(), parameter,
                (site, x) -> MatMul.linear(x, parameter.apply(site + WEIGHT)), mixer, options.fusions());
    }

    private SDVariable parameter(String name) {
        return bound(name, model.parameters().named(name).value());
    }

    private SDVariable bound(String name, INDArray array) {
        parameterArrays.put(name, array);
        return input(name, array.dataType());
    }

    /** A linear layer with nothing attached. */
    private SDVariable plain(String site, SDVariable x) {
        Parameter weight = model.parameters().named(site + WEIGHT);
        INDArray scales = weight.scales();
        return scales == null ? MatMul.linear(x, parameter(weight.name()))
                : MatMul.linear(x, parameter(weight.name()), bound(site + ".weight_scales", scales));
    }

    private SDVariable adapted(String site, SDVariable x) {
        SDVariable base = plain(site, x);
        LinearAdapter adapter = model.adapter();
        return adapter == null || !model.isAdapted(site) ? base : adapter.adapt(new Site(site, x), base);
    }

    private final class Site implements LinearSite {
        private final String name;
        private final SDVariable input;

        Site(String name, SDVariable input) {
            this.name = name;
            this.input = input;
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public SDVariable input() {
            return input;
        }

        @Override
        public SDVariable parameter(String suffix) {
            return ModelGraph.this.parameter(name + "." + suffix);
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
            Parameter weight = model.parameters().named(name + WEIGHT);
            return weight.scales() == null ? MatMul.of(rows, false, ModelGraph.this.parameter(weight.name()), true, 1,
                    model.precision().masterType(), null) : full(plain(name, rows));
        }

        @Override
        public SDVariable squaredRowNorms() {
            String own = name + ".squared_row_norms";
            if (!parameterArrays.containsKey(own)) {
                Parameter weight = model.parameters().named(name + WEIGHT);
                DataType type = model.precision().masterType();
                bound(own, model.isOutline() ? Arena.hollow(type, weight.shape()[0])
                        : Nd4j.createFromArray(RowNorms.squared(weight.value(), weight.scales())).castTo(type));
            }
            return ModelGraph.this.input(own, model.precision().masterType());
        }

        @Override
        public @Nullable SDVariable bias() {
            return model.baseNames().contains(name + ".bias") ? parameter("bias") : null;
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
