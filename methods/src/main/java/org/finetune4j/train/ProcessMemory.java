package org.finetune4j.train;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bytedeco.javacpp.Pointer;

/** How much memory this process may use. */
final class ProcessMemory {
    private ProcessMemory() {
    }

    /**
     * Bytes that this process may have altogether: what it has and what is free, within the limits of its container and
     * of JavaCPP ({@code org.bytedeco.javacpp.maxphysicalbytes}).
     */
    static long availableBytes() {
        long total = total();
        long limit = Pointer.maxPhysicalBytes() > 0 ? Math.min(total, Pointer.maxPhysicalBytes()) : total;
        return Math.min(limit, freeAndOwn(Path.of("/proc"), limit));
    }

    /** The memory of the machine, or of the container where that has a limit. */
    private static long total() {
        return ManagementFactory.getOperatingSystemMXBean() instanceof com.sun.management.OperatingSystemMXBean system
                ? system.getTotalMemorySize() : Long.MAX_VALUE;
    }

    /** Memory that Linux could give plus what this process has, or {@code otherwise} where Linux does not tell. */
    static long freeAndOwn(Path proc, long otherwise) {
        try {
            return kibibytes(proc.resolve("meminfo"), "MemAvailable") + kibibytes(proc.resolve("self/status"), "VmRSS");
        } catch (IOException elsewhere) {
            return otherwise;
        }
    }

    private static long kibibytes(Path file, String name) throws IOException {
        Matcher matcher = Pattern.compile("(?m)^" + name + ":\\s*(\\d+) kB$").matcher(Files.readString(file));
        if (!matcher.find()) {
            throw new IOException(file + " does not tell " + name);
        }
        return Long.parseLong(matcher.group(1)) << 10;
    }
}
