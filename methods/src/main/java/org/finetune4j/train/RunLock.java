package org.finetune4j.train;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.finetune4j.FinetuneException;

/** Keeps a run folder to one run: the lock of its file {@code run.lock}, which the system frees when the process dies. */
public final class RunLock implements AutoCloseable {
    private static final String FILE_NAME = "run.lock";

    private final FileChannel channel;

    private RunLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * Makes the folder if need be and locks it.
     *
     * @throws FinetuneException when another run has it, in this process or another, or it cannot be written
     */
    public static RunLock of(Path runFolder) {
        RunRecord.createFolder(runFolder);
        Path file = runFolder.resolve(FILE_NAME);
        try {
            FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (locked(channel)) {
                return new RunLock(channel);
            }
            channel.close();
        } catch (IOException e) {
            throw new FinetuneException(file + " cannot be locked: " + e + ". Choose another run folder.", e);
        }
        throw new FinetuneException("the run folder " + runFolder + " is in use: another run that has not ended holds "
                + file + ", and two would write over each other. Wait for it, or choose another run folder.");
    }

    private static boolean locked(FileChannel channel) throws IOException {
        try {
            return channel.tryLock() != null;
        } catch (OverlappingFileLockException anotherRunOfThisProcess) {
            return false;
        } catch (IOException | RuntimeException e) {
            channel.close();
            throw e;
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new FinetuneException("the lock of a run folder cannot be given back: " + e + ". The run is complete.", e);
        }
    }
}
