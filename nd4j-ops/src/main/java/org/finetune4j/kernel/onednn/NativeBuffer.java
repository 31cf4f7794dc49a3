package org.finetune4j.kernel.onednn;

import org.bytedeco.javacpp.BytePointer;
import org.jspecify.annotations.Nullable;

/** Native memory that grows and is reused, aligned to a cache line. */
final class NativeBuffer implements AutoCloseable {
    private static final int ALIGNMENT = 64;
    private @Nullable BytePointer memory;
    private long capacity;
    private long address;

    /** The address of at least {@code bytes} bytes; what was in the buffer is lost when it grows. */
    long reserve(long bytes) {
        if (bytes > capacity) {
            close();
            // A quarter more, so that slowly growing needs do not allocate every time.
            long size = bytes + bytes / 4;
            BytePointer fresh = new BytePointer(size + ALIGNMENT);
            // Keeps it out of a PointerScope that the caller may have open.
            fresh.retainReference();
            memory = fresh;
            capacity = size;
            address = (fresh.address() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        return address;
    }

    @Override
    public void close() {
        if (memory != null) {
            memory.releaseReference();
            memory = null;
            capacity = 0;
            address = 0;
        }
    }
}
