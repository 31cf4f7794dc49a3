package org.finetune4j.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The weights of a model folder as numbers, whatever they are stored as: floating point, or bytes and 8-bit floats with
 * the scales that published checkpoints put beside them.
 *
 * <p>A weight is multiplied by its scales on the way, a piece at a time, so that it never lies in memory twice. Scales are
 * read where compressed-tensors, transformers' fp8, DeepSeek and bitsandbytes put them: see {@link WeightScales}.
 */
public final class StoredWeights implements AutoCloseable {
    private static final Set<String> KNOWN = Set.of("fp8", "fbgemm_fp8", "compressed-tensors", "bitsandbytes");
    private static final Set<String> PACKED = Set.of("pack-quantized", "nvfp4-pack-quantized", "mxfp4-pack-quantized",
        "marlin-24", "sparse-24-bitmask", "sparse-bitmask");
    private static final String MEND = "Use a version of the model in BF16, F16 or F32";
    private static final String CONFIG = "config.json";
    private static final long MAXIMUM_BYTES = 10_000_000;

    private final SafetensorsFile file;
    private final WeightScales scales;
    private final Set<String> names;

    private StoredWeights(SafetensorsFile file, WeightScales scales) {
        this.file = file;
        this.scales = scales;
        Set<String> all = new LinkedHashSet<>(file.names());
        all.removeAll(scales.companions());
        this.names = Collections.unmodifiableSet(all);
    }

    /**
     * Opens the weights of a folder.
     *
     * @throws CheckpointException if nothing is there, a rule of the format is broken, or the weights are stored in a way
     *     that is not known; the message names it
     */
    public static StoredWeights open(Path folder) {
        JsonNode quantization = quantization(folder);
        SafetensorsFile file = SafetensorsFile.open(folder);
        try {
            return new StoredWeights(file, WeightScales.in(file, folder, quantization));
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    /** What {@code config.json} says of how weights are stored, if anything. */
    private static @Nullable JsonNode quantization(Path folder) {
        Path config = folder.resolve(CONFIG);
        if (!Files.isRegularFile(config)) {
            return null;
        }
        JsonNode node = StrictJson.readObject(config, MAXIMUM_BYTES).path("quantization_config");
        if (!node.isObject()) {
            return null;
        }
        String method = node.path("quant_method").asText();
        boolean fourBits = node.path("load_in_4bit").asBoolean();
        String format = node.path("format").asText();
        if (!KNOWN.contains(method) || fourBits || PACKED.contains(format)) {
            throw new CheckpointException(config, "quantization_config says that weights are stored by "
                + (method.isEmpty() ? "a method without a name" : "'" + method + "'") + (fourBits ? " in 4 bits"
                : format.isEmpty() ? "" : " as '" + format + "'") + "; read are bytes and 8-bit floats with scales of "
                + KNOWN.stream().sorted().toList(), MEND);
        }
        return node;
    }

    /** Returns the weights' names, without those of scales, in the order of their bytes. */
    public Set<String> names() {
        return names;
    }

    /** Returns whether there is a weight of this name. */
    public boolean contains(String name) {
        return names.contains(name);
    }

    /**
     * Returns what the file says of a weight.
     *
     * @throws CheckpointException if there is none of this name
     */
    public TensorInfo info(String name) {
        return file.info(name);
    }

    /**
     * Returns the type in which a weight is stored, or null where that has scales or is no floating-point type of ND4J.
     *
     * @throws CheckpointException if there is none of this name
     */
    public @Nullable DataType dataType(String name) {
        DataType type = info(name).type().dataType();
        return type == null || !type.isFPType() || scales.has(name) ? null : type;
    }

    /**
     * Reads a weight into an array that exists already.
     *
     * @param destination a row-major floating-point array without gaps, of the weight's shape
     * @throws CheckpointException if there is no such weight, or its shape does not fit
     */
    public void readInto(String name, INDArray destination) {
        ElementConversion.Scaling scaling = scales.of(name);
        if (scaling == null) {
            file.readInto(name, destination);
        } else {
            file.readInto(name, destination, scaling);
        }
    }

    /** Reads a weight into a fresh array of its own shape. */
    public INDArray read(String name, DataType type) {
        INDArray array = Nd4j.createUninitialized(type, info(name).shape(), 'c');
        readInto(name, array);
        return array;
    }

    /** Returns whether two weights are stored as the same shape, type and bytes. */
    public boolean same(String name, String other) {
        return file.same(name, other);
    }

    /** Closes the files; arrays that were read stay valid. */
    @Override
    public void close() {
        file.close();
    }
}
