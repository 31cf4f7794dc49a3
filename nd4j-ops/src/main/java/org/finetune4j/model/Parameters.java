package org.finetune4j.model;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.graph.AlignedArrays;
import org.finetune4j.graph.Arena;
import org.finetune4j.graph.Memory;
import org.finetune4j.kernel.Kernels;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The parameters of a model. The masters of those that train lie one after another in one flat array, and so do their
 * gradients, so that clipping and the optimiser are single passes.
 */
public final class Parameters {
    private static final int HASH_BLOCK_BYTES = 1 << 20;

    private final Kernels kernels;
    private final Precision precision;
    private final boolean hollow;
    private final Map<String, Parameter> byName = new LinkedHashMap<>();
    private final INDArray flat;
    private final INDArray flatGradient;
    private final INDArray flatValue;
    private boolean cleared;

    /**
     * A parameter before it is placed.
     *
     * @param known  one that is there already and does not train, or null
     * @param values writes its first values into an array of its shape
     * @param bytes  whether it is kept as {@link Int8Weights}; such a parameter is a matrix that does not train
     */
    record Declaration(String name, long[] shape, boolean trains, boolean decays, @Nullable Parameter known,
                       Consumer<INDArray> values, boolean bytes) {

        long count() {
            return Arrays.stream(shape).reduce(1, Math::multiplyExact);
        }
    }

    Parameters(List<Declaration> declarations, Precision precision, Kernels kernels) {
        this(declarations, precision, kernels, false);
    }

    /**
     * Places parameters.
     *
     * @param hollow whether the arrays have shapes but no memory, which nobody may read then
     */
    Parameters(List<Declaration> declarations, Precision precision, Kernels kernels, boolean hollow) {
        this.kernels = kernels;
        this.precision = precision;
        this.hollow = hollow;
        long trainable = declarations.stream().filter(Declaration::trains).mapToLong(Declaration::count).sum();
        long length = Math.max(1, trainable);
        flat = array(precision.masterType(), length);
        flatGradient = trainable == 0 ? flat : array(precision.masterType(), length);
        flatValue = precision.type() == precision.masterType() || trainable == 0 ? flat : array(precision.type(), length);
        long offset = 0;
        for (Declaration declaration : declarations) {
            Parameter parameter;
            if (declaration.trains()) {
                INDArray master = view(flat, offset, declaration.shape());
                fill(declaration, master);
                parameter = new Parameter(declaration.name(), declaration.shape(), true, declaration.decays(), offset,
                        master, flatValue == flat ? master : view(flatValue, offset, declaration.shape()), null);
                offset += declaration.count();
            } else {
                Parameter known = declaration.known();
                parameter = known != null ? known : frozen(declaration, precision.type());
            }
            if (byName.put(parameter.name(), parameter) != null) {
                throw new IllegalArgumentException("two parameters are named '" + parameter.name() + "'");
            }
        }
        if (!hollow) {
            if (flatGradient != flat) {
                flatGradient.assign(0);
            }
            mastersChanged();
        }
    }

    private INDArray array(DataType type, long... shape) {
        return hollow ? Arena.hollow(type, shape) : AlignedArrays.uninitialized(type, shape);
    }

    private void fill(Declaration declaration, INDArray array) {
        if (!hollow) {
            declaration.values().accept(array);
        }
    }

    /** Bytes of all parameters: masters of those that train, their values in the type of the graph, and frozen ones. */
    public long bytes() {
        long frozen = byName.values().stream().filter(parameter -> !parameter.trains())
                .mapToLong(parameter -> bytes(parameter.master())
                        + (parameter.scales() == null ? 0 : bytes(parameter.scales()))).sum();
        return frozen + bytes(flat) + (flatValue == flat ? 0 : bytes(flatValue));
    }

    private static long bytes(INDArray array) {
        return array.length() * array.dataType().width();
    }

    private Parameter frozen(Declaration declaration, DataType type) {
        if (hollow && declaration.bytes()) {
            INDArray bytes = array(DataType.BYTE, declaration.shape());
            return new Parameter(declaration.name(), declaration.shape(), false, false, -1, bytes, bytes,
                    array(DataType.FLOAT, declaration.shape()[0]));
        }
        if (!declaration.bytes()) {
            INDArray array = array(type, declaration.shape());
            fill(declaration, array);
            return new Parameter(declaration.name(), declaration.shape(), false, false, -1, array, array, null);
        }
        try (INDArray numbers = Nd4j.createUninitialized(DataType.FLOAT, declaration.shape())) {
            declaration.values().accept(numbers);
            Int8Weights weights = Int8Weights.of(numbers);
            return new Parameter(declaration.name(), declaration.shape(), false, false, -1, weights.bytes(),
                    weights.bytes(), weights.scales());
        }
    }

    private static INDArray view(INDArray flat, long offset, long[] shape) {
        return Arena.arrayAt(Memory.address(flat) + offset * flat.dataType().width(), flat.dataType(), shape);
    }

    /** All parameters, in the order of the model. */
    public List<Parameter> all() {
        return List.copyOf(byName.values());
    }

    /** Those that train, in the order in which they lie in {@link #flat()}. */
    public List<Parameter> trainable() {
        return byName.values().stream().filter(Parameter::trains).toList();
    }

    /** The parameter of this name. */
    public Parameter named(String name) {
        Parameter parameter = byName.get(name);
        if (parameter == null) {
            throw new IllegalArgumentException("no parameter '" + name + "'");
        }
        return parameter;
    }

    /** Number of elements of all parameters. */
    public long totalCount() {
        return byName.values().stream().mapToLong(Parameter::count).sum();
    }

    /** Number of elements that train. */
    public long trainableCount() {
        return byName.values().stream().filter(Parameter::trains).mapToLong(Parameter::count).sum();
    }

    /** Masters of all that trains, {@code [trainableCount()]}; one unused element when nothing does. */
    public INDArray flat() {
        return flat;
    }

    /**
     * Gradients of all that trains, laid out like {@link #flat()}. To be asked for anew after {@link #clearGradients}, since
     * it is here that the array is cleared where no pass has overwritten it.
     */
    public INDArray flatGradient() {
        if (takeCleared()) {
            flatGradient.assign(0);
        }
        return flatGradient;
    }

    /** Sets all gradients to zero, the next time that somebody asks for them. */
    void clearGradients() {
        cleared = flatGradient != flat;
    }

    /** Whether gradients are to be zero but were not written yet, which the caller sees to from now on. */
    boolean takeCleared() {
        boolean were = cleared;
        cleared = false;
        return were;
    }

    /** The gradient of one parameter, a view into {@link #flatGradient()}. */
    public INDArray gradient(Parameter parameter) {
        return view(flatGradient(), parameter.flatOffset(), parameter.shape());
    }

    /** To be called after masters were changed: refreshes their copies in the type of the graph. */
    public void mastersChanged() {
        if (flatValue != flat) {
            kernels.scale(flat, 1, flatValue);
        }
    }

    /** SHA-256 in hexadecimal over names, shapes and bytes of all frozen parameters. */
    public String hashOfFrozen() {
        return hash(false);
    }

    /** SHA-256 in hexadecimal over names, shapes and masters of all parameters that train. */
    public String hashOfTrainable() {
        return hash(true);
    }

    private String hash(boolean trainable) {
        MessageDigest digest = Hashes.sha256();
        byte[] block = new byte[HASH_BLOCK_BYTES];
        for (Parameter parameter : byName.values()) {
            if (parameter.trains() == trainable) {
                digest.update((parameter.name() + Arrays.toString(parameter.shape())).getBytes(StandardCharsets.UTF_8));
                update(digest, parameter.master(), block);
                if (parameter.scales() != null) {
                    update(digest, parameter.scales(), block);
                }
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static void update(MessageDigest digest, INDArray array, byte[] block) {
        long bytes = array.length() * array.dataType().width();
        BytePointer pointer = new BytePointer(array.data().addressPointer());
        for (long done = 0; done < bytes; done += block.length) {
            int length = (int) Math.min(block.length, bytes - done);
            pointer.position(done).limit(done + length);
            pointer.get(block, 0, length);
            digest.update(block, 0, length);
        }
    }

    void close() {
        if (hollow) {
            return;
        }
        byName.values().stream().filter(parameter -> !parameter.trains()).forEach(parameter -> {
            AlignedArrays.close(parameter.master());
            if (parameter.scales() != null) {
                parameter.scales().close();
            }
        });
        byName.clear();
        if (flatValue != flat) {
            AlignedArrays.close(flatValue);
        }
        if (flatGradient != flat) {
            AlignedArrays.close(flatGradient);
        }
        AlignedArrays.close(flat);
    }
}
