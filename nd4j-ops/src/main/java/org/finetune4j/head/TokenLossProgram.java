package org.finetune4j.head;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Graph;
import org.finetune4j.graph.GraphSession;
import org.finetune4j.graph.ReversePass;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.op.DrawTokens;
import org.finetune4j.op.KlDivergence;
import org.finetune4j.op.LogProbability;
import org.finetune4j.op.LogSumExp;
import org.finetune4j.op.RowEntry;
import org.finetune4j.op.StopGradient;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A token loss as a small graph over one chunk of logits, with its gradient towards the logits. */
public final class TokenLossProgram implements AutoCloseable {
    private static final String LOGITS = "logits";
    private static final String LABELS = "labels";
    private static final String WEIGHTS = "weights";
    private static final String REFERENCE = "reference_logits";
    private static final String KEYS = "keys";
    private static final String POSITIONS = "positions";
    private static final String SAMPLES = "samples";
    private static final String COLUMN = "column.";

    private final Arena arena = new Arena();
    private final List<String> names = new ArrayList<>();
    private final List<String> valueOutputs = new ArrayList<>();
    private final boolean needsReference;
    private final boolean drawsTokens;
    private final List<String> columns;
    private final GraphSession forward;
    private final GraphSession training;
    private final String gradient;

    /** Builds the graph, whose gradient is of the type of the logits: FLOAT, or DOUBLE in gradient checks. */
    public TokenLossProgram(TokenLoss tokenLoss, DataType type, Kernels kernels) {
        this(tokenLoss, type, type, kernels);
    }

    /**
     * Builds the graph.
     *
     * @param type         FLOAT, or DOUBLE in gradient checks
     * @param gradientType of the logits' gradient: {@code type}, or BFLOAT16
     */
    public TokenLossProgram(TokenLoss tokenLoss, DataType type, DataType gradientType, Kernels kernels) {
        Graph graph = new Graph();
        needsReference = tokenLoss.needsReference();
        drawsTokens = tokenLoss.drawsTokens();
        columns = List.copyOf(tokenLoss.columns());
        View view = new View(graph, type, this);
        TokenLoss.Expression expression = tokenLoss.build(view);
        names.add("loss");
        valueOutputs.add(expression.loss().name());
        expression.logged().forEach((name, variable) -> {
            names.add(name);
            valueOutputs.add(variable.name());
        });
        forward = new GraphSession(graph, kernels, arena, valueOutputs, Map.of(), Map.of());
        SDVariable total = ReversePass.total(graph, expression.loss(), view.weights, LOGITS, gradientType);
        if (total == null) {
            throw new IllegalArgumentException("the token loss does not depend on the logits, so nothing would train");
        }
        gradient = total.name();
        List<String> outputs = new ArrayList<>(valueOutputs);
        outputs.add(gradient);
        training = new GraphSession(graph, kernels, arena, outputs, Map.of(), Map.of());
    }

    /** Whether {@link #run} needs reference logits. */
    public boolean needsReference() {
        return needsReference;
    }

    /** Names of the values per token: {@code loss} first, then what the token loss logs. */
    public List<String> valueNames() {
        return List.copyOf(names);
    }

    /** Names of the columns that {@link #run} needs. */
    List<String> columns() {
        return columns;
    }

    /** Whether {@link #run} needs keys. */
    boolean drawsTokens() {
        return drawsTokens;
    }

    /** Evaluates a chunk as {@link #run(INDArray, INDArray, INDArray, INDArray, Beside, boolean)} with nothing beside. */
    public Result run(INDArray logits, INDArray labels, INDArray weights, @Nullable INDArray referenceLogits,
                      boolean withGradient) {
        return run(logits, labels, weights, referenceLogits, Beside.NOTHING, withGradient);
    }

    /**
     * Evaluates a chunk.
     *
     * @param logits          {@code [chunk, vocabulary]}
     * @param labels          {@code [chunk]} INT32
     * @param weights         {@code [chunk]}, the upstream gradient of each token's loss
     * @param referenceLogits {@code [chunk, vocabulary]} when {@link #needsReference()}
     * @param beside          what else the token loss asks for
     * @param withGradient    whether the gradient towards the logits is wanted
     * @return valid until the next call
     */
    public Result run(INDArray logits, INDArray labels, INDArray weights, @Nullable INDArray referenceLogits,
                      Beside beside, boolean withGradient) {
        Map<String, INDArray> inputs = new LinkedHashMap<>();
        inputs.put(LOGITS, logits);
        inputs.put(LABELS, labels);
        inputs.put(WEIGHTS, weights);
        if (referenceLogits != null) {
            inputs.put(REFERENCE, referenceLogits);
        }
        beside.columns().forEach((name, values) -> inputs.put(COLUMN + name, values));
        beside.integers().forEach(inputs::put);
        Map<String, INDArray> outputs = (withGradient ? training : forward).run(inputs, Map.of());
        List<INDArray> values = valueOutputs.stream().map(outputs::get).toList();
        for (int i = 0; i < values.size(); i++) {
            requirePerToken(names.get(i), values.get(i), weights);
        }
        return new Result(values, withGradient ? outputs.get(gradient) : null);
    }

    private static void requirePerToken(String name, INDArray values, INDArray weights) {
        if (values.rank() != 1 || values.length() != weights.length() || values.dataType() != weights.dataType()) {
            throw new FinetuneException("the token loss gave '" + name + "' as " + values.dataType() + " "
                    + Arrays.toString(values.shape()) + " for " + weights.length() + " supervised tokens, but must give one "
                    + weights.dataType() + " number per token, of shape [" + weights.length()
                    + "]. Reduce over the vocabulary without keeping that axis.");
        }
    }

    /**
     * What a token loss may ask for of each token of a chunk.
     *
     * @param columns  {@code [chunk]} of the type of the logits, for each of the token loss's columns
     * @param integers {@code [chunk]} INT32, by the names of the program's inputs
     */
    public record Beside(Map<String, INDArray> columns, Map<String, INDArray> integers) {
        /** Nothing. */
        public static final Beside NOTHING = new Beside(Map.of(), Map.of());

        /** Columns, and keys where tokens are drawn. */
        public static Beside of(Map<String, INDArray> columns, @Nullable INDArray keys) {
            return new Beside(columns, keys == null ? Map.of() : Map.of(KEYS, keys));
        }

        /** The same with places and samples of the tokens. */
        Beside at(INDArray positions, INDArray samples) {
            Map<String, INDArray> all = new HashMap<>(integers);
            all.put(POSITIONS, positions);
            all.put(SAMPLES, samples);
            return new Beside(columns, all);
        }
    }

    /**
     * A chunk's outcome.
     *
     * @param values         per-token values in the order of {@link #valueNames()}
     * @param logitsGradient {@code [chunk, vocabulary]} of the gradient type, or null
     */
    public record Result(List<INDArray> values, @Nullable INDArray logitsGradient) {
    }

    /** What {@link #arenaBytes()} comes to with chunks of so many rows, found without allocating it. */
    long mostBytes(long rows, long vocabulary) {
        Map<String, long[]> shapes = new HashMap<>(Map.of(LOGITS, new long[] {rows, vocabulary},
                LABELS, new long[] {rows}, WEIGHTS, new long[] {rows}, REFERENCE, new long[] {rows, vocabulary},
                KEYS, new long[] {rows}, POSITIONS, new long[] {rows}, SAMPLES, new long[] {rows}));
        columns.forEach(name -> shapes.put(COLUMN + name, new long[] {rows}));
        return Math.max(forward.arenaBytes(shapes), training.arenaBytes(shapes));
    }

    /** Bytes of native memory that the program holds. */
    public long arenaBytes() {
        return arena.bytes();
    }

    @Override
    public void close() {
        arena.close();
    }

    private static final class View implements TokenView {
        private final Graph graph;
        private final SDVariable logits;
        private final SDVariable labels;
        private final SDVariable weights;
        private final @Nullable SDVariable reference;
        private final @Nullable SDVariable keys;
        private final Map<String, SDVariable> columns = new HashMap<>();
        private final Map<String, SDVariable> integers = new HashMap<>();
        private final Map<String, SDVariable> logProbabilities = new HashMap<>();
        private final Map<String, SDVariable> logSumExps = new HashMap<>();

        View(Graph graph, DataType type, TokenLossProgram program) {
            this.graph = graph;
            logits = graph.input(LOGITS, type);
            labels = graph.input(LABELS, DataType.INT);
            weights = graph.input(WEIGHTS, type);
            reference = program.needsReference ? graph.input(REFERENCE, type) : null;
            keys = program.drawsTokens ? graph.input(KEYS, DataType.INT) : null;
            program.columns.forEach(name -> columns.put(name, graph.input(COLUMN + name, type)));
        }

        @Override
        public SameDiff graph() {
            return graph.sameDiff();
        }

        @Override
        public SDVariable logits() {
            return logits;
        }

        @Override
        public SDVariable labels() {
            return labels;
        }

        @Override
        public SDVariable positions() {
            return integers.computeIfAbsent(POSITIONS, name -> graph.input(name, DataType.INT));
        }

        @Override
        public SDVariable samples() {
            return integers.computeIfAbsent(SAMPLES, name -> graph.input(name, DataType.INT));
        }

        @Override
        public SDVariable logProbability() {
            return logProbability(logits);
        }

        @Override
        public SDVariable logProbability(SDVariable of) {
            return logProbabilities.computeIfAbsent(of.name(), name -> LogProbability.of(of, labels, logSumExp(of)));
        }

        @Override
        public SDVariable atLabel(SDVariable x) {
            return RowEntry.atLabel(x, labels);
        }

        @Override
        public SDVariable largest(SDVariable x) {
            return RowEntry.numberOfLargest(x);
        }

        @Override
        public SDVariable entropy(SDVariable of) {
            SDVariable mean = graph().nn().softmax(of, 1).mul(of).sum(1);
            return logSumExp(of).sub(mean);
        }

        @Override
        public SDVariable column(String name) {
            SDVariable column = columns.get(name);
            if (column == null) {
                throw new IllegalStateException("column '" + name + "' was asked for by a token loss whose columns() are "
                        + columns.keySet());
            }
            return column;
        }

        @Override
        public SDVariable drawnTokens(SDVariable of, double temperature, int count, int among) {
            if (keys == null) {
                throw new IllegalStateException("tokens were to be drawn by a token loss whose drawsTokens() is false");
            }
            return DrawTokens.of(of, keys, temperature, count, among);
        }

        @Override
        public SDVariable logSumExp() {
            return logSumExp(logits);
        }

        private SDVariable logSumExp(SDVariable of) {
            return logSumExps.computeIfAbsent(of.name(), name -> LogSumExp.of(of));
        }

        @Override
        public SDVariable referenceLogits() {
            if (reference == null) {
                throw new IllegalStateException("reference logits were asked for by a token loss whose "
                        + "needsReference() is false");
            }
            return reference;
        }

        @Override
        public SDVariable klDivergence(SDVariable from, SDVariable to) {
            return KlDivergence.of(from, to, logSumExp(from), logSumExp(to));
        }

        @Override
        public SDVariable stopGradient(SDVariable x) {
            return StopGradient.of(x);
        }
    }
}
