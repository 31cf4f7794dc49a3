package org.finetune4j.checkpoint;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Tells before a long writing whether there is room for it. */
public final class DiskSpace {
    /** What file systems and the small files beside need. */
    private static final long MARGIN = 1 << 20;

    private DiskSpace() {}

    /**
     * Refuses to begin where the disk has less room than a file or folder will take.
     *
     * @param target what is to be written, which need not exist
     * @throws CheckpointException if there is too little room; where the room cannot be told, nothing is refused
     */
    public static void require(Path target, long bytes) {
        Path there = target.toAbsolutePath().normalize();
        while (there != null && !Files.exists(there)) {
            there = there.getParent();
        }
        if (there == null) {
            return;
        }
        long room;
        try {
            room = Files.getFileStore(there).getUsableSpace();
        } catch (IOException e) {
            // Writing says what is wrong there.
            return;
        }
        if (room < bytes + MARGIN) {
            throw new CheckpointException(target, "it needs " + bytes + " bytes, but the disk has room for " + room,
                "Make room or choose another disk");
        }
    }
}
