package org.finetune4j.checkpoint;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;

/**
 * The few operations that atomic writing needs of a file system.
 *
 * <p>This is the seam where tests put a disk that is full or a machine that dies; {@link #onDisk()} is the real one.
 */
public interface FileOperations {
    /** A new file that is being written. */
    interface Output extends WritableByteChannel {
        /** Returns when what was written so far would survive a loss of power. */
        void force() throws IOException;
    }

    /** Creates a file that must not exist yet. */
    Output create(Path file) throws IOException;

    /** Creates a folder that must not exist yet. */
    void createFolder(Path folder) throws IOException;

    /** Gives a file or folder another name in the same parent, in one step; an existing file is replaced. */
    void rename(Path from, Path to) throws IOException;

    /** Returns when a file's content, or a folder's list of names, would survive a loss of power. */
    void force(Path fileOrFolder) throws IOException;

    /** Deletes one file or empty folder, if it exists. */
    void delete(Path fileOrFolder) throws IOException;

    /** Returns the operations of the real file system. */
    static FileOperations onDisk() {
        return DiskOperations.INSTANCE;
    }
}
