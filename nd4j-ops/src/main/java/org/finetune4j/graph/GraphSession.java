package org.finetune4j.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.finetune4j.kernel.Kernels;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs one set of outputs of a graph: the schedule is made once, array lifetimes and places once for each combination
 * of input shapes.
 *
 * <p>Not for use by several threads at once.
 */
public final class GraphSession {
    private static final int KEPT_PLANS = 64;

    private final Graph graph;
    private final Kernels kernels;
    private final Arena arena;
    private final Supplier<MemoryPlan> memoryPlans;
    private final List<String> outputs;
    private final List<Graph.Node> schedule;
    private final Map<String, List<String>> sinksOf;
    private final Map<String, String> substitutes;
    private final Set<String> directSinks = new HashSet<>();
    /** By leaf the direct one that may overwrite its sink, because it is the first to write it. */
    private final Map<String, String> firstWrites = new HashMap<>();
    private final Map<String, Integer> lastUse = new HashMap<>();
    private final Set<String> passedThrough = new HashSet<>();
    private final Set<String> leaves = new TreeSet<>();
    private final Map<String, Plan> plans = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Plan> eldest) {
            return size() > KEPT_PLANS;
        }
    };
    private @Nullable Profile profile;

    /** Where an intermediate array lies. */
    private record Place(long offset, DataType type, long[] shape) {
        long bytes() {
            return GraphSession.bytes(type, shape);
        }
    }

    private static final class Plan {
        final Map<String, Place> places = new HashMap<>();
        long arenaBytes;
        int generation = -1;
        Map<String, INDArray> arrays = Map.of();
    }

    /**
     * Makes the schedule of everything that the outputs and contributions need, and of nothing else.
     *
     * @param outputs       variables whose arrays {@link #run} returns
     * @param contributions for each leaf that collects a gradient, the variables to add up ({@link ReversePass#build})
     * @param substitutes   variables to be replaced by others that hold the same value, so that what makes the former
     *                      is not executed
     */
    public GraphSession(Graph graph, Kernels kernels, Arena arena, List<String> outputs,
                        Map<String, List<String>> contributions, Map<String, String> substitutes) {
        this(graph, kernels, arena, outputs, contributions, substitutes, ScheduleRewrite.NONE);
    }

    /** As the shorter constructor, with a rewrite of the schedule. */
    public GraphSession(Graph graph, Kernels kernels, Arena arena, List<String> outputs,
                        Map<String, List<String>> contributions, Map<String, String> substitutes,
                        ScheduleRewrite rewrite) {
        this(graph, kernels, arena, outputs, contributions, substitutes, rewrite, MemoryPlan::new);
    }

    /** As the public constructors, with another way to place arrays. */
    GraphSession(Graph graph, Kernels kernels, Arena arena, List<String> outputs,
                 Map<String, List<String>> contributions, Map<String, String> substitutes, ScheduleRewrite rewrite,
                 Supplier<MemoryPlan> memoryPlans) {
        this.graph = graph;
        this.kernels = kernels;
        this.arena = arena;
        this.memoryPlans = memoryPlans;
        this.outputs = List.copyOf(outputs);
        this.substitutes = Map.copyOf(substitutes);
        this.sinksOf = new HashMap<>();
        contributions.forEach((leaf, variables) -> variables.forEach(
                variable -> sinksOf.computeIfAbsent(variable, key -> new ArrayList<>()).add(leaf)));
        Set<String> kept = new HashSet<>(sinksOf.keySet());
        this.outputs.forEach(output -> kept.add(resolved(output)));
        this.schedule = rewrite.apply(schedule(), kept);
        analyseLifetimes();
    }

    /** For each scheduled operation its name and the variables that it reads. */
    public List<String> describe() {
        return schedule.stream().map(node -> node.operation().opName() + node.inputs()).toList();
    }

    /** The variables by which scheduled operations multiply from the right as they lie, in the order of the schedule. */
    public Set<String> rightFactors() {
        Set<String> names = new LinkedHashSet<>();
        for (Graph.Node node : schedule) {
            if (node.operation() instanceof OwnOp own) {
                own.rightFactors().forEach(place -> names.add(node.inputs().get(place)));
            }
        }
        return names;
    }

    /** From now on times every operation into {@code profile}; null stops that. */
    public void profile(@Nullable Profile profile) {
        this.profile = profile;
    }

    /**
     * Runs the schedule.
     *
     * @param inputs arrays of all leaves by name
     * @param sinks  arrays to which the gradients of leaves are added, by the leaf's name
     * @return the outputs by name; their memory is reused by the next run over the same arena
     */
    public Map<String, INDArray> run(Map<String, INDArray> inputs, Map<String, INDArray> sinks) {
        return run(inputs, sinks, false);
    }

    /**
     * As the shorter form.
     *
     * @param replaces whether gradients take the place of what the sinks hold, so that nobody has to clear these first
     */
    public Map<String, INDArray> run(Map<String, INDArray> inputs, Map<String, INDArray> sinks, boolean replaces) {
        Plan plan = bound(plan(inputs));
        if (replaces) {
            sinks.forEach((leaf, sink) -> {
                if (!firstWrites.containsKey(leaf)) {
                    sink.assign(0);
                }
            });
        }
        for (Graph.Node node : schedule) {
            long start = profile == null ? 0 : System.nanoTime();
            execute(node, plan, inputs, sinks, replaces);
            if (profile != null) {
                profile.add(call(node, plan, inputs, sinks, System.nanoTime() - start));
            }
        }
        for (String leaf : passedThrough) {
            sinksOf.get(leaf).forEach(sink -> addInto(sink(sinks, sink), array(leaf, plan, inputs)));
        }
        Map<String, INDArray> results = new LinkedHashMap<>();
        for (String output : outputs) {
            results.put(output, array(resolved(output), plan, inputs));
        }
        return results;
    }

    private void execute(Graph.Node node, Plan plan, Map<String, INDArray> inputs, Map<String, INDArray> sinks,
                         boolean replaces) {
        List<INDArray> in = new ArrayList<>(node.inputs().size());
        for (String name : node.inputs()) {
            in.add(array(name, plan, inputs));
        }
        List<INDArray> out = new ArrayList<>(node.outputs().size());
        boolean[] accumulates = new boolean[node.outputs().size()];
        for (int i = 0; i < accumulates.length; i++) {
            String name = node.outputs().get(i);
            @Nullable String leaf = directSinks.contains(name) ? sinksOf.get(name).get(0) : null;
            accumulates[i] = leaf != null && !(replaces && name.equals(firstWrites.get(leaf)));
            INDArray array = leaf != null ? sink(sinks, leaf) : plan.arrays.get(name);
            if (!accumulates[i] && node.operation() instanceof OwnOp own && own.write(i) == OwnOp.Write.ADD) {
                array.assign(0);
            }
            out.add(array);
        }
        if (node.operation() instanceof OwnOp own) {
            own.execute(new Running(in, out, accumulates));
        } else {
            StockOps.execute(node.operation(), in, out);
        }
        for (int i = 0; i < accumulates.length; i++) {
            String name = node.outputs().get(i);
            if (!directSinks.contains(name)) {
                for (String leaf : sinksOf.getOrDefault(name, List.of())) {
                    addInto(sink(sinks, leaf), out.get(i));
                }
            }
        }
    }

    /** What a profile is told of an operation that has run. */
    private Profile.Call call(Graph.Node node, Plan plan, Map<String, INDArray> inputs, Map<String, INDArray> sinks,
                              long nanoseconds) {
        List<INDArray> in = node.inputs().stream().map(name -> array(name, plan, inputs)).toList();
        List<INDArray> out = node.outputs().stream().map(name -> directSinks.contains(name)
                ? sink(sinks, sinksOf.get(name).get(0)) : plan.arrays.get(name)).toList();
        OwnOp own = node.operation() instanceof OwnOp operation ? operation : null;
        return new Profile.Call(node.operation().opName(), Profile.shapes(in, out), nanoseconds,
                own == null ? 0 : own.operations(in, out),
                own == null ? OwnOp.bytes(in) + OwnOp.bytes(out) : own.bytes(in, out));
    }

    private static INDArray sink(Map<String, INDArray> sinks, String leaf) {
        INDArray sink = sinks.get(leaf);
        if (sink == null) {
            throw new IllegalArgumentException("no array given for the gradient of '" + leaf + "'");
        }
        return sink;
    }

    private static void addInto(INDArray sink, INDArray contribution) {
        sink.addi(contribution.dataType() == sink.dataType() ? contribution : contribution.castTo(sink.dataType()));
    }

    private INDArray array(String name, Plan plan, Map<String, INDArray> inputs) {
        INDArray array = plan.arrays.get(name);
        if (array == null) {
            array = inputs.get(name);
        }
        if (array == null) {
            array = graph.constant(name);
        }
        if (array == null) {
            throw new IllegalArgumentException("no array given for '" + name + "'");
        }
        return array;
    }

    private String resolved(String name) {
        return substitutes.getOrDefault(name, name);
    }

    private List<Graph.Node> schedule() {
        Set<String> needed = new HashSet<>(sinksOf.keySet());
        for (String output : outputs) {
            needed.add(resolved(output));
        }
        List<Graph.Node> all = graph.nodes();
        List<Graph.Node> chosen = new ArrayList<>();
        for (int i = all.size() - 1; i >= 0; i--) {
            Graph.Node node = all.get(i);
            if (node.outputs().stream().anyMatch(needed::contains)) {
                List<String> inputs = node.inputs().stream().map(this::resolved).toList();
                needed.addAll(inputs);
                chosen.add(0, new Graph.Node(node.operation(), inputs, node.outputs()));
            }
        }
        return chosen;
    }

    private void analyseLifetimes() {
        Set<String> made = new HashSet<>();
        for (int step = 0; step < schedule.size(); step++) {
            Graph.Node node = schedule.get(step);
            for (String name : node.inputs()) {
                lastUse.put(name, step);
                if (!made.contains(name)) {
                    leaves.add(name);
                }
            }
            made.addAll(node.outputs());
            for (String name : node.outputs()) {
                lastUse.put(name, step);
            }
        }
        passedThrough.addAll(sinksOf.keySet());
        passedThrough.removeAll(made);
        Set<String> read = new HashSet<>();
        schedule.forEach(node -> read.addAll(node.inputs()));
        for (Graph.Node node : schedule) {
            Set<String> sinksOfNode = new HashSet<>();
            for (int i = 0; i < node.outputs().size(); i++) {
                String name = node.outputs().get(i);
                // Outputs of one operation may be written at the same time, so that no two of them share a sink.
                if (sinksOf.getOrDefault(name, List.of()).size() == 1 && !read.contains(name)
                        && !outputs.contains(name) && node.operation() instanceof OwnOp own
                        && own.write(i) != OwnOp.Write.REPLACE && sinksOfNode.add(sinksOf.get(name).get(0))) {
                    directSinks.add(name);
                }
            }
        }
        for (String output : outputs) {
            lastUse.put(resolved(output), Integer.MAX_VALUE);
        }
        findFirstWrites();
    }

    private void findFirstWrites() {
        Set<String> written = new HashSet<>();
        for (Graph.Node node : schedule) {
            for (int i = 0; i < node.outputs().size(); i++) {
                String name = node.outputs().get(i);
                for (String leaf : sinksOf.getOrDefault(name, List.of())) {
                    if (written.add(leaf) && directSinks.contains(name)
                            && node.operation() instanceof OwnOp own && own.write(i) == OwnOp.Write.EITHER) {
                        firstWrites.put(leaf, name);
                    }
                }
            }
        }
    }

    private Plan plan(Map<String, INDArray> inputs) {
        StringBuilder key = new StringBuilder();
        for (String leaf : leaves) {
            INDArray array = inputs.get(leaf);
            if (array != null) {
                key.append(Arrays.toString(array.shape()));
            }
        }
        return plans.computeIfAbsent(key.toString(), shapes -> {
            Map<String, long[]> leafShapes = new HashMap<>();
            inputs.forEach((name, array) -> leafShapes.put(name, array.shape()));
            return layOut(leafShapes, inputs);
        });
    }

    /**
     * Bytes of the arena that a run needs, found without allocating it.
     *
     * @param leafShapes shapes of all leaves that are given at a run, by name
     */
    public long arenaBytes(Map<String, long[]> leafShapes) {
        return layOut(leafShapes, Map.of()).arenaBytes;
    }

    /**
     * Work of a run.
     *
     * @param products   operations of matrix products, a multiplication and an addition counted as two
     * @param movedBytes bytes that the operations without products read and write
     */
    public record Work(double products, double movedBytes) {
    }

    /**
     * The work of a run, found without doing it.
     *
     * @param inputs arrays of all leaves by name; those of floating-point type may be {@link Arena#hollow}
     */
    public Work work(Map<String, INDArray> inputs) {
        Map<String, INDArray> arrays = new HashMap<>(inputs);
        Map<String, long[]> shapes = new HashMap<>();
        inputs.forEach((name, array) -> shapes.put(name, array.shape()));
        double products = 0;
        double moved = 0;
        for (Graph.Node node : schedule) {
            List<long[]> made = outputShapes(node, shapes, inputs);
            for (int i = 0; i < made.size(); i++) {
                shapes.put(node.outputs().get(i), made.get(i));
                arrays.put(node.outputs().get(i), Arena.hollow(type(node.outputs().get(i)), made.get(i)));
            }
            if (node.operation() instanceof OwnOp own) {
                List<INDArray> in = node.inputs().stream().map(arrays::get).toList();
                List<INDArray> out = node.outputs().stream().map(arrays::get).toList();
                double operations = own.operations(in, out);
                products += operations;
                moved += operations > 0 ? 0 : own.bytes(in, out);
            }
        }
        return new Work(products, moved);
    }

    private Plan layOut(Map<String, long[]> leafShapes, Map<String, INDArray> inputs) {
        Plan plan = new Plan();
        MemoryPlan memory = memoryPlans.get();
        Map<String, long[]> shapes = new HashMap<>(leafShapes);
        for (int step = 0; step < schedule.size(); step++) {
            Graph.Node node = schedule.get(step);
            List<long[]> outputShapes = outputShapes(node, shapes, inputs);
            for (int i = 0; i < outputShapes.size(); i++) {
                String name = node.outputs().get(i);
                long[] shape = outputShapes.get(i);
                DataType type = type(name);
                shapes.put(name, shape);
                if (directSinks.contains(name)) {
                    continue;
                }
                long bytes = bytes(type, shape);
                int last = lastUse.get(name);
                String reusable = reusable(node, i, step, plan, memory, bytes);
                if (reusable != null) {
                    Place reused = plan.places.get(reusable);
                    memory.extend(reused.offset(), last);
                    plan.places.put(name, new Place(reused.offset(), type, shape));
                } else {
                    plan.places.put(name, new Place(memory.place(bytes, step, last), type, shape));
                }
            }
        }
        plan.arenaBytes = memory.peakBytes();
        return plan;
    }

    /** The input whose memory an output takes over, or null. */
    private @Nullable String reusable(Graph.Node node, int output, int step, Plan plan, MemoryPlan memory,
                                      long bytes) {
        int input = node.operation() instanceof OwnOp own ? own.reusableInput(output) : -1;
        if (input < 0 || input >= node.inputs().size()) {
            return null;
        }
        String name = node.inputs().get(input);
        Place place = plan.places.get(name);
        boolean readOnce = node.inputs().stream().filter(name::equals).count() == 1;
        return place != null && readOnce && memory.isLastUse(place.offset(), step)
                && place.bytes() == bytes ? name : null;
    }

    private List<long[]> outputShapes(Graph.Node node, Map<String, long[]> shapes, Map<String, INDArray> inputs) {
        if (node.operation() instanceof OwnOp own) {
            return own.outputShapes(node.inputs().stream().map(name -> shape(name, shapes)).toList());
        }
        List<INDArray> in = new ArrayList<>();
        for (String name : node.inputs()) {
            INDArray array = inputs.containsKey(name) ? inputs.get(name) : graph.constant(name);
            in.add(array != null ? array : Nd4j.createUninitialized(type(name), shape(name, shapes)));
        }
        return StockOps.outputShapes(node.operation(), in);
    }

    private long[] shape(String name, Map<String, long[]> shapes) {
        long[] shape = shapes.get(name);
        if (shape == null) {
            INDArray constant = graph.constant(name);
            if (constant == null) {
                throw new IllegalArgumentException("no array given for '" + name + "'");
            }
            return constant.shape();
        }
        return shape;
    }

    private DataType type(String name) {
        return graph.variable(Recomputation.original(name)).dataType();
    }

    private Plan bound(Plan plan) {
        arena.reserve(plan.arenaBytes);
        if (plan.generation != arena.generation()) {
            Map<String, INDArray> arrays = new HashMap<>();
            plan.places.forEach((name, place) -> arrays.put(name, arena.array(place.offset(), place.type(), place.shape())));
            plan.arrays = arrays;
            plan.generation = arena.generation();
        }
        return plan;
    }

    private static long bytes(DataType type, long[] shape) {
        long bytes = type.width();
        for (long extent : shape) {
            bytes = Math.multiplyExact(bytes, extent);
        }
        return bytes;
    }

    private final class Running implements OwnOp.Execution {
        private final List<INDArray> in;
        private final List<INDArray> out;
        private final boolean[] accumulates;

        Running(List<INDArray> in, List<INDArray> out, boolean[] accumulates) {
            this.in = in;
            this.out = out;
            this.accumulates = accumulates;
        }

        @Override
        public Kernels kernels() {
            return kernels;
        }

        @Override
        public INDArray input(int index) {
            return in.get(index);
        }

        @Override
        public INDArray output(int index) {
            return out.get(index);
        }

        @Override
        public boolean accumulates(int index) {
            return accumulates[index];
        }
    }
}
