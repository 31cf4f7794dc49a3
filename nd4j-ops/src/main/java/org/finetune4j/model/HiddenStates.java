package org.finetune4j.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.Memory;
import org.finetune4j.graph.Recomputation;
import org.finetune4j.graph.ReversePass;
import org.finetune4j.op.GatherRows;
import org.finetune4j.op.Scale;
import org.finetune4j.op.SquaredDistance;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A model's hidden states at chosen rows of a batch, to look at or to be drawn towards constant targets.
 *
 * <p>The states are numbered as transformers' {@code hidden_states}: 0 is the residual stream before the first block, n
 * that behind block n, and the last, whose number is that of the blocks, has the final norm.
 *
 * <p>Not for use by several threads at once.
 */
public final class HiddenStates implements AutoCloseable {
    private static final String ROWS = "rows";
    private static final String TARGET = "target.";
    private static final String SEED = "seed";

    private final LanguageModel model;
    private final DataType type;
    private final Arena arena = new Arena();
    private final Map<String, INDArray> parameterArrays;
    private final Map<String, INDArray> gradients = new HashMap<>();
    private final List<Integer> layers;
    private final List<String> states;
    private final List<String> distances = new ArrayList<>();
    private final GraphSession forward;
    private final @Nullable GraphSession training;

    private HiddenStates(LanguageModel model, List<Integer> layers, boolean trains, @Nullable Steering steering,
                         EngineOptions options) {
        this.model = model;
        this.layers = layers;
        this.type = model.precision().masterType();
        int blocks = model.config().layers();
        layers.forEach(layer -> {
            if (layer < 0 || layer > blocks) {
                throw new FinetuneException("there is no hidden state " + layer + "; the model has 0 to " + blocks
                        + ", of which the last is behind the final norm.");
            }
        });
        ModelGraph graph = new ModelGraph(model, options);
        Trunk trunk = graph.trunk(graph.packedAttention(), true, steering);
        SDVariable rows = graph.integers(ROWS);
        SDVariable last = graph.hidden(trunk, rows);
        List<SDVariable> chosen = layers.stream().map(layer -> full(layer == blocks ? last
                : GatherRows.of(trunk.residual(layer), rows))).toList();
        states = chosen.stream().map(SDVariable::name).toList();
        forward = new GraphSession(graph.graph(), model.kernels(), arena, states, Map.of(), Map.of(),
                options.productFusion());
        List<Parameter> trainable = trains ? model.parameters().trainable() : List.of();
        trainable.forEach(parameter -> gradients.put(parameter.name(), model.parameters().gradient(parameter)));
        training = trainable.isEmpty() ? null : training(graph, trunk, chosen, options);
        parameterArrays = graph.parameterArrays();
    }

    /** The states of these numbers, to look at. */
    public static HiddenStates forwardOnly(LanguageModel model, List<Integer> layers, EngineOptions options) {
        return new HiddenStates(model, List.copyOf(layers), false, null, options);
    }

    /** The states of numbers {@code lowest..highest}, to look at and to draw; what trains has been decided. */
    public static HiddenStates trained(LanguageModel model, int lowest, int highest, EngineOptions options) {
        return new HiddenStates(model, range(lowest, highest), true, null, options);
    }

    /**
     * The states of numbers {@code lowest..highest} in passes that are steered, to look at or to draw.
     *
     * @param trains whether they are to be drawn; what trains in the model has been decided then
     */
    public static HiddenStates steered(LanguageModel model, int lowest, int highest, boolean trains, Steering steering,
                                       EngineOptions options) {
        return new HiddenStates(model, range(lowest, highest), trains, steering, options);
    }

    private static List<Integer> range(int lowest, int highest) {
        return IntStream.rangeClosed(lowest, highest).boxed().toList();
    }

    private SDVariable full(SDVariable x) {
        return x.dataType() == type ? x : Scale.cast(x, type);
    }

    private GraphSession training(ModelGraph graph, Trunk trunk, List<SDVariable> chosen, EngineOptions options) {
        List<SDVariable> losses = new ArrayList<>();
        for (int i = 0; i < chosen.size(); i++) {
            losses.add(SquaredDistance.of(chosen.get(i), graph.input(TARGET + i, type)));
        }
        losses.forEach(loss -> distances.add(loss.name()));
        Map<String, List<String>> contributions = ReversePass.build(graph.graph(), losses, graph.input(SEED, type),
                gradients.keySet());
        return new GraphSession(graph.graph(), model.kernels(), arena, distances, contributions, Map.of(),
                options.productFusion().then(new Recomputation(trunk.boundaries(), options.cheapRecomputed(),
                        Math.min(options.recomputedBlocks(), model.config().layers()))));
    }

    /**
     * The states.
     *
     * @param rows        distinct rows of the batch, ascending, at least one
     * @param dropoutSeed for dropout masks, or negative for none
     * @return for each layer {@code [rows, hidden]} FLOAT, or DOUBLE in gradient checks; the arrays are the caller's
     */
    public List<INDArray> of(PackedBatch batch, int[] rows, long dropoutSeed) {
        Map<String, INDArray> found = forward.run(inputs(batch, rows, dropoutSeed), Map.of());
        return states.stream().map(state -> found.get(state).dup('c')).toList();
    }

    /**
     * Adds the gradient of {@code factor * mean((h - target)^2)}, over layers, rows and elements, to
     * {@link Parameters#flatGradient()}.
     *
     * @param targets     what {@link #of} gave for these rows, under any weights
     * @param dropoutSeed for dropout masks, or negative for none
     * @return the mean, without the factor
     */
    public double accumulateGradient(PackedBatch batch, int[] rows, List<INDArray> targets, double factor,
                                     long dropoutSeed) {
        if (training == null) {
            throw new IllegalStateException("nothing trains: decide what does before making this, with trained(...)");
        }
        long elements = targets.stream().mapToLong(INDArray::length).sum();
        Map<String, INDArray> inputs = inputs(batch, rows, dropoutSeed);
        for (int i = 0; i < layers.size(); i++) {
            inputs.put(TARGET + i, targets.get(i));
        }
        inputs.put(SEED, Nd4j.valueArrayOf(new long[] {1}, factor / elements, type));
        Map<String, INDArray> found = training.run(inputs, gradients, model.parameters().takeCleared());
        return distances.stream().mapToDouble(name -> found.get(name).getDouble(0)).sum() / elements;
    }

    private Map<String, INDArray> inputs(PackedBatch batch, int[] rows, long dropoutSeed) {
        Map<String, INDArray> inputs = new HashMap<>(parameterArrays);
        ModelGraph.putTokens(inputs, batch, dropoutSeed);
        inputs.put(ROWS, Nd4j.createFromArray(rows));
        return inputs;
    }

    /**
     * Logits that the model's last states stand for, of a part of the vocabulary.
     *
     * @param last {@code [rows, hidden]}, as {@link #of} gives it of the last state
     * @param from first token of the part
     * @param to   behind its last token
     * @return {@code [rows, to - from]}; the array is the caller's
     */
    public INDArray logits(INDArray last, int from, int to) {
        INDArray weight = model.parameters().named(Objects.requireNonNull(model.config().architecture().head(),
                "an encoder has no logits").weight()).value();
        INDArray part = Arena.arrayAt(Memory.address(weight) + from * weight.size(1) * weight.dataType().width(),
                weight.dataType(), new long[] {to - from, weight.size(1)});
        INDArray logits = Nd4j.createUninitialized(type, last.size(0), to - from);
        if (weight.dataType() == last.dataType()) {
            project(last, part, logits);
        } else {
            try (INDArray rows = Nd4j.createUninitialized(weight.dataType(), last.shape())) {
                model.kernels().scale(last, 1, rows);
                project(rows, part, logits);
            }
        }
        Double cap = model.logitScaling().cap();
        if (cap != null) {
            model.kernels().softCap(logits, cap, logits);
        }
        return logits;
    }

    private void project(INDArray rows, INDArray weight, INDArray logits) {
        model.kernels().matmul(rows, false, weight, true, logits, model.logitScaling().factor(), false);
    }

    /**
     * What {@link #of} and, where anything trains, {@link #accumulateGradient} need for a batch of a size; nothing is
     * computed, so that the model may be an outline. The arrays that {@link #of} gives are counted as copies.
     *
     * @param tokens    tokens of a batch
     * @param rows      rows that are looked at
     * @param sequences sequences of equal length, which tell the operations of attention
     */
    public EngineForecast forecast(int tokens, int rows, int sequences) {
        Map<String, INDArray> inputs = inputs(PackedBatch.sized(tokens, 0, sequences), IntStream.range(0, rows).toArray(), -1);
        GraphSession.Work look = forward.work(inputs);
        long arrays = forward.arenaBytes(TrainingEngine.shapes(inputs));
        double products = look.products();
        double moved = look.movedBytes();
        long hidden = model.config().hiddenSize();
        if (training != null) {
            for (int i = 0; i < layers.size(); i++) {
                inputs.put(TARGET + i, Arena.hollow(type, rows, hidden));
            }
            inputs.put(SEED, Nd4j.valueArrayOf(new long[] {1}, 1.0, type));
            GraphSession.Work draw = training.work(inputs);
            arrays = Math.max(arrays, training.arenaBytes(TrainingEngine.shapes(inputs)));
            products += draw.products();
            moved += draw.movedBytes();
        }
        return new EngineForecast(arrays, 0, layers.size() * rows * hidden * type.width(), 0, products, moved);
    }

    /** Bytes of intermediate arrays as they are held now. */
    public long arenaBytes() {
        return arena.bytes();
    }

    @Override
    public void close() {
        arena.close();
    }
}
