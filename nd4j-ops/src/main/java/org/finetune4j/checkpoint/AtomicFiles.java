package org.finetune4j.checkpoint;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Writes files and folders that are either whole or not there, whatever moment the disk fills up or the process dies.
 *
 * <p>Everything is written beside its place under the name {@code name.tmp-<process>-<number>}, forced to the disk and
 * then renamed. A failure deletes what was begun and leaves an earlier output as it was. What a killed process could not
 * delete is ignored by readers and removed by {@link #removeLeftovers}.
 */
public final class AtomicFiles {
    /** What stands between a name and the writing process in the name of something unfinished. */
    public static final String TEMPORARY = ".tmp-";

    private static final String REPLACED = ".old-";
    private static final AtomicLong NUMBER = new AtomicLong();
    private static final Set<Path> UNFINISHED = ConcurrentHashMap.newKeySet();

    private final FileOperations operations;

    /** Makes a writer on the given operations; {@link #onDisk()} is the usual one. */
    public AtomicFiles(FileOperations operations) {
        this.operations = operations;
    }

    /** Returns a writer on the real file system. */
    public static AtomicFiles onDisk() {
        return new AtomicFiles(FileOperations.onDisk());
    }

    /** Writes a file's bytes. */
    @FunctionalInterface
    public interface Content {
        /** Writes everything to the channel, which the caller closes. */
        void writeTo(WritableByteChannel channel) throws IOException;
    }

    /** Writes a folder's files. */
    @FunctionalInterface
    public interface FolderContent {
        /** Writes everything into the unfinished folder. */
        void writeTo(UnfinishedFolder folder) throws IOException;
    }

    /** A folder that is being written; it gets its final name once all of it is on the disk. */
    public final class UnfinishedFolder {
        private final Path path;

        private UnfinishedFolder(Path path) {
            this.path = path;
        }

        /** Returns where the folder is for now; files written there by other means are part of it too. */
        public Path path() {
            return path;
        }

        /** Writes a text file, in UTF-8. */
        public void writeText(String name, String text) throws IOException {
            write(name, channel -> writeFully(channel, ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8))));
        }

        /** Writes a file. */
        public void write(String name, Content content) throws IOException {
            create(path.resolve(name), content);
        }
    }

    /**
     * Writes a text file in UTF-8, replacing an earlier one.
     *
     * @throws CheckpointException if it cannot be written; what stands there then is whole
     */
    public void writeText(Path target, String text) {
        writeBytes(target, text.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Writes a file, replacing an earlier one.
     *
     * @throws CheckpointException if it cannot be written; what stands there then is whole
     */
    public void writeBytes(Path target, byte[] bytes) {
        write(target, channel -> writeFully(channel, ByteBuffer.wrap(bytes)));
    }

    /**
     * Writes a file, replacing an earlier one, and makes the folders above it if need be.
     *
     * @throws CheckpointException if it cannot be written; what stands there then is whole
     */
    public void write(Path target, Content content) {
        Path place = target.toAbsolutePath().normalize();
        Path temporary = temporaryFor(place);
        try {
            Files.createDirectories(parentOf(place));
            create(temporary, content);
            operations.rename(temporary, place);
            operations.force(parentOf(place));
        } catch (IOException e) {
            throw failed(target, e, deleteTree(temporary));
        } catch (RuntimeException | Error e) {
            addSuppressed(e, deleteTree(temporary));
            throw e;
        } finally {
            UNFINISHED.remove(temporary);
        }
    }

    /**
     * Writes a folder, replacing an earlier one.
     *
     * <p>A file system cannot swap two folders in one step: the earlier folder is first renamed to
     * {@code name.old-<process>-<number>}. If the process dies just then, {@link #recover} (which this method calls
     * first) brings it back.
     *
     * @throws CheckpointException if it cannot be written; what stands there then is whole
     */
    public void writeFolder(Path target, FolderContent content) {
        Path place = target.toAbsolutePath().normalize();
        recover(place);
        Path temporary = temporaryFor(place);
        try {
            Files.createDirectories(parentOf(place));
            operations.createFolder(temporary);
            content.writeTo(new UnfinishedFolder(temporary));
            forceTree(temporary);
            putInPlace(temporary, place);
        } catch (IOException e) {
            throw failed(target, e, deleteTree(temporary));
        } catch (RuntimeException | Error e) {
            addSuppressed(e, deleteTree(temporary));
            throw e;
        } finally {
            UNFINISHED.remove(temporary);
        }
    }

    private void putInPlace(Path temporary, Path place) throws IOException {
        if (!Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            operations.rename(temporary, place);
            operations.force(parentOf(place));
            return;
        }
        Path old = sibling(place, REPLACED);
        operations.rename(place, old);
        try {
            operations.rename(temporary, place);
        } catch (IOException e) {
            try {
                operations.rename(old, place);
            } catch (IOException onUndo) {
                e.addSuppressed(onUndo);
            }
            throw e;
        }
        try {
            operations.force(parentOf(place));
        } finally {
            // The new folder is in place now; an old one that resists is left to removeLeftovers.
            deleteTree(old);
        }
    }

    /**
     * Brings back a folder that a killed process had renamed in order to replace it, if its place is empty.
     *
     * @param target the folder's place
     * @return whether something was brought back
     * @throws CheckpointException if it is there but cannot be renamed
     */
    public boolean recover(Path target) {
        Path place = target.toAbsolutePath().normalize();
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        List<Path> old = siblings(place, REPLACED);
        if (old.isEmpty()) {
            return false;
        }
        try {
            operations.rename(old.get(old.size() - 1), place);
            operations.force(parentOf(place));
            return true;
        } catch (IOException e) {
            throw failed(target, e, null);
        }
    }

    /**
     * Deletes what killed processes left unfinished beside a target, and earlier versions of it that were replaced.
     *
     * <p>What a living process may still be writing is kept.
     *
     * @throws CheckpointException if something cannot be deleted
     */
    public void removeLeftovers(Path target) {
        Path place = target.toAbsolutePath().normalize();
        List<Path> leftovers = new ArrayList<>(siblings(place, TEMPORARY));
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            leftovers.addAll(siblings(place, REPLACED));
        }
        for (Path leftover : leftovers) {
            if (isAbandoned(leftover)) {
                IOException failure = deleteTree(leftover);
                if (failure != null) {
                    throw failed(target, failure, null);
                }
            }
        }
    }

    /** A process number is reused after a restart, so what carries our own is ours only if we remember it. */
    private static boolean isAbandoned(Path leftover) {
        String name = leftover.getFileName().toString();
        String[] processAndNumber = name.substring(name.lastIndexOf('.')).split("-");
        long process = Long.parseLong(processAndNumber[1]);
        return process == ProcessHandle.current().pid() ? !UNFINISHED.contains(leftover)
            : ProcessHandle.of(process).isEmpty();
    }

    private void create(Path file, Content content) throws IOException {
        try (FileOperations.Output output = operations.create(file)) {
            content.writeTo(output);
            output.force();
        }
    }

    private void forceTree(Path folder) throws IOException {
        for (Path path : deepestFirst(folder)) {
            operations.force(path);
        }
    }

    private @Nullable IOException deleteTree(Path root) {
        if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
            return null;
        }
        try {
            for (Path path : deepestFirst(root)) {
                operations.delete(path);
            }
            return null;
        } catch (IOException e) {
            return e;
        }
    }

    private static List<Path> deepestFirst(Path root) throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            return paths.sorted(Comparator.reverseOrder()).toList();
        }
    }

    private static Path temporaryFor(Path place) {
        Path temporary = sibling(place, TEMPORARY);
        UNFINISHED.add(temporary);
        return temporary;
    }

    private static Path sibling(Path place, String mark) {
        Path sibling;
        do {
            sibling = place.resolveSibling(place.getFileName() + mark + ProcessHandle.current().pid() + "-"
                + NUMBER.incrementAndGet());
        } while (Files.exists(sibling, LinkOption.NOFOLLOW_LINKS));
        return sibling;
    }

    private static List<Path> siblings(Path place, String mark) {
        String prefix = place.getFileName() + mark;
        try (Stream<Path> paths = Files.list(parentOf(place))) {
            return paths.filter(path -> path.getFileName().toString().startsWith(prefix)
                    && path.getFileName().toString().substring(prefix.length()).matches("\\d{1,18}-\\d{1,18}"))
                .sorted().toList();
        } catch (IOException e) {
            // Without a parent folder there are no siblings; writing into it reports that.
            return List.of();
        }
    }

    private static Path parentOf(Path place) {
        Path parent = place.getParent();
        if (parent == null) {
            throw new IllegalArgumentException("the root of a file system cannot be written");
        }
        return parent;
    }

    static void writeFully(WritableByteChannel channel, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    private static CheckpointException failed(Path target, IOException cause, @Nullable IOException onDelete) {
        addSuppressed(cause, onDelete);
        return new CheckpointException(target, "it could not be written (" + describe(cause) + ")",
            "What stands there now is whole; make room or choose another folder, and run again", cause);
    }

    private static String describe(IOException e) {
        return e.getMessage() == null ? e.getClass().getSimpleName()
            : e.getClass() == IOException.class ? e.getMessage() : e.getClass().getSimpleName() + " " + e.getMessage();
    }

    private static void addSuppressed(Throwable failure, @Nullable Throwable other) {
        if (other != null && other != failure) {
            failure.addSuppressed(other);
        }
    }
}
