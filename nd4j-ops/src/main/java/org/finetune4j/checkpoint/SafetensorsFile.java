package org.finetune4j.checkpoint;

import java.lang.ref.Reference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * The weights of a model, read from one {@code .safetensors} file or from an index of shards.
 *
 * <p>Opening checks every rule of the format and reads no tensor. Reading goes piece by piece, so a file may be
 * larger than 2 GiB and larger than the memory; values are converted on the way. An object may be read by several threads.
 */
public final class SafetensorsFile implements AutoCloseable {
    /** The name of the only weights file of a model that is not split. */
    public static final String FILE_NAME = "model.safetensors";

    /** The most axes that an ND4J array can have. */
    private static final int MAXIMUM_RANK = 32;

    private final Path path;
    private final List<SafetensorsShard> shards;
    private final Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    private final Map<String, SafetensorsShard> shardOf = new HashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    private SafetensorsFile(Path path, List<SafetensorsShard> shards) {
        this.path = path;
        this.shards = shards;
        for (SafetensorsShard shard : shards) {
            metadata.putAll(shard.header().metadata());
            for (TensorInfo info : shard.header().tensors().values()) {
                SafetensorsShard other = shardOf.put(info.name(), shard);
                if (other != null) {
                    throw new CheckpointException(path, "tensor '" + info.name() + "' is in two shards, "
                        + other.file().getFileName() + " and " + shard.file().getFileName(),
                        "Restore the shards from where the model came from");
                }
                tensors.put(info.name(), info);
            }
        }
    }

    /**
     * Opens weights.
     *
     * @param path a {@code .safetensors} file, an index ({@code *.index.json}), or a model folder with one of them
     * @throws CheckpointException if nothing is there or a rule of the format is broken
     */
    public static SafetensorsFile open(Path path) {
        if (Files.isDirectory(path)) {
            return openFolder(path);
        }
        String name = String.valueOf(path.getFileName());
        if (name.endsWith(".json")) {
            return openIndex(path);
        }
        if (Pickles.isNamedLikeOne(name)) {
            throw Pickles.refused(path);
        }
        return closingOnFailure(path, List.of(SafetensorsShard.open(path)));
    }

    private static SafetensorsFile openFolder(Path folder) {
        Path single = folder.resolve(FILE_NAME);
        Path index = folder.resolve(ShardIndex.FILE_NAME);
        if (Files.exists(single)) {
            return open(single);
        }
        if (Files.exists(index)) {
            return openIndex(index);
        }
        Path pickle = Pickles.in(folder);
        if (pickle != null) {
            throw Pickles.refused(pickle);
        }
        throw new CheckpointException(folder, "it holds neither " + FILE_NAME + " nor " + ShardIndex.FILE_NAME,
            "Give a model folder in the Hugging Face layout");
    }

    private static SafetensorsFile openIndex(Path index) {
        Map<String, String> shardNames = ShardIndex.read(index);
        Map<String, SafetensorsShard> opened = new LinkedHashMap<>();
        List<SafetensorsShard> shards = new ArrayList<>();
        try {
            for (String name : Set.copyOf(shardNames.values()).stream().sorted().toList()) {
                SafetensorsShard shard = SafetensorsShard.open(index.resolveSibling(name));
                shards.add(shard);
                opened.put(name, shard);
            }
            for (Map.Entry<String, String> entry : shardNames.entrySet()) {
                SafetensorsShard shard = opened.get(entry.getValue());
                if (shard == null || !shard.header().tensors().containsKey(entry.getKey())) {
                    throw new CheckpointException(index, "it says that tensor '" + entry.getKey() + "' is in "
                        + entry.getValue() + ", but that shard has no such tensor",
                        "Restore index and shards from the same source");
                }
            }
            for (SafetensorsShard shard : shards) {
                for (String name : shard.header().tensors().keySet()) {
                    if (!shardNames.containsKey(name)) {
                        throw new CheckpointException(index, "it does not name tensor '" + name + "' of "
                            + shard.file().getFileName(), "Restore index and shards from the same source");
                    }
                }
            }
        } catch (RuntimeException e) {
            shards.forEach(SafetensorsShard::close);
            throw e;
        }
        return closingOnFailure(index, shards);
    }

    private static SafetensorsFile closingOnFailure(Path path, List<SafetensorsShard> shards) {
        try {
            return new SafetensorsFile(path, shards);
        } catch (RuntimeException e) {
            shards.forEach(SafetensorsShard::close);
            throw e;
        }
    }

    /** Returns the tensors' names, in the order of their bytes. */
    public Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    /** Returns whether there is a tensor of this name. */
    public boolean contains(String name) {
        return tensors.containsKey(name);
    }

    /**
     * Returns what the header says of a tensor.
     *
     * @throws CheckpointException if there is no tensor of this name
     */
    public TensorInfo info(String name) {
        TensorInfo info = tensors.get(name);
        if (info == null) {
            throw new CheckpointException(path, "there is no tensor '" + name + "' among its " + tensors.size()
                + " tensors (such as " + String.join(", ", tensors.keySet().stream().limit(3).toList()) + ")",
                "Check that config.json and the weights belong to the same model");
        }
        return info;
    }

    /** Returns the free texts of the header; where shards differ, those of the last shard. */
    public Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    /**
     * Reads a tensor into a fresh row-major array of its own shape.
     *
     * @param name the tensor
     * @param target the array's type; floating-point types convert into each other (widening exactly, narrowing to
     *     nearest, ties to even), every other type only into itself
     * @throws CheckpointException if there is no such tensor, or its type cannot become the target
     */
    public INDArray read(String name, DataType target) {
        TensorInfo info = info(name);
        requireConvertible(info, target);
        if (info.shape().length > MAXIMUM_RANK) {
            throw new CheckpointException(path, "tensor '" + name + "' has " + info.shape().length
                + " axes, ND4J arrays have at most " + MAXIMUM_RANK, "Reshape the tensor");
        }
        INDArray array = info.elements() == 0 ? Nd4j.create(target, info.shape())
            : info.shape().length == 0 ? Nd4j.scalar(target, 0)
            : Nd4j.createUninitialized(target, info.shape(), 'c');
        readInto(name, array);
        return array;
    }

    /**
     * Reads a tensor into an array that exists already.
     *
     * @param name the tensor
     * @param destination a row-major array without gaps, of the tensor's shape; its type rules the conversion
     * @throws CheckpointException if there is no such tensor, or the shape or type does not fit
     * @throws IllegalArgumentException if the destination is not row-major and without gaps
     */
    public void readInto(String name, INDArray destination) {
        readInto(name, destination, requireConvertible(info(name), destination.dataType()), null);
    }

    /** Reads bytes or floating-point numbers into a floating-point array, scaled. */
    void readInto(String name, INDArray destination, ElementConversion.Scaling scaling) {
        TensorType target = TensorType.of(destination.dataType());
        if (target == null || !destination.dataType().isFPType()) {
            throw new IllegalArgumentException("scaled numbers are not read as " + destination.dataType());
        }
        readInto(name, destination, target, scaling);
    }

    private void readInto(String name, INDArray destination, TensorType target,
            ElementConversion.@Nullable Scaling scaling) {
        TensorInfo info = info(name);
        if (!Arrays.equals(info.shape(), destination.shape())) {
            throw new CheckpointException(path, "tensor '" + name + "' has the shape "
                + Arrays.toString(info.shape()) + ", but "
                + Arrays.toString(destination.shape()) + " is needed",
                "Check that config.json and the weights belong to the same model");
        }
        if (info.elements() > 0) {
            shardOf.get(name).read(info, destination, target, scaling);
            Reference.reachabilityFence(destination);
        }
    }

    private TensorType requireConvertible(TensorInfo info, DataType target) {
        TensorType to = TensorType.of(target);
        if (to == null || !ElementConversion.possible(info.type(), to)) {
            throw new CheckpointException(path, "tensor '" + info.name() + "' is stored as " + info.type()
                + ", which is not read as " + target, "Read it as "
                + (info.type().dataType() == null ? DataType.FLOAT : info.type().dataType()));
        }
        return to;
    }

    /** Returns whether two tensors have the same shape, type and bytes. */
    public boolean same(String name, String other) {
        TensorInfo left = info(name);
        TensorInfo right = info(other);
        return left.type() == right.type() && Arrays.equals(left.shape(), right.shape())
            && shardOf.get(name).hasSameBytes(left, shardOf.get(other), right);
    }

    /** Closes the files; arrays that were read stay valid. */
    @Override
    public void close() {
        shards.forEach(SafetensorsShard::close);
    }
}
