package org.finetune4j.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.IntStream;
import org.finetune4j.checkpoint.ElementConversion.Scaling;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One open safetensors file, whose tensors are read a window at a time. */
final class SafetensorsShard implements AutoCloseable {
    /** Elements per window: small enough to stay in a few megabytes whatever a tensor's size. */
    private static final int WINDOW_ELEMENTS = 1 << 20;
    /** More than there are processors, so that one that is slow does not hold up the others. */
    private static final int PARTS = 4 * Runtime.getRuntime().availableProcessors();

    private final Path file;
    private final FileChannel channel;
    private final SafetensorsHeader header;

    private SafetensorsShard(Path file, FileChannel channel, SafetensorsHeader header) {
        this.file = file;
        this.channel = channel;
        this.header = header;
    }

    static SafetensorsShard open(Path file) {
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
            try {
                return new SafetensorsShard(file, channel, SafetensorsHeader.read(channel, file));
            } catch (IOException | RuntimeException e) {
                channel.close();
                throw e;
            }
        } catch (NoSuchFileException e) {
            throw new CheckpointException(file, "there is no such file",
                "Check the path; a sharded model needs every shard beside its index", e);
        } catch (IOException e) {
            throw new CheckpointException(file, "it cannot be read (" + e.getMessage() + ")",
                "Check that it is a regular file and that its permissions allow reading", e);
        }
    }

    Path file() {
        return file;
    }

    SafetensorsHeader header() {
        return header;
    }

    /**
     * Copies a tensor of this file into a gapless row-major array of as many elements, in parallel parts.
     *
     * @param scaling what the stored numbers are multiplied by, or null
     */
    void read(TensorInfo info, INDArray destination, TensorType target, @Nullable Scaling scaling) {
        ArrayBytes memory = new ArrayBytes(destination);
        long elements = info.elements();
        long windows = (elements + WINDOW_ELEMENTS - 1) / WINDOW_ELEMENTS;
        int parts = (int) Math.min(windows, PARTS);
        IntStream.range(0, parts).parallel().forEach(part -> read(info, memory, target, scaling,
            windows * part / parts * WINDOW_ELEMENTS, Math.min(elements, windows * (part + 1) / parts * WINDOW_ELEMENTS)));
        memory.written();
    }

    private void read(TensorInfo info, ArrayBytes memory, TensorType target, @Nullable Scaling scaling, long from,
            long to) {
        TensorType own = info.type();
        long start = header.dataStart() + info.begin();
        // Read, not mapped: mapped pages count as the process's memory until the garbage collector unmaps them.
        ByteBuffer stored = own == target && scaling == null ? null
            : ByteBuffer.allocateDirect((int) Math.min(WINDOW_ELEMENTS, to - from) * own.bytes());
        for (long done = from; done < to; done += WINDOW_ELEMENTS) {
            int count = (int) Math.min(WINDOW_ELEMENTS, to - done);
            ByteBuffer wanted = memory.window(done * target.bytes(), count * target.bytes());
            ByteBuffer source = stored == null ? wanted : stored.clear().limit(count * own.bytes());
            try {
                SafetensorsHeader.readFully(channel, source, start + done * own.bytes(), file);
            } catch (IOException e) {
                throw new CheckpointException(file, "tensor '" + info.name() + "' cannot be read (" + e.getMessage()
                    + ")", "Check the disk", e);
            }
            if (stored != null && scaling == null) {
                ElementConversion.convert(own, stored.flip(), target, wanted);
            } else if (stored != null) {
                ElementConversion.convert(own, stored.flip(), target, wanted, scaling, done);
            }
        }
    }

    /** Returns whether two tensors, the other perhaps of another file, are of the same bytes. */
    boolean hasSameBytes(TensorInfo info, SafetensorsShard otherShard, TensorInfo other) {
        if (info.end() - info.begin() != other.end() - other.begin()) {
            return false;
        }
        ByteBuffer left = ByteBuffer.allocateDirect(WINDOW_ELEMENTS);
        ByteBuffer right = ByteBuffer.allocateDirect(WINDOW_ELEMENTS);
        try {
            for (long done = 0; done < info.end() - info.begin(); done += WINDOW_ELEMENTS) {
                int count = (int) Math.min(WINDOW_ELEMENTS, info.end() - info.begin() - done);
                SafetensorsHeader.readFully(channel, left.clear().limit(count), header.dataStart() + info.begin() + done,
                    file);
                SafetensorsHeader.readFully(otherShard.channel, right.clear().limit(count),
                    otherShard.header.dataStart() + other.begin() + done, otherShard.file);
                if (!left.flip().equals(right.flip())) {
                    return false;
                }
            }
            return true;
        } catch (IOException e) {
            throw new CheckpointException(file, "tensor '" + info.name() + "' cannot be read (" + e.getMessage() + ")",
                "Check the disk", e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new CheckpointException(file, "it cannot be closed (" + e.getMessage() + ")", "Check the disk", e);
        }
    }
}
