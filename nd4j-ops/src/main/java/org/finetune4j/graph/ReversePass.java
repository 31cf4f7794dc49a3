package org.finetune4j.graph;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.op.Scale;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Builds gradients into a graph by walking its operations backwards, only along paths that lead to wanted leaves.
 *
 * <p>SameDiff's own gradient function is not used: it clones the graph through a format that does not know this
 * project's operations, and computes gradients of frozen weights.
 */
public final class ReversePass {
    private final Graph graph;
    private final Set<String> wanted;
    private final Set<String> leadsToWanted = new HashSet<>();
    private final Map<String, SDVariable> gradients = new HashMap<>();
    private final Map<String, List<String>> leafContributions = new LinkedHashMap<>();
    private final @Nullable DataType totalType;
    private Graph.@Nullable Node lastContributor;

    private ReversePass(Graph graph, Collection<String> wanted, @Nullable DataType totalType) {
        this.graph = graph;
        this.wanted = Set.copyOf(wanted);
        this.totalType = totalType;
    }

    /**
     * Builds the gradient of {@code sum(seed * output)} towards leaves.
     *
     * @param output what is differentiated
     * @param seed   its upstream gradient, of its shape
     * @param wanted names of the leaves that want a gradient
     * @return for every wanted leaf the variables whose sum is its gradient; a leaf that {@code output} does not depend
     *         on has none
     */
    public static Map<String, List<String>> build(Graph graph, SDVariable output, SDVariable seed,
                                                  Collection<String> wanted) {
        return build(graph, List.of(output), seed, wanted);
    }

    /** As the other method, of {@code sum(seed * output)} over several outputs of one shape, none of which needs another. */
    public static Map<String, List<String>> build(Graph graph, List<SDVariable> outputs, SDVariable seed,
                                                  Collection<String> wanted) {
        ReversePass pass = new ReversePass(graph, wanted, null);
        pass.walk(outputs, seed);
        return pass.leafContributions;
    }

    /**
     * Builds the gradient of {@code sum(seed * output)} towards one leaf, as one variable.
     *
     * @param leaf its name
     * @param type the type of the gradient, which the last operation that contributes to it writes if it can
     * @return the gradient, or null when {@code output} does not depend on the leaf
     */
    public static @Nullable SDVariable total(Graph graph, SDVariable output, SDVariable seed, String leaf,
                                             DataType type) {
        ReversePass pass = new ReversePass(graph, List.of(leaf), type);
        pass.walk(List.of(output), seed);
        SDVariable total = pass.gradients.get(leaf);
        return total == null || total.dataType() == type ? total : Scale.cast(total, type);
    }

    private void walk(List<SDVariable> outputs, SDVariable seed) {
        List<Graph.Node> forward = graph.nodes();
        leadsToWanted.addAll(wanted);
        for (Graph.Node node : forward) {
            if (leadsBack(node)) {
                leadsToWanted.addAll(node.outputs());
            }
        }
        for (String leaf : wanted) {
            leafContributions.put(leaf, new ArrayList<>());
        }
        lastContributor = totalType == null ? null : lastContributor(forward, outputs.get(0).name());
        outputs.forEach(output -> contribute(output.name(), seed));
        for (int i = forward.size() - 1; i >= 0; i--) {
            Graph.Node node = forward.get(i);
            boolean arrives = node.outputs().stream().anyMatch(gradients::containsKey);
            if (!arrives || !leadsBack(node)) {
                continue;
            }
            if (node.operation() instanceof OwnOp own) {
                own.backward(new Step(node));
            } else {
                differentiateStock(node);
            }
        }
    }

    private boolean leadsBack(Graph.Node node) {
        return IntStream.range(0, node.inputs().size()).anyMatch(input -> leadsBack(node, input));
    }

    private boolean leadsBack(Graph.Node node, int input) {
        return leadsToWanted.contains(node.inputs().get(input))
                && (!(node.operation() instanceof OwnOp own) || own.differentiable() && own.differentiable(input));
    }

    /** The first operation on the paths from wanted leaves to the output, which the walk comes to last. */
    private Graph.@Nullable Node lastContributor(List<Graph.Node> forward, String output) {
        Set<String> arrives = new HashSet<>(Set.of(output));
        Graph.Node last = null;
        for (int i = forward.size() - 1; i >= 0; i--) {
            Graph.Node node = forward.get(i);
            if (node.outputs().stream().noneMatch(arrives::contains)) {
                continue;
            }
            for (int input = 0; input < node.inputs().size(); input++) {
                if (leadsBack(node, input)) {
                    arrives.add(node.inputs().get(input));
                    last = wanted.contains(node.inputs().get(input)) ? node : last;
                }
            }
        }
        return last;
    }

    private void differentiateStock(Graph.Node node) {
        List<SDVariable> upstream = new ArrayList<>();
        for (String name : node.outputs()) {
            SDVariable gradient = gradients.get(name);
            upstream.add(gradient != null ? gradient : graph.sameDiff().zerosLike(graph.variable(name)));
        }
        List<SDVariable> contributions = StockOps.gradients(node.operation(), upstream);
        Step step = new Step(node);
        for (int i = 0; i < contributions.size() && i < node.inputs().size(); i++) {
            if (contributions.get(i) != null && step.wants(i)) {
                step.add(i, contributions.get(i));
            }
        }
    }

    private void contribute(String name, SDVariable total) {
        if (wanted.contains(name) && totalType == null) {
            leafContributions.get(name).add(total.name());
        } else {
            gradients.put(name, total);
        }
    }

    private final class Step implements Backward {
        private final Graph.Node node;

        Step(Graph.Node node) {
            this.node = node;
        }

        @Override
        public @Nullable SDVariable upstream(int output) {
            return gradients.get(node.outputs().get(output));
        }

        @Override
        public boolean wants(int input) {
            return leadsBack(node, input);
        }

        @Override
        public @Nullable SDVariable accumulated(int input) {
            return gradients.get(node.inputs().get(input));
        }

        @Override
        public boolean collects(int input) {
            return wanted.contains(node.inputs().get(input));
        }

        @Override
        public DataType typeOfTotal(int input) {
            String name = node.inputs().get(input);
            boolean last = node == lastContributor && wanted.contains(name) && node.inputs().lastIndexOf(name) == input;
            return last && totalType != null ? totalType : graph.variable(name).dataType();
        }

        @Override
        public void set(int input, SDVariable total) {
            if (!wants(input)) {
                throw new IllegalStateException(node.operation().opName() + " built a gradient that nobody wants");
            }
            contribute(node.inputs().get(input), total);
        }
    }
}
