package org.finetune4j.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.checkpoint.StrictJson;

/** Size and SHA-256 of every file of a checkpoint; written last, so that a folder without it is not a checkpoint. */
final class Manifest {
    static final String FILE_NAME = "manifest.json";

    private static final int MAXIMUM_BYTES = 1 << 20;
    private static final String MEND = "Delete the folder; an earlier checkpoint is used if there is one";

    private final Map<String, Entry> entries = new LinkedHashMap<>();

    private record Entry(long bytes, String sha256) {
    }

    /** Writes a file into an unfinished folder and notes what was written. */
    void write(AtomicFiles.UnfinishedFolder folder, String name, AtomicFiles.Content content) throws IOException {
        folder.write(name, channel -> {
            Counting counting = new Counting(channel);
            content.writeTo(counting);
            entries.put(name, new Entry(counting.bytes, HexFormat.of().formatHex(counting.digest.digest())));
        });
    }

    /** Writes the manifest itself. */
    void writeTo(AtomicFiles.UnfinishedFolder folder, long step) throws IOException {
        ObjectNode root = StrictJson.mapper().createObjectNode();
        root.put("step", step);
        ObjectNode files = root.putObject("files");
        entries.forEach((name, entry) -> files.putObject(name).put("bytes", entry.bytes).put("sha256", entry.sha256));
        folder.writeText(FILE_NAME, root.toPrettyString());
    }

    /**
     * Checks every file of a checkpoint.
     *
     * @throws CheckpointException naming the first file that is missing or differs
     */
    static void verify(Path folder, long step, Iterable<String> names) {
        Path file = folder.resolve(FILE_NAME);
        ObjectNode root = StrictJson.readObject(file, MAXIMUM_BYTES);
        if (root.path("step").asLong(-1) != step) {
            throw new CheckpointException(file, "it tells of step " + root.path("step"), MEND);
        }
        for (String name : names) {
            JsonNode entry = root.path("files").path(name);
            Entry actual = read(folder.resolve(name));
            if (entry.path("bytes").asLong(-1) != actual.bytes) {
                throw new CheckpointException(folder.resolve(name), "it has " + actual.bytes + " bytes, but "
                        + entry.path("bytes").asText("no number") + " in the manifest", MEND);
            }
            if (!entry.path("sha256").asText().equals(actual.sha256)) {
                throw new CheckpointException(folder.resolve(name), "its bytes differ from those that were written", MEND);
            }
        }
    }

    private static Entry read(Path file) {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = Hashes.sha256();
            byte[] block = new byte[1 << 16];
            long bytes = 0;
            for (int count = in.read(block); count >= 0; count = in.read(block)) {
                digest.update(block, 0, count);
                bytes += count;
            }
            return new Entry(bytes, HexFormat.of().formatHex(digest.digest()));
        } catch (IOException e) {
            throw new CheckpointException(file, "it cannot be read (" + e + ")", MEND, e);
        }
    }

    /** Passes bytes on, counting and hashing them. */
    private static final class Counting implements WritableByteChannel {
        private final WritableByteChannel target;
        private final MessageDigest digest = Hashes.sha256();
        private long bytes;

        Counting(WritableByteChannel target) {
            this.target = target;
        }

        @Override
        public int write(ByteBuffer source) throws IOException {
            ByteBuffer written = source.duplicate();
            int count = target.write(source);
            written.limit(written.position() + count);
            digest.update(written);
            bytes += count;
            return count;
        }

        @Override
        public boolean isOpen() {
            return target.isOpen();
        }

        @Override
        public void close() throws IOException {
            target.close();
        }
    }
}
