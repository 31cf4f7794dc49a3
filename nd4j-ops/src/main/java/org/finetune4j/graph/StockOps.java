package org.finetune4j.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.BaseOp;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.api.ops.ReduceOp;
import org.nd4j.linalg.api.ops.ScalarOp;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.bp.MulBpOp;
import org.nd4j.linalg.api.shape.LongShapeDescriptor;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Stock ND4J operations as this project runs them: shapes, execution, and which of their gradients are trusted.
 *
 * <p>ND4J 1.0.0-M2.1 has gradients that are silently wrong ({@code gather} with repeated indices, every
 * {@code sd.loss} operation, {@code cumsum}, ...), so a gradient is used only when {@code StockOpsTest} holds it to
 * finite differences with a random upstream gradient.
 */
final class StockOps {
    /** Operation names whose gradients are tested. */
    static final Set<String> TESTED_GRADIENTS = Set.of(
            "add", "subtract", "multiply", "divide",
            "add_scalar", "sub_scalar", "rsub_scalar", "mul_scalar", "div_scalar", "rdiv_scalar", "pow",
            "neg", "exp", "log", "sqrt", "square", "abs", "Reciprocal", "tanh", "sigmoid", "softplus", "relu",
            "reduce_sum", "reduce_mean", "matmul", "softmax");

    /** What to write instead of operations whose gradients are wrong where arrays broadcast or have equal elements. */
    private static final Map<String, String> INSTEAD = Map.of(
            "maximum", "Write max(x, y) as relu(x - y) + y. ",
            "minimum", "Write min(x, y) as x - relu(x - y). ");

    private StockOps() {
    }

    /** Refuses to differentiate an operation whose gradient is not held to finite differences by a test. */
    private static void requireTestedGradient(DifferentialFunction operation) {
        if (!TESTED_GRADIENTS.contains(operation.opName())) {
            throw new FinetuneException("the gradient of ND4J's operation '" + operation.opName()
                    + "' is not tested, and some of ND4J's gradients are silently wrong. "
                    + INSTEAD.getOrDefault(operation.opName(), "") + "Build the expression of "
                    + TESTED_GRADIENTS.stream().sorted().toList()
                    + ", use what TokenView offers, or wrap the part that needs no gradient in stopGradient(...).");
        }
    }

    /**
     * Builds the gradients towards the inputs. That of a quotient is built as that of {@code x * (1 / y)}, since ND4J's
     * own is wrong where {@code y} has a single element.
     *
     * @throws FinetuneException when the operation's gradient is not tested
     */
    static List<SDVariable> gradients(DifferentialFunction operation, List<SDVariable> upstream) {
        requireTestedGradient(operation);
        if (!operation.opName().equals("divide")) {
            return operation.doDiff(upstream);
        }
        SameDiff graph = operation.getSameDiff();
        SDVariable inverse = graph.math().reciprocal(operation.arg(1));
        SDVariable[] factors = new MulBpOp(graph, operation.arg(0), inverse, upstream.get(0)).outputVariables();
        return List.of(factors[0], factors[1].mul(inverse).mul(inverse).neg());
    }

    /** The shapes of an operation's outputs for inputs of these arrays; values matter only where a shape depends on them. */
    static List<long[]> outputShapes(DifferentialFunction operation, List<INDArray> inputs) {
        try (OpContext context = Nd4j.getExecutioner().buildContext()) {
            bindInputs(operation, inputs, context);
            List<LongShapeDescriptor> descriptors = operation instanceof DynamicCustomOp custom
                    ? custom.calculateOutputShape(context) : ((BaseOp) operation).calculateOutputShape(context);
            List<long[]> shapes = new ArrayList<>();
            for (LongShapeDescriptor descriptor : descriptors) {
                shapes.add(descriptor.getShape());
            }
            return shapes;
        } catch (RuntimeException failure) {
            throw failed(operation, inputs, failure);
        } catch (Exception failure) {
            throw new IllegalStateException(failure);
        }
    }

    /** Runs an operation. */
    static void execute(DifferentialFunction operation, List<INDArray> inputs, List<INDArray> outputs) {
        try (OpContext context = Nd4j.getExecutioner().buildContext()) {
            bindInputs(operation, inputs, context);
            for (int i = 0; i < outputs.size(); i++) {
                context.setOutputArray(i, outputs.get(i));
            }
            if (operation instanceof DynamicCustomOp custom) {
                Nd4j.exec(custom, context);
            } else {
                Nd4j.exec((Op) operation, context);
            }
        } catch (RuntimeException failure) {
            throw failed(operation, inputs, failure);
        } catch (Exception failure) {
            throw new IllegalStateException(failure);
        }
    }

    private static void bindInputs(DifferentialFunction operation, List<INDArray> inputs, OpContext context) {
        if (operation instanceof DynamicCustomOp custom) {
            context.setInputArrays(inputs.toArray(new INDArray[0]));
            context.setIArguments(custom.iArgs());
            context.setTArguments(custom.tArgs());
            context.setBArguments(custom.bArgs());
            DataType[] types = custom.dArgs();
            if (types != null && types.length > 0) {
                context.setDArguments(types);
            }
        } else if (operation instanceof BaseOp) {
            context.setInputArray(0, inputs.get(0));
            if (operation instanceof ReduceOp) {
                int[] axes = inputs.size() == 2 ? inputs.get(1).toIntVector() : operation.getDimensions();
                operation.setDimensions(fromTheFront(axes, inputs.get(0).rank()));
            } else if (operation instanceof ScalarOp scalar && inputs.size() == 2) {
                scalar.setScalar(inputs.get(1));
            } else if (inputs.size() == 2) {
                context.setInputArray(1, inputs.get(1));
            }
        } else {
            throw new FinetuneException("ND4J's operation '" + operation.opName() + "' ("
                    + operation.getClass().getSimpleName() + ") cannot run in this graph: control flow and tensor lists "
                    + "are not supported. Express the objective without them.");
        }
    }

    /** Axes counted from the front: ND4J reduces along others when a kept axis is counted from the end. */
    private static int @Nullable [] fromTheFront(int @Nullable [] axes, int rank) {
        return axes == null ? null : Arrays.stream(axes).map(axis -> axis < 0 ? axis + rank : axis).toArray();
    }

    private static RuntimeException failed(DifferentialFunction operation, List<INDArray> inputs,
                                           RuntimeException cause) {
        if (cause instanceof FinetuneException) {
            return cause;
        }
        List<String> shapes = new ArrayList<>();
        for (INDArray input : inputs) {
            shapes.add(input.dataType() + " " + Graph.describe(input.shape()));
        }
        return new IllegalStateException("ND4J's operation '" + operation.opName() + "' failed on inputs " + shapes
                + ": " + cause.getMessage(), cause);
    }
}
