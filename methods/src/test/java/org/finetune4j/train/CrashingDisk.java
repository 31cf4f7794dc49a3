package org.finetune4j.train;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.finetune4j.checkpoint.FileOperations;

/** A file system that dies at its n-th operation, writing half of what it was given, or whose disk is full from then on. */
final class CrashingDisk implements FileOperations {
    /** What happens at the chosen operation. */
    enum Fault {
        /** The process is gone: nothing after it is done, not even the cleaning up. */
        CRASH,
        /** Writing fails, while deleting and renaming still work. */
        FULL
    }

    /** Stands for the death of the process. */
    static final class Crash extends Error {
        private static final long serialVersionUID = 1L;
    }

    private final FileOperations disk = FileOperations.onDisk();
    private final int last;
    private final Fault fault;
    private int operations;

    CrashingDisk(int last, Fault fault) {
        this.last = last;
        this.fault = fault;
    }

    private boolean failing() {
        return operations++ >= last;
    }

    private void change() throws IOException {
        if (failing() && fault == Fault.CRASH) {
            throw new Crash();
        }
    }

    private void growth() throws IOException {
        if (failing()) {
            if (fault == Fault.CRASH) {
                throw new Crash();
            }
            throw new IOException("No space left on device");
        }
    }

    @Override
    public Output create(Path file) throws IOException {
        growth();
        Output output = disk.create(file);
        return new Output() {
            @Override
            public int write(ByteBuffer source) throws IOException {
                if (operations >= last) {
                    // Half of it reaches the disk.
                    ByteBuffer half = source.duplicate();
                    half.limit(half.position() + half.remaining() / 2);
                    output.write(half);
                }
                growth();
                return output.write(source);
            }

            @Override
            public void force() throws IOException {
                growth();
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
    public void createFolder(Path folder) throws IOException {
        growth();
        disk.createFolder(folder);
    }

    @Override
    public void rename(Path from, Path to) throws IOException {
        change();
        disk.rename(from, to);
    }

    @Override
    public void force(Path fileOrFolder) throws IOException {
        change();
        disk.force(fileOrFolder);
    }

    @Override
    public void delete(Path fileOrFolder) throws IOException {
        change();
        disk.delete(fileOrFolder);
    }
}
