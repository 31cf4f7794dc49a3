package org.finetune4j.graph;

import java.util.ArrayList;
import java.util.List;
import org.finetune4j.kernel.Kernels;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;

/**
 * An operation of this project in a SameDiff graph: its shapes, its kernel and its gradient.
 *
 * <p>Instances are immutable but for what SameDiff itself keeps in them.
 */
public abstract class OwnOp extends DynamicCustomOp {
    private final int inputs;

    /** Adds the operation to the graph of its inputs. */
    protected OwnOp(SDVariable... inputs) {
        super(null, inputs[0].getSameDiff(), inputs);
        this.inputs = inputs.length;
    }

    /** An operation that stands in a schedule without being part of a graph, such as a fused one. */
    protected OwnOp() {
        this.inputs = 0;
    }

    /** The operation's name in graphs and profiles. */
    @Override
    public abstract String opName();

    /** Types of the outputs, whose number is the number of outputs; the default is one output like the first input. */
    protected List<DataType> outputTypes(List<DataType> inputs) {
        return List.of(inputs.get(0));
    }

    /** Shapes of the outputs; the default is one output like the first input. */
    protected List<long[]> outputShapes(List<long[]> inputs) {
        return List.of(inputs.get(0));
    }

    /** Computes the outputs. */
    protected abstract void execute(Execution execution);

    /** Builds the gradient towards those inputs that want one; the default is that there is none. */
    protected void backward(Backward backward) {
        throw new UnsupportedOperationException(opName() + " has no gradient");
    }

    /** Whether a gradient flows back through this operation at all. */
    protected boolean differentiable() {
        return true;
    }

    /**
     * Operations of the matrix products that a run does, a multiplication and an addition counted as two; the default is
     * none, for operations that memory limits rather than arithmetic.
     */
    protected double operations(List<INDArray> inputs, List<INDArray> outputs) {
        return 0;
    }

    /** Places of inputs by which others are multiplied from the right as they lie, {@code x weight}; the default is none. */
    protected List<Integer> rightFactors() {
        return List.of();
    }

    /** Bytes that a run must read and write, nothing twice; the default is those of all inputs and outputs. */
    protected double bytes(List<INDArray> inputs, List<INDArray> outputs) {
        return bytes(inputs) + bytes(outputs);
    }

    /** Bytes of all these arrays. */
    protected static double bytes(List<INDArray> arrays) {
        return arrays.stream().mapToDouble(array -> (double) array.length() * array.dataType().width()).sum();
    }

    /** Whether a gradient flows back to input {@code input}, where it flows back at all. */
    protected boolean differentiable(int input) {
        return true;
    }

    /** Whether it takes little time for the memory of its outputs, so that these are computed again first. */
    protected boolean cheap() {
        return false;
    }

    /** How output {@code index} is written. */
    protected Write write(int index) {
        return Write.REPLACE;
    }

    /**
     * The input whose memory output {@code output} may take over when nobody reads that input later, or -1; no two
     * outputs take over one input.
     */
    protected int reusableInput(int output) {
        return -1;
    }

    /** How an operation writes an output. */
    public enum Write {
        /** Overwrites it. */
        REPLACE,
        /** Adds to what it holds. */
        ADD,
        /** Either, as {@link Execution#accumulates} says. */
        EITHER
    }

    /** What an operation is given when it runs. */
    public interface Execution {
        /** The kernels of the device. */
        Kernels kernels();

        /** An input's array. */
        INDArray input(int index);

        /** An output's array, to be written. */
        INDArray output(int index);

        /** Whether an output of {@link Write#EITHER} is to be added to. */
        boolean accumulates(int index);
    }

    /** The single output. */
    @Override
    public final SDVariable outputVariable() {
        return outputVariables()[0];
    }

    @Override
    public final int getNumOutputs() {
        return inputs == 0 ? 0 : calculateOutputDataTypes(inputTypes()).size();
    }

    @Override
    public final List<DataType> calculateOutputDataTypes(List<DataType> inputTypes) {
        return outputTypes(inputTypes);
    }

    @Override
    public final List<SDVariable> doDiff(List<SDVariable> upstream) {
        SDVariable[] arguments = args();
        List<@Nullable SDVariable> gradients = new ArrayList<>();
        for (int i = 0; i < arguments.length; i++) {
            gradients.add(null);
        }
        backward(new Backward() {
            @Override
            public @Nullable SDVariable upstream(int output) {
                return upstream.get(output);
            }

            @Override
            public boolean wants(int input) {
                return arguments[input].dataType().isFPType() && differentiable(input);
            }

            @Override
            public DataType typeOfTotal(int input) {
                return arguments[input].dataType();
            }

            @Override
            public @Nullable SDVariable accumulated(int input) {
                return gradients.get(input);
            }

            @Override
            public boolean collects(int input) {
                return false;
            }

            @Override
            public void set(int input, SDVariable total) {
                gradients.set(input, total);
            }
        });
        return gradients;
    }

    private List<DataType> inputTypes() {
        List<DataType> types = new ArrayList<>();
        for (SDVariable input : args()) {
            types.add(input.dataType());
        }
        return types;
    }
}
