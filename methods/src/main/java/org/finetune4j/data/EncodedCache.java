package org.finetune4j.data;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.checkpoint.StrictJson;
import org.jspecify.annotations.Nullable;

/**
 * Encoded data in a folder, one file each, named by a hash of everything that changes tokens: the data's bytes and what
 * is done to their records, template and tokenizer, the limits, and the code. Files are written whole or not at all,
 * and what is read is held against its own hash, so that a damaged file counts as none. The {@value #KEPT} files used
 * last are kept.
 *
 * @param folder where the files lie
 */
public record EncodedCache(Path folder) {
    private static final int KEPT = 32;
    private static final int BUFFER = 1 << 16;
    private static final long MAGIC = 0x4654344a454e4331L;
    private static final String ENDING = ".tokens";

    /**
     * The name under which data are kept, or null where nobody knows what changes them.
     *
     * @param source   the data
     * @param encoding what {@link TextEncoding#fingerprint} says
     * @param limit    the longest sequence in tokens
     * @param tooLong  what happens to longer ones
     */
    public static @Nullable String key(DataSource source, String encoding, int limit, TooLong tooLong) {
        String rows = source.fingerprint();
        return rows == null ? null : Hashes.of(String.join("\n", rows, encoding, String.valueOf(limit), tooLong.name(),
                CodeVersion.value()));
    }

    /** What is kept under a key, or null when there is nothing, or nothing whole. */
    public @Nullable ReadData read(String key) {
        Path file = folder.resolve(key + ENDING);
        if (!Files.isRegularFile(file)) {
            return null;
        }
        try {
            if (!isWhole(file)) {
                return null;
            }
            try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), BUFFER))) {
                ReadData data = read(in, Files.size(file));
                use(file);
                return data;
            }
        } catch (IOException | RuntimeException damaged) {
            // It can be made again.
            return null;
        }
    }

    private static void use(Path file) {
        try {
            Files.setLastModifiedTime(file, FileTime.fromMillis(System.currentTimeMillis()));
        } catch (IOException e) {
            // It is only removed earlier than others; what was read is right.
        }
    }

    /** Whether the hash at the end of a file is that of all before it. */
    private static boolean isWhole(Path file) throws IOException {
        MessageDigest digest = Hashes.sha256();
        byte[] block = new byte[BUFFER];
        try (InputStream in = Files.newInputStream(file)) {
            long left = Files.size(file) - digest.getDigestLength();
            while (left > 0) {
                int count = in.read(block, 0, (int) Math.min(block.length, left));
                if (count < 0) {
                    return false;
                }
                digest.update(block, 0, count);
                left -= count;
            }
            return MessageDigest.isEqual(digest.digest(), in.readAllBytes());
        }
    }

    private static ReadData read(DataInputStream in, long most) throws IOException {
        if (in.readLong() != MAGIC) {
            throw new IOException("not a file of tokens");
        }
        ObjectNode head = (ObjectNode) StrictJson.mapper().readTree(text(in, most));
        List<String> notes = new ArrayList<>();
        head.path("notes").forEach(note -> notes.add(note.asText()));
        long[] prompts = new long[bounded(in.readInt(), most / 8)];
        for (int i = 0; i < prompts.length; i++) {
            prompts[i] = in.readLong();
        }
        int count = bounded(in.readInt(), most / 8);
        List<Example> examples = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            String id = text(in, most);
            int[] ids = new int[bounded(in.readInt(), most / 4)];
            boolean[] supervised = new boolean[ids.length];
            for (int t = 0; t < ids.length; t++) {
                int value = in.readInt();
                ids[t] = value >> 1;
                supervised[t] = (value & 1) == 1;
            }
            examples.add(new Example(id, ids, supervised));
        }
        LengthStatistics lengths = StrictJson.mapper().treeToValue(head.path("lengths"), LengthStatistics.class);
        return new ReadData(head.path("rows").asInt(), notes, prompts, new EncodedSamples(examples,
                head.path("dropped").asInt(), head.path("cut").asInt(), lengths));
    }

    private static int bounded(int length, long most) throws IOException {
        if (length < 0 || length > most) {
            throw new IOException("a length of " + length);
        }
        return length;
    }

    private static String text(DataInputStream in, long most) throws IOException {
        return new String(in.readNBytes(bounded(in.readInt(), most)), StandardCharsets.UTF_8);
    }

    /**
     * Keeps data under a key.
     *
     * @throws FinetuneException when they cannot be written
     */
    public void write(String key, ReadData data) {
        AtomicFiles.onDisk().write(folder.resolve(key + ENDING), channel -> {
            MessageDigest digest = Hashes.sha256();
            OutputStream bytes = new BufferedOutputStream(Channels.newOutputStream(channel), BUFFER);
            DataOutputStream out = new DataOutputStream(new DigestOutputStream(bytes, digest));
            write(out, data);
            out.flush();
            bytes.write(digest.digest());
            bytes.flush();
        });
        prune();
    }

    private static void write(DataOutputStream out, ReadData data) throws IOException {
        EncodedSamples encoded = data.encoded();
        ObjectNode head = StrictJson.mapper().createObjectNode().put("rows", data.rows())
                .put("dropped", encoded.dropped())
                .put("cut", encoded.cut());
        data.notes().forEach(head.putArray("notes")::add);
        head.set("lengths", StrictJson.mapper().valueToTree(encoded.lengths()));
        out.writeLong(MAGIC);
        text(out, head.toString());
        out.writeInt(data.prompts().length);
        for (long prompt : data.prompts()) {
            out.writeLong(prompt);
        }
        out.writeInt(encoded.examples().size());
        for (Example example : encoded.examples()) {
            text(out, example.id());
            out.writeInt(example.ids().length);
            for (int t = 0; t < example.ids().length; t++) {
                out.writeInt(example.ids()[t] << 1 | (example.supervised()[t] ? 1 : 0));
            }
        }
    }

    private static void text(DataOutputStream out, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        out.writeInt(bytes.length);
        out.write(bytes);
    }

    private void prune() {
        try (Stream<Path> files = Files.list(folder)) {
            List<Path> all = files.toList();
            for (Path file : all) {
                String name = file.getFileName().toString();
                int begun = name.indexOf(ENDING + AtomicFiles.TEMPORARY);
                if (begun >= 0) {
                    AtomicFiles.onDisk().removeLeftovers(folder.resolve(name.substring(0, begun + ENDING.length())));
                }
            }
            List<Path> old = all.stream().filter(file -> file.toString().endsWith(ENDING))
                    .sorted(Comparator.comparing(EncodedCache::lastUse).reversed()).skip(KEPT).toList();
            for (Path file : old) {
                Files.deleteIfExists(file);
            }
        } catch (IOException e) {
            throw new FinetuneException(folder + " cannot be tidied: " + e.getMessage() + ". Check its permissions.",
                    e);
        }
    }

    private static FileTime lastUse(Path file) {
        try {
            return Files.getLastModifiedTime(file);
        } catch (IOException gone) {
            return FileTime.fromMillis(0);
        }
    }
}
