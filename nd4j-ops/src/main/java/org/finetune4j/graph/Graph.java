package org.finetune4j.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.VariableType;
import org.nd4j.autodiff.samediff.internal.SameDiffOp;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A computation graph: one {@link SameDiff} instance that holds the project's own operations beside stock ones.
 *
 * <p>This class is the seam: nothing else reads SameDiff's tables of operations and variables, since its next release
 * rewrites them.
 */
public final class Graph {
    private final SameDiff sameDiff = SameDiff.create();

    /**
     * An operation of the graph.
     *
     * @param operation what it does
     * @param inputs    names of the variables it reads
     * @param outputs   names of the variables it writes
     */
    public record Node(DifferentialFunction operation, List<String> inputs, List<String> outputs) {
    }

    /** The SameDiff instance, for making constants and stock operations. */
    public SameDiff sameDiff() {
        return sameDiff;
    }

    /** A leaf whose array is given at each run: data, or a parameter. Its shape may change between runs. */
    public SDVariable input(String name, DataType type) {
        return sameDiff.placeHolder(name, type);
    }

    /** The variable of this name. */
    SDVariable variable(String name) {
        return sameDiff.getVariable(name);
    }

    /** The array of a constant, or null when the variable is no constant. */
    @Nullable INDArray constant(String name) {
        @Nullable SDVariable variable = sameDiff.getVariable(name);
        return variable != null && variable.getVariableType() == VariableType.CONSTANT ? sameDiff.getArrForVarName(name) : null;
    }

    /** All operations, each after those whose results it reads. */
    List<Node> nodes() {
        List<Node> nodes = new ArrayList<>();
        for (SameDiffOp operation : sameDiff.getOps().values()) {
            List<String> inputs = operation.getInputsToOp();
            nodes.add(new Node(operation.getOp(), inputs == null ? List.of() : List.copyOf(inputs),
                    List.copyOf(operation.getOutputsOfOp())));
        }
        return nodes;
    }

    @Override
    public String toString() {
        StringBuilder text = new StringBuilder();
        for (Node node : nodes()) {
            text.append(String.join(", ", node.outputs())).append(" = ").append(node.operation().opName()).append('(')
                    .append(String.join(", ", node.inputs())).append(")\n");
        }
        return text.toString();
    }

    static String describe(long[] shape) {
        return Arrays.toString(shape);
    }
}
