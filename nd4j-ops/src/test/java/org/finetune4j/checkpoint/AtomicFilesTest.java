package org.finetune4j.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

/** A full disk and a dying process at every step of writing. */
class AtomicFilesTest {
    @TempDir
    Path folder;

    /** Real files until a step is reached, then an error: once, or at every step from then on as in a dead process. */
    private static final class FaultyOperations implements FileOperations {
        private final FileOperations disk = FileOperations.onDisk();
        private final int failingStep;
        private final boolean dead;
        private int step;

        FaultyOperations(int failingStep, boolean dead) {
            this.failingStep = failingStep;
            this.dead = dead;
        }

        private void next() throws IOException {
            step++;
            if (dead && step >= failingStep) {
                throw new Death();
            }
            if (step == failingStep) {
                throw new IOException("No space left on device");
            }
        }

        @Override
        public Output create(Path file) throws IOException {
            next();
            Output output = disk.create(file);
            return new Output() {
                @Override
                public int write(ByteBuffer source) throws IOException {
                    // Half of what is asked for gets through before the disk is full.
                    int limit = source.limit();
                    source.limit(source.position() + (source.remaining() + 1) / 2);
                    output.write(source);
                    source.limit(limit);
                    next();
                    return limit;
                }

                @Override
                public void force() throws IOException {
                    next();
                    output.force();
                }

                @Override
                public boolean isOpen() {
                    return output.isOpen();
                }

                @Override
                public void close() throws IOException {
                    output.close();
                }
            };
        }

        @Override
        public void createFolder(Path path) throws IOException {
            next();
            disk.createFolder(path);
        }

        @Override
        public void rename(Path from, Path to) throws IOException {
            next();
            disk.rename(from, to);
        }

        @Override
        public void force(Path path) throws IOException {
            next();
            disk.force(path);
        }

        @Override
        public void delete(Path path) throws IOException {
            if (dead) {
                next();
            }
            disk.delete(path);
        }
    }

    private static final class Death extends Error {}

    private static void writeFolder(AtomicFiles files, Path target, String text) {
        files.writeFolder(target, unfinished -> {
            unfinished.writeText("a.txt", text);
            Files.createDirectory(unfinished.path().resolve("sub"));
            Files.writeString(unfinished.path().resolve("sub").resolve("b.txt"), text + text);
        });
    }

    /** Returns the names below the test's folder, with the texts of the files. */
    private Map<String, String> everything() {
        Map<String, String> found = new TreeMap<>();
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.filter(Files::isRegularFile).toList()) {
                found.put(folder.relativize(path).toString(), Files.readString(path));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    @Test
    void writesAndReplaces() throws IOException {
        Path file = folder.resolve("deep").resolve("down").resolve("a.txt");
        AtomicFiles.onDisk().writeText(file, "one é");
        assertEquals(Map.of("deep/down/a.txt", "one é"), everything());
        AtomicFiles.onDisk().writeBytes(file, "two".getBytes(StandardCharsets.UTF_8));
        Files.delete(file);
        writeFolder(AtomicFiles.onDisk(), folder.resolve("deep"), "x");
        assertEquals(Map.of("deep/a.txt", "x", "deep/sub/b.txt", "xx"), everything());
    }

    @Test
    void aFullDiskLeavesTheEarlierFile() {
        int step = 1;
        for (boolean failed = true; failed; step++) {
            failed = failsAt(step, files -> files.writeText(folder.resolve("a.txt"), "new text"), "a.txt",
                Map.of("a.txt", "old text"), Map.of("a.txt", "new text"));
        }
        assertTrue(step > 5, "only " + step + " steps");
    }

    @Test
    void aFullDiskLeavesTheEarlierFolder() {
        int step = 1;
        for (boolean failed = true; failed; step++) {
            failed = failsAt(step, files -> writeFolder(files, folder.resolve("m"), "new"), "m/a.txt",
                Map.of("m/a.txt", "old text"), Map.of("m/a.txt", "new", "m/sub/b.txt", "newnew"));
        }
        assertTrue(step > 10, "only " + step + " steps");
    }

    private boolean failsAt(int step, Consumer<AtomicFiles> action, String earlier,
            Map<String, String> before, Map<String, String> after) {
        AtomicFiles.onDisk().writeText(folder.resolve(earlier), "old text");
        FaultyOperations operations = new FaultyOperations(step, false);
        try {
            action.accept(new AtomicFiles(operations));
            assertEquals(after, everything());
            return false;
        } catch (CheckpointException e) {
            assertTrue(e.getMessage().contains("could not be written (No space left on device)"), e.getMessage());
            Map<String, String> found = everything();
            assertTrue(found.equals(before) || found.equals(after), "step " + step + ": " + found);
            reset();
            return true;
        }
    }

    private void reset() {
        try (Stream<Path> paths = Files.walk(folder)) {
            for (Path path : paths.sorted(Comparator.reverseOrder()).filter(p -> !p.equals(folder)).toList()) {
                Files.delete(path);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Whatever the process did last, the next one finds the old folder or the new one, whole, and clears the rest. */
    @Test
    void aDeadProcessLeavesOneWholeFolder() {
        Path target = folder.resolve("m");
        int recovered = 0;
        int step = 1;
        for (boolean died = true; died; step++) {
            reset();
            writeFolder(AtomicFiles.onDisk(), target, "old");
            try {
                writeFolder(new AtomicFiles(new FaultyOperations(step, true)), target, "new");
                died = false;
            } catch (Death e) {
                recovered += AtomicFiles.onDisk().recover(target) ? 1 : 0;
                Map<String, String> found = new TreeMap<>(everything());
                found.keySet().removeIf(name -> name.contains(AtomicFiles.TEMPORARY) || name.contains(".old-"));
                assertTrue(found.equals(Map.of("m/a.txt", "old", "m/sub/b.txt", "oldold"))
                    || found.equals(Map.of("m/a.txt", "new", "m/sub/b.txt", "newnew")), "step " + step + ": " + found);
                AtomicFiles.onDisk().removeLeftovers(target);
                assertEquals(found, everything());
            }
        }
        assertTrue(recovered > 0, "the moment between the two renames was met");
    }

    /** The earlier folder is back in its place before anything else can go wrong. */
    @Test
    void writingAgainBringsTheEarlierFolderBackFirst() throws IOException {
        Path target = folder.resolve("m");
        writeFolder(AtomicFiles.onDisk(), target, "old");
        Files.move(target, folder.resolve("m.old-" + Integer.MAX_VALUE + "-1"));
        AtomicFiles full = new AtomicFiles(new FaultyOperations(4, false));
        assertThrows(CheckpointException.class, () -> writeFolder(full, target, "new"));
        assertEquals(Map.of("m/a.txt", "old", "m/sub/b.txt", "oldold"), everything());
    }

    @Test
    void keepsWhatALivingProcessWrites() throws IOException {
        Path alive = folder.resolve("m" + AtomicFiles.TEMPORARY + ProcessHandle.allProcesses()
            .map(ProcessHandle::pid).filter(pid -> pid != ProcessHandle.current().pid()).findFirst().orElseThrow() + "-1");
        Path dead = folder.resolve("m" + AtomicFiles.TEMPORARY + Integer.MAX_VALUE + "-1");
        Path other = folder.resolve("m" + AtomicFiles.TEMPORARY + "notes");
        for (Path path : List.of(alive, dead, other)) {
            Files.createDirectory(path);
        }
        AtomicFiles.onDisk().removeLeftovers(folder.resolve("m"));
        assertTrue(Files.exists(alive));
        assertTrue(Files.exists(other));
        assertFalse(Files.exists(dead));
    }

    @Test
    void anyFailureOfTheContentCleansUp() {
        AtomicFiles.onDisk().writeText(folder.resolve("a.txt"), "old text");
        assertThrows(IllegalStateException.class, () -> AtomicFiles.onDisk().write(folder.resolve("a.txt"), channel -> {
            channel.write(ByteBuffer.allocate(10));
            throw new IllegalStateException("no content");
        }));
        assertThrows(StackOverflowError.class, () -> AtomicFiles.onDisk().writeFolder(folder.resolve("f"), unfinished -> {
            unfinished.writeText("x", "y");
            throw new StackOverflowError();
        }));
        assertEquals(Map.of("a.txt", "old text"), everything());
    }

    @Test
    void weightsSurviveAFullDisk() throws IOException {
        Path file = folder.resolve("model.safetensors");
        SafetensorsWriter.create().write(file, Map.of("w", Nd4j.ones(4)), Map.of());
        byte[] before = Files.readAllBytes(file);
        for (int step = 1; step <= 4; step++) {
            AtomicFiles full = new AtomicFiles(new FaultyOperations(step, false));
            assertTrue(assertThrows(CheckpointException.class, () -> SafetensorsWriter.create()
                .write(file, Map.of("w", Nd4j.ones(8)), Map.of(), full)).getMessage().contains("No space left"));
            assertEquals(ByteBuffer.wrap(before), ByteBuffer.wrap(Files.readAllBytes(file)));
        }
        try (Stream<Path> left = Files.list(folder)) {
            assertEquals(List.of(file), left.toList());
        }
    }
}
