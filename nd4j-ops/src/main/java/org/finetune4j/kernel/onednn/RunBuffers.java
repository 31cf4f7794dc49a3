package org.finetune4j.kernel.onednn;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/** Native memory that one run of a kernel fills once for each content, and that the next run uses again for others. */
final class RunBuffers implements AutoCloseable {
    private final List<NativeBuffer> buffers = new ArrayList<>();
    private final Map<Object, Long> addresses = new HashMap<>();

    /** Begins a run: forgets all contents, which nobody may read any more. */
    void begin() {
        addresses.clear();
    }

    boolean holds(Object content) {
        return addresses.containsKey(content);
    }

    /**
     * The address of a content, which is written there first unless this run has it already.
     *
     * @param content what tells it from others
     * @param fill    writes so many bytes to an address
     */
    long of(Object content, long bytes, LongConsumer fill) {
        Long known = addresses.get(content);
        if (known != null) {
            return known;
        }
        int next = addresses.size();
        if (next == buffers.size()) {
            buffers.add(new NativeBuffer());
        }
        long address = buffers.get(next).reserve(bytes);
        fill.accept(address);
        addresses.put(content, address);
        return address;
    }

    /** Frees everything; to be called once nothing computes any more. */
    @Override
    public void close() {
        buffers.forEach(NativeBuffer::close);
        buffers.clear();
        addresses.clear();
    }
}
