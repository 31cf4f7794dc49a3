package org.finetune4j.kernel;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * One call of one kernel with its arrays, which is compared with the same call of the reference in double.
 *
 * <p>The comparison is strict about what a kernel touches: outputs that it must write whole begin as NaN, inputs must
 * stay as they are to the bit, and in the guarded layout every array is a view in the middle of a larger buffer whose
 * rest must stay as it is.
 */
final class KernelCase {
    /** What a call does to an array. */
    enum Role { INPUT, OUTPUT, UPDATED }

    /** The type of an array. */
    enum Kind { ACTIVATION, WIDE, DOUBLE, INTEGER, BYTE }

    /** A call that takes its arrays in the order in which the case names them. */
    interface Call {
        void run(Kernels kernels, INDArray[] arrays);
    }

    private record Argument(String name, Role role, Kind kind, INDArray values) {
        /** A new array as it is before the call: NaN where the call must write everything. */
        INDArray start(Precision precision) {
            DataType type = switch (kind) {
                case ACTIVATION -> precision.activations;
                case WIDE -> precision.wide;
                case DOUBLE -> DataType.DOUBLE;
                case INTEGER -> DataType.INT;
                case BYTE -> DataType.BYTE;
            };
            if (values.isEmpty()) {
                return Nd4j.create(type, values.shape());
            }
            INDArray start = values.dup('c').castTo(type);
            return role == Role.OUTPUT ? start.assign(kind == Kind.INTEGER ? SENTINEL : Double.NaN) : start;
        }
    }

    private static final int GUARD = 5;
    private static final int SENTINEL = 77;

    private final String name;
    private final Call call;
    private final List<Argument> arguments = new ArrayList<>();
    private double tolerance = -1;
    private double naturalMagnitude;

    KernelCase(String name, Call call) {
        this.name = name;
        this.call = call;
    }

    /** The next array: an input of activations or weights. */
    KernelCase input(String argument, INDArray values) {
        return with(argument, Role.INPUT, Kind.ACTIVATION, values);
    }

    /** The next array: an input of logits or gradients of losses. */
    KernelCase wideInput(String argument, INDArray values) {
        return with(argument, Role.INPUT, Kind.WIDE, values);
    }

    /** The next array: an INT32 input. */
    KernelCase integers(String argument, int... values) {
        return with(argument, Role.INPUT, Kind.INTEGER, TestArrays.integers(values));
    }

    /** The next array: an input of signed bytes. */
    KernelCase bytes(String argument, INDArray values) {
        return with(argument, Role.INPUT, Kind.BYTE, values);
    }

    /** The next array: an output of activations, written whole. */
    KernelCase output(String argument, long... shape) {
        return with(argument, Role.OUTPUT, Kind.ACTIVATION, TestArrays.zeros(shape));
    }

    /** The next array: an output of logits, token losses or gradients, written whole. */
    KernelCase wideOutput(String argument, long... shape) {
        return with(argument, Role.OUTPUT, Kind.WIDE, TestArrays.zeros(shape));
    }

    /** The next array: an output of INT32 numbers, written whole. */
    KernelCase integersOutput(String argument, long... shape) {
        return with(argument, Role.OUTPUT, Kind.INTEGER, TestArrays.zeros(shape));
    }

    /** The next array: a number that the kernel returns. */
    KernelCase returned(String argument) {
        return with(argument, Role.OUTPUT, Kind.DOUBLE, TestArrays.zeros(1));
    }

    /** The next array: activations that the kernel changes. */
    KernelCase updated(String argument, INDArray values) {
        return with(argument, Role.UPDATED, Kind.ACTIVATION, values);
    }

    /** The next array: parameters, their gradients or moments that the kernel changes. */
    KernelCase wideUpdated(String argument, INDArray values) {
        return with(argument, Role.UPDATED, Kind.WIDE, values);
    }

    /** Allows no error at all: the kernel only moves numbers. */
    KernelCase exactly() {
        return within(0);
    }

    /** Allows this error relative to the largest magnitude, whatever the precision. */
    KernelCase within(double relative) {
        tolerance = relative;
        return this;
    }

    /** Measures errors against this magnitude where all expected numbers are smaller, such as when they cancel to 0. */
    KernelCase ofMagnitude(double magnitude) {
        naturalMagnitude = magnitude;
        return this;
    }

    /** Whether this precision differs from the ones before it in any array of the case. */
    boolean appliesTo(Precision precision) {
        return precision != Precision.BFLOAT16 || arguments.stream().anyMatch(a -> a.kind() == Kind.ACTIVATION);
    }

    /**
     * What is wrong with these kernels in this case: nothing where the list is empty. The call is made on plain arrays,
     * again on plain arrays, which must give the same bits, and on guarded views.
     */
    List<String> differences(Kernels kernels, Kernels reference, Precision precision) {
        INDArray[] expected = arguments.stream().map(argument -> argument.start(precision))
                .map(array -> array.dataType().isFPType() ? array.castTo(DataType.DOUBLE) : array)
                .toArray(INDArray[]::new);
        call.run(reference, expected);
        Buffers plain = new Buffers(precision, false);
        Buffers again = new Buffers(precision, false);
        Buffers guarded = new Buffers(precision, true);
        List<String> differences = new ArrayList<>();
        for (Buffers actual : List.of(plain, again, guarded)) {
            call.run(kernels, actual.arrays);
        }
        for (int i = 0; i < expected.length; i++) {
            Argument argument = arguments.get(i);
            double relative = tolerance < 0 ? precision.tolerance : tolerance;
            double magnitude = Math.max(naturalMagnitude, largest(expected[i]));
            for (Buffers actual : List.of(plain, guarded)) {
                String what = argument.name() + (actual == guarded ? ", a view, " : "");
                differences.addAll(argument.role() == Role.INPUT
                        ? compare("the input " + what, argument.start(precision), actual.arrays[i], 0)
                        : compare(what, expected[i], actual.arrays[i], relative * magnitude));
            }
            differences.addAll(compare("the second time " + argument.name(), plain.arrays[i], again.arrays[i], 0));
            differences.addAll(guarded.guardDifferences(i));
        }
        return differences;
    }

    /** Whether this case is one of the kernel of this name. */
    boolean isOf(String kernel) {
        return name.equals(kernel) || name.startsWith(kernel + " ");
    }

    @Override
    public String toString() {
        return name;
    }

    private KernelCase with(String argument, Role role, Kind kind, INDArray values) {
        arguments.add(new Argument(argument, role, kind, values));
        return this;
    }

    private static List<String> compare(String what, INDArray expected, INDArray actual, double allowed) {
        if (expected.isEmpty()) {
            return List.of();
        }
        double[] right = expected.castTo(DataType.DOUBLE).reshape(expected.length()).toDoubleVector();
        double[] found = actual.castTo(DataType.DOUBLE).reshape(actual.length()).toDoubleVector();
        int worst = -1;
        double worstError = allowed;
        for (int i = 0; i < right.length; i++) {
            double error = Double.isNaN(found[i]) ? Double.POSITIVE_INFINITY : Math.abs(found[i] - right[i]);
            if (error > worstError) {
                worst = i;
                worstError = error;
            }
        }
        return worst < 0 ? List.of() : List.of(what + "[" + worst + "] is " + found[worst] + " instead of "
                + right[worst] + ": wrong by " + worstError + ", allowed " + allowed);
    }

    private static double largest(INDArray array) {
        double largest = 0;
        if (array.isEmpty()) {
            return largest;
        }
        for (double value : array.castTo(DataType.DOUBLE).reshape(array.length()).toDoubleVector()) {
            largest = Math.max(largest, Math.abs(value));
        }
        return largest;
    }

    /** The arrays of one call, each with its own buffer, and in the guarded layout in the middle of it. */
    private final class Buffers {
        final INDArray[] arrays = new INDArray[arguments.size()];
        private final INDArray[] buffers = new INDArray[arguments.size()];
        private final int[] guards = new int[arguments.size()];

        Buffers(Precision precision, boolean guarded) {
            for (int i = 0; i < arrays.length; i++) {
                INDArray start = arguments.get(i).start(precision);
                if (start.isEmpty() || !guarded) {
                    arrays[i] = start;
                    continue;
                }
                guards[i] = GUARD + i;
                buffers[i] = Nd4j.create(start.dataType(), start.length() + 2L * guards[i]).assign(SENTINEL);
                arrays[i] = buffers[i].get(NDArrayIndex.interval(guards[i], guards[i] + start.length()))
                        .reshape('c', start.shape());
                arrays[i].assign(start);
            }
        }

        List<String> guardDifferences(int index) {
            double[] all = guards[index] == 0 ? new double[0]
                    : buffers[index].castTo(DataType.DOUBLE).toDoubleVector();
            for (int i = 0; i < guards[index]; i++) {
                if (all[i] != SENTINEL || all[all.length - 1 - i] != SENTINEL) {
                    return List.of("memory beside " + arguments.get(index).name() + " was written to");
                }
            }
            return List.of();
        }
    }
}
