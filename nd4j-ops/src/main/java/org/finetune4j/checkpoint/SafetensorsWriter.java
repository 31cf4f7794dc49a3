package org.finetune4j.checkpoint;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Writes arrays as a safetensors file, streaming, so that memory for one megabyte-sized window is all it needs.
 *
 * <p>Tensors of wider types come first, as the reference writer puts them, so that each one is aligned to its elements;
 * within a type the order of the map is kept. The same arrays give the same bytes.
 */
public final class SafetensorsWriter {
    private static final int WINDOW_ELEMENTS = 1 << 20;
    private static final int ALIGNMENT = 8;

    private final @Nullable Function<String, DataType> storage;
    private final boolean checkFinite;

    private SafetensorsWriter(@Nullable Function<String, DataType> storage, boolean checkFinite) {
        this.storage = storage;
        this.checkFinite = checkFinite;
    }

    /** Returns a writer that stores every array in its own type and does not look at the values. */
    public static SafetensorsWriter create() {
        return new SafetensorsWriter(null, false);
    }

    /**
     * Returns a writer that stores floating-point arrays as another floating-point type, rounding to nearest with ties to
     * even; other arrays keep their type.
     *
     * @param type DOUBLE, FLOAT, HALF or BFLOAT16
     * @throws IllegalArgumentException if it is another type
     */
    public SafetensorsWriter storedAs(DataType type) {
        floatingPoint(type);
        return storedAs(name -> type);
    }

    /**
     * Returns a writer that stores every floating-point array as a floating-point type of its own, as {@link
     * #storedAs(DataType)} does.
     *
     * @param types DOUBLE, FLOAT, HALF or BFLOAT16 by a tensor's name
     */
    public SafetensorsWriter storedAs(Function<String, DataType> types) {
        return new SafetensorsWriter(types, checkFinite);
    }

    private static TensorType floatingPoint(DataType type) {
        TensorType stored = TensorType.of(type);
        if (stored == null || !stored.isFloatingPoint()) {
            throw new IllegalArgumentException("weights are stored as DOUBLE, FLOAT, HALF or BFLOAT16, not as " + type);
        }
        return stored;
    }

    /** Returns a writer that refuses an array with a NaN or an infinity in it, or one that the stored type overflows. */
    public SafetensorsWriter checkingFinite() {
        return new SafetensorsWriter(storage, true);
    }

    /**
     * Writes a file atomically: an earlier file stays until the new one is whole on the disk.
     *
     * @param file where to
     * @param tensors arrays of any layout by name
     * @param metadata free texts for the header
     * @throws CheckpointException if the disk refuses, or a value is not finite and that is checked
     */
    public void write(Path file, Map<String, INDArray> tensors, Map<String, String> metadata) {
        write(file, tensors, metadata, AtomicFiles.onDisk());
    }

    /** Does what {@link #write(Path, Map, Map)} does, through the given files. */
    public void write(Path file, Map<String, INDArray> tensors, Map<String, String> metadata, AtomicFiles files) {
        files.write(file, channel -> writeTo(channel, file, tensors, metadata));
    }

    /**
     * Writes the bytes of a file to a channel.
     *
     * @param channel where to
     * @param file named in messages
     * @param tensors arrays of any layout by name
     * @param metadata free texts for the header
     * @throws CheckpointException if a value is not finite and that is checked, or a type cannot be stored
     * @throws IOException if the channel refuses
     */
    public void writeTo(WritableByteChannel channel, Path file, Map<String, INDArray> tensors,
            Map<String, String> metadata) throws IOException {
        List<PendingTensor> pending = new ArrayList<>();
        tensors.forEach((name, array) -> pending.add(PendingTensor.of(name, array)));
        writeTo(channel, file, pending, metadata);
    }

    /** Does what {@link #writeTo(WritableByteChannel, Path, Map, Map)} does, making one tensor's values at a time. */
    public void writeTo(WritableByteChannel channel, Path file, List<PendingTensor> tensors,
            Map<String, String> metadata) throws IOException {
        List<Entry> entries = new ArrayList<>();
        tensors.forEach(tensor -> entries.add(new Entry(tensor, storedType(file, tensor))));
        entries.sort(Comparator.comparingInt((Entry entry) -> entry.type.bytes()).reversed());
        AtomicFiles.writeFully(channel, header(file, entries, metadata));
        for (Entry entry : entries) {
            try {
                entry.tensor.use(array -> writeTensor(channel, file, entry, array));
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
        }
    }

    /** Returns the bytes that tensors take, without the header. */
    long bytes(List<PendingTensor> tensors, Path file) {
        return tensors.stream().mapToLong(tensor -> tensor.elements() * storedType(file, tensor).bytes()).sum();
    }

    private record Entry(PendingTensor tensor, TensorType type) {
        String name() {
            return tensor.name();
        }
    }

    private TensorType storedType(Path file, PendingTensor tensor) {
        TensorType own = TensorType.of(tensor.type());
        if (own == null) {
            throw new CheckpointException(file, "tensor '" + tensor.name() + "' is of type " + tensor.type()
                + ", which safetensors cannot hold", "Convert it to one of " + TensorType.knownNames());
        }
        return storage != null && own.isFloatingPoint() ? floatingPoint(storage.apply(tensor.name())) : own;
    }

    private static ByteBuffer header(Path file, List<Entry> entries, Map<String, String> metadata) {
        ObjectNode root = StrictJson.mapper().createObjectNode();
        if (!metadata.isEmpty()) {
            metadata.forEach(root.putObject(SafetensorsHeader.METADATA)::put);
        }
        long position = 0;
        for (Entry entry : entries) {
            if (entry.name().equals(SafetensorsHeader.METADATA)
                || !StandardCharsets.UTF_8.newEncoder().canEncode(entry.name())) {
                throw new CheckpointException(file, "a tensor cannot be named '" + entry.name() + "'", "Rename it");
            }
            ObjectNode node = root.putObject(entry.name());
            node.put("dtype", entry.type.name());
            ArrayNode shape = node.putArray("shape");
            Arrays.stream(entry.tensor.shape()).forEach(shape::add);
            long end = position + entry.tensor.elements() * entry.type.bytes();
            node.putArray("data_offsets").add(position).add(end);
            position = end;
        }
        byte[] json = toBytes(root);
        int padded = Math.addExact(json.length, (ALIGNMENT - json.length % ALIGNMENT) % ALIGNMENT);
        if (padded > SafetensorsHeader.MAXIMUM_BYTES) {
            throw new CheckpointException(file, "the header would have " + padded + " bytes, the format allows "
                + SafetensorsHeader.MAXIMUM_BYTES, "Split the model over several files");
        }
        byte[] bytes = new byte[SafetensorsHeader.LENGTH_BYTES + padded];
        Arrays.fill(bytes, (byte) ' ');
        System.arraycopy(json, 0, bytes, SafetensorsHeader.LENGTH_BYTES, json.length);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(0, padded);
    }

    private static byte[] toBytes(ObjectNode root) {
        try {
            return StrictJson.mapper().writeValueAsBytes(root);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a tree of strings and numbers is always writable", e);
        }
    }

    private void writeTensor(WritableByteChannel channel, Path file, Entry entry, INDArray values) {
        long elements = values.length();
        if (values.isEmpty() || elements == 0) {
            return;
        }
        // Views into a larger array are copied, one tensor at a time.
        INDArray array = ArrayBytes.isGapless(values) ? values : values.dup('c');
        TensorType own = TensorType.of(array.dataType());
        ArrayBytes memory = new ArrayBytes(array);
        int window = (int) Math.min(WINDOW_ELEMENTS, elements);
        ByteBuffer stored = ByteBuffer.allocateDirect(window * entry.type.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (long done = 0; done < elements; done += window) {
            int count = (int) Math.min(window, elements - done);
            stored.clear();
            ElementConversion.convert(own, memory.window(done * own.bytes(), count * own.bytes()), entry.type, stored);
            stored.flip();
            if (checkFinite && entry.type.isFloatingPoint()) {
                requireFinite(stored, entry, done, file);
            }
            try {
                AtomicFiles.writeFully(channel, stored);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        Reference.reachabilityFence(array);
    }

    private static void requireFinite(ByteBuffer stored, Entry entry, long done, Path file) {
        int index = NonFinite.firstIndex(entry.type, stored);
        if (index >= 0) {
            throw new CheckpointException(file, "tensor '" + entry.name() + "' has the value "
                + NonFinite.describe(entry.type, stored, index) + " at element " + (done + index) + " of "
                + entry.tensor.elements() + " (as " + entry.type + ")",
                "The training diverged: use an earlier checkpoint and a lower learning rate");
        }
    }
}
