package org.finetune4j.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.nd4j.linalg.api.ndarray.INDArray;

/** One open safetensors file, whose tensors are read a window at a time. */
final class SafetensorsShard implements AutoCloseable {
    /** Elements per window: small enough to stay in a few megabytes whatever a tensor's size. */
    private static final int WINDOW_ELEMENTS = 1 << 20;

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

    /** Copies a tensor of this file into a gapless row-major array of as many elements. */
    void read(TensorInfo info, INDArray destination, TensorType target) {
        ArrayBytes memory = new ArrayBytes(destination);
        long start = header.dataStart() + info.begin();
        long elements = info.elements();
        // Read, not mapped: mapped pages count as the process's memory until the garbage collector unmaps them.
        ByteBuffer stored = info.type() == target ? null
            : ByteBuffer.allocateDirect((int) Math.min(WINDOW_ELEMENTS, elements) * info.type().bytes());
        for (long done = 0; done < elements; done += WINDOW_ELEMENTS) {
            int count = (int) Math.min(WINDOW_ELEMENTS, elements - done);
            ByteBuffer wanted = memory.window(done * target.bytes(), count * target.bytes());
            ByteBuffer source = stored == null ? wanted : stored.clear().limit(count * info.type().bytes());
            try {
                SafetensorsHeader.readFully(channel, source, start + done * info.type().bytes(), file);
            } catch (IOException e) {
                throw new CheckpointException(file, "tensor '" + info.name() + "' cannot be read (" + e.getMessage()
                    + ")", "Check the disk", e);
            }
            if (stored != null) {
                ElementConversion.convert(info.type(), stored.flip(), target, wanted);
            }
        }
        memory.written();
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
