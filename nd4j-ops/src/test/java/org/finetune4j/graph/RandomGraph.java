package org.finetune4j.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.op.Activation;
import org.finetune4j.op.Add;
import org.finetune4j.op.AddRow;
import org.finetune4j.op.Experts;
import org.finetune4j.op.GatedActivation;
import org.finetune4j.op.LayerNorm;
import org.finetune4j.op.MatMul;
import org.finetune4j.op.RmsNorm;
import org.finetune4j.op.Scale;
import org.finetune4j.op.SoftCap;
import org.finetune4j.op.Split;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * A random graph in DOUBLE over rows of two widths, in which variables have several users, with its reverse pass; and
 * its plain execution, which gives every operation fresh arrays.
 */
final class RandomGraph {
    private static final int[] WIDTHS = {3, 8};
    private static final int OPERATIONS = 12;
    /** Into so many parts the forward pass is cut by {@link #boundaries}. */
    static final int PARTS = 3;

    final Graph graph = new Graph();
    /** Leaves that want a gradient. */
    final List<String> wanted = new ArrayList<>();
    /** What is differentiated, and two variables from the middle. */
    final List<String> outputs = new ArrayList<>();
    final Map<String, List<String>> contributions;
    /** Variables at even distances, and what is differentiated. */
    final List<String> boundaries = new ArrayList<>();

    private final Random random;
    private final Map<String, long[]> leaves = new LinkedHashMap<>();
    private final List<List<SDVariable>> rows = List.of(new ArrayList<>(), new ArrayList<>());

    RandomGraph(long seed) {
        random = new Random(seed);
        for (int w = 0; w < WIDTHS.length; w++) {
            rows.get(w).add(leaf("x" + w, -1, WIDTHS[w]));
            rows.get(w).add(leaf("y" + w, -1, WIDTHS[w]));
        }
        List<SDVariable> made = new ArrayList<>();
        for (int i = 0; i < OPERATIONS; i++) {
            int width = random.nextInt(WIDTHS.length);
            SDVariable next = operation(i, width);
            rows.get(width).add(next);
            made.add(next);
        }
        SDVariable last = RmsNorm.of(Add.of(pick(0), pick(0)), leaf("norm", WIDTHS[0]), 0.1);
        for (int part = 0; part < PARTS; part++) {
            boundaries.add(made.get(part * OPERATIONS / PARTS).name());
        }
        boundaries.add(last.name());
        outputs.add(last.name());
        outputs.add(made.get(random.nextInt(OPERATIONS)).name());
        outputs.add(made.get(random.nextInt(OPERATIONS)).name());
        leaves.keySet().stream().filter(name -> random.nextInt(4) > 0).forEach(wanted::add);
        SDVariable upstream = leaf("upstream", -1, WIDTHS[0]);
        contributions = ReversePass.build(graph, last, upstream, wanted);
    }

    private SDVariable operation(int index, int width) {
        int other = random.nextInt(WIDTHS.length);
        return switch (random.nextInt(13)) {
            case 0 -> Add.of(pick(width), pick(width));
            case 1 -> MatMul.linear(pick(other), weight(index, width, other));
            case 2 -> MatMul.linearAdd(pick(width), 0.5, pick(other), weight(index, width, other));
            case 3 -> RmsNorm.of(pick(width), leaf("norm" + index, WIDTHS[width]), 0.1);
            case 4 -> Scale.cast(pick(width), DataType.DOUBLE);
            case 5 -> GatedActivation.of(pick(width), pick(width), Activation.Kind.SILU);
            case 6 -> LayerNorm.of(pick(width), leaf("norm" + index, WIDTHS[width]), leaf("bias" + index, WIDTHS[width]),
                    0.1);
            case 7 -> AddRow.of(pick(width), leaf("row" + index, WIDTHS[width]));
            case 8 -> Activation.of(pick(width), Activation.Kind.GELU);
            case 9 -> SoftCap.of(pick(width), 3);
            case 10 -> Split.of(MatMul.linear(pick(other), leaf("fused" + index, 2L * WIDTHS[width], WIDTHS[other])),
                    2 * WIDTHS[width], WIDTHS[width], WIDTHS[width])[random.nextInt(2)];
            case 11 -> experts(index, width, other);
            default -> pick(width).sub(pick(width));
        };
    }

    private SDVariable experts(int index, int width, int other) {
        SDVariable up = leaf("up" + index, WIDTHS[other], WIDTHS[width]);
        SDVariable down = leaf("down" + index, WIDTHS[width], WIDTHS[other]);
        SDVariable router = MatMul.linear(pick(other), leaf("router" + index, 2, WIDTHS[other]));
        return Experts.of(pick(width), router, List.of(up, leaf("gate" + index, WIDTHS[other], WIDTHS[width])),
                List.of(up, up), List.of(down, down), 1, false, Activation.Kind.SILU);
    }

    /** One of the last few variables of this width, or any. */
    private SDVariable pick(int width) {
        List<SDVariable> all = rows.get(width);
        int first = random.nextBoolean() ? Math.max(0, all.size() - 3) : 0;
        return all.get(first + random.nextInt(all.size() - first));
    }

    private SDVariable weight(int index, int outputs, int inputs) {
        return leaf("weight" + index, WIDTHS[outputs], WIDTHS[inputs]);
    }

    private SDVariable leaf(String name, long... shape) {
        leaves.put(name, shape);
        return graph.input(name, DataType.DOUBLE);
    }

    /** Random arrays for all leaves, with this number of rows where a leaf has rows. */
    Map<String, INDArray> draw(long seed, int count) {
        Random numbers = new Random(seed);
        Map<String, INDArray> arrays = new LinkedHashMap<>();
        leaves.forEach((name, shape) -> {
            long[] actual = shape.clone();
            if (actual[0] < 0) {
                actual[0] = count;
            }
            arrays.put(name, normal(numbers, actual));
        });
        return arrays;
    }

    /** Random arrays of the shapes of the leaves that want a gradient. */
    Map<String, INDArray> sinks(long seed, Map<String, INDArray> inputs) {
        Random numbers = new Random(seed);
        Map<String, INDArray> sinks = new LinkedHashMap<>();
        wanted.forEach(name -> sinks.put(name, normal(numbers, inputs.get(name).shape())));
        return sinks;
    }

    /** Executes every operation once, each into arrays of its own, and adds the contributions to the sinks. */
    Map<String, INDArray> executePlainly(Kernels kernels, Map<String, INDArray> inputs, Map<String, INDArray> sinks) {
        Map<String, INDArray> arrays = new HashMap<>(inputs);
        for (Graph.Node node : graph.nodes()) {
            List<INDArray> in = node.inputs().stream().map(name -> arrays.containsKey(name) ? arrays.get(name)
                    : graph.constant(name)).toList();
            List<long[]> shapes = node.operation() instanceof OwnOp own
                    ? own.outputShapes(in.stream().map(INDArray::shape).toList())
                    : StockOps.outputShapes(node.operation(), in);
            List<INDArray> out = new ArrayList<>();
            for (int i = 0; i < shapes.size(); i++) {
                out.add(Nd4j.create(graph.variable(node.outputs().get(i)).dataType(), shapes.get(i)));
                arrays.put(node.outputs().get(i), out.get(i));
            }
            if (node.operation() instanceof OwnOp own) {
                own.execute(new Fresh(kernels, in, out));
            } else {
                StockOps.execute(node.operation(), in, out);
            }
        }
        contributions.forEach((leaf, names) -> names.forEach(name -> sinks.get(leaf).addi(arrays.get(name))));
        return arrays;
    }

    private static INDArray normal(Random numbers, long... shape) {
        INDArray array = Nd4j.create(DataType.DOUBLE, shape);
        for (int i = 0; i < array.length(); i++) {
            array.putScalar(i, numbers.nextGaussian());
        }
        return array;
    }

    private record Fresh(Kernels kernels, List<INDArray> in, List<INDArray> out) implements OwnOp.Execution {
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
            return false;
        }
    }
}
