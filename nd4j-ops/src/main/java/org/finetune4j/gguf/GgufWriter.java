package org.finetune4j.gguf;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import org.bytedeco.javacpp.FloatPointer;
import org.finetune4j.checkpoint.CheckpointException;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Writes metadata and tensors as a GGUF file, one tensor in memory at a time. */
final class GgufWriter {
    private static final int MAGIC = 0x46554747;
    private static final int VERSION = 3;
    /** What offsets are multiples of where {@code general.alignment} does not say otherwise. */
    private static final int ALIGNMENT = 32;
    private static final int WINDOW_ELEMENTS = 1 << 18;
    private static final int LONGEST_NAME = 63;

    private final WritableByteChannel channel;
    private final Path file;
    private long written;

    private GgufWriter(WritableByteChannel channel, Path file) {
        this.channel = channel;
        this.file = file;
    }

    /**
     * Writes a file.
     *
     * @param file named in messages
     * @throws CheckpointException when a value is not finite as it is stored
     */
    static void write(WritableByteChannel channel, Path file, GgufMetadata metadata, List<GgufTensor> tensors)
            throws IOException {
        new GgufWriter(channel, file).write(metadata, tensors);
    }

    /** Bytes of the tensors, each padded. */
    static long bytes(List<GgufTensor> tensors) {
        return tensors.stream().mapToLong(tensor -> aligned(tensor.bytes())).sum();
    }

    private void write(GgufMetadata metadata, List<GgufTensor> tensors) throws IOException {
        put(little(24).putInt(MAGIC).putInt(VERSION).putLong(tensors.size()).putLong(metadata.count()));
        append(ByteBuffer.wrap(metadata.bytes()));
        long offset = 0;
        for (GgufTensor tensor : tensors) {
            byte[] name = tensor.values().name().getBytes(StandardCharsets.UTF_8);
            if (name.length > LONGEST_NAME) {
                throw new IllegalArgumentException("a tensor's name has at most " + LONGEST_NAME + " bytes: "
                        + tensor.values().name());
            }
            long[] shape = tensor.values().shape();
            ByteBuffer info = little(8 + name.length + 4 + 8 * shape.length + 4 + 8).putLong(name.length).put(name)
                    .putInt(shape.length);
            for (int axis = shape.length - 1; axis >= 0; axis--) {
                info.putLong(shape[axis]);
            }
            put(info.putInt(tensor.type().id()).putLong(offset));
            offset += aligned(tensor.bytes());
        }
        pad();
        for (GgufTensor tensor : tensors) {
            try {
                tensor.values().use(array -> write(array, tensor));
            } catch (UncheckedIOException e) {
                throw e.getCause();
            }
            pad();
        }
    }

    private void write(INDArray array, GgufTensor tensor) {
        FloatPointer memory = new FloatPointer(array.data().addressPointer());
        long elements = array.length();
        float[] values = new float[(int) Math.min(WINDOW_ELEMENTS, elements)];
        ByteBuffer stored = little((int) tensor.type().bytes(values.length));
        for (long done = 0; done < elements; done += values.length) {
            int count = (int) Math.min(values.length, elements - done);
            memory.position(done).get(values, 0, count);
            requireFinite(values, count, tensor, done);
            tensor.type().encode(values, count, stored.clear());
            try {
                put(stored);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    private void requireFinite(float[] values, int count, GgufTensor tensor, long done) {
        // The largest HALF, also for the step of a block.
        float largest = tensor.type() == GgufType.F16 ? 65504 : tensor.type() == GgufType.Q8_0 ? 65504 * 127f
                : Float.MAX_VALUE;
        for (int i = 0; i < count; i++) {
            if (!(Math.abs(values[i]) <= largest)) {
                throw new CheckpointException(file, "tensor '" + tensor.values().name() + "' has the value " + values[i]
                        + " at element " + (done + i) + ", which " + tensor.type() + " cannot hold",
                        "Choose another type, or an earlier checkpoint where the training diverged");
            }
        }
    }

    private static ByteBuffer little(int bytes) {
        return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static long aligned(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    private void pad() throws IOException {
        append(ByteBuffer.allocate((int) (aligned(written) - written)));
    }

    private void put(ByteBuffer filled) throws IOException {
        append(filled.flip());
    }

    private void append(ByteBuffer bytes) throws IOException {
        written += bytes.remaining();
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }
}
