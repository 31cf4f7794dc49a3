package org.finetune4j.kernel.onednn;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.dnnl.dnnl_engine;
import org.bytedeco.dnnl.dnnl_stream;
import org.bytedeco.dnnl.global.dnnl;

/** What one thread needs to compute by itself: a oneDNN stream, its primitives, and scratch memory. */
final class Worker implements AutoCloseable {
    static final int PRIMITIVES = 1024;
    private final dnnl_engine engine;
    private final dnnl_stream stream = new dnnl_stream();
    private final boolean bfloat16;
    private final NativeBuffer scratchpad = new NativeBuffer();
    private float[][] floats = new float[8][];
    private int[][] ints = new int[4][];
    private NativeBuffer[] buffers = new NativeBuffer[0];
    private final Map<Object, Primitive> primitives = new LinkedHashMap<>(64, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Object, Primitive> eldest) {
            boolean full = size() > PRIMITIVES;
            if (full) {
                eldest.getValue().close();
            }
            return full;
        }
    };

    /**
     * A worker of an engine.
     *
     * @param usesBfloat16 whether the processor's instructions for BFLOAT16 may be used if it has them
     */
    Worker(dnnl_engine engine, boolean usesBfloat16) {
        this.engine = engine;
        Primitive.check("stream", dnnl.dnnl_stream_create(stream, engine, dnnl.dnnl_stream_default_flags));
        bfloat16 = usesBfloat16 && Matmul.multipliesBfloat16(this);
    }

    /** Whether oneDNN computes with BFLOAT16 on this processor; else {@link Bfloat16} does. */
    boolean bfloat16() {
        return bfloat16;
    }

    dnnl_engine engine() {
        return engine;
    }

    dnnl_stream stream() {
        return stream;
    }

    /** The primitive of this key, made on first use and kept while it is among the most recently used. */
    Primitive primitive(Object key, Supplier<Primitive> make) {
        Primitive found = primitives.get(key);
        if (found == null) {
            found = make.get();
            primitives.put(key, found);
        }
        return found;
    }

    int cachedPrimitives() {
        return primitives.size();
    }

    long scratchpad(long bytes) {
        return scratchpad.reserve(bytes);
    }

    /** A heap tile of at least {@code count} floats, one per slot; its content is whatever the last user left. */
    float[] floats(int slot, int count) {
        if (slot >= floats.length) {
            floats = Arrays.copyOf(floats, slot + 4);
        }
        float[] tile = floats[slot];
        if (tile == null || tile.length < count) {
            tile = new float[Math.max(1024, count + count / 4)];
            floats[slot] = tile;
        }
        return tile;
    }

    /** A heap tile of at least {@code count} integers, one per slot. */
    int[] ints(int slot, int count) {
        int[] tile = ints[slot];
        if (tile == null || tile.length < count) {
            tile = new int[Math.max(1024, count + count / 4)];
            ints[slot] = tile;
        }
        return tile;
    }

    /** The address of at least {@code bytes} bytes of native scratch memory, one block per slot. */
    long buffer(int slot, long bytes) {
        while (slot >= buffers.length) {
            buffers = Arrays.copyOf(buffers, buffers.length + 1);
            buffers[buffers.length - 1] = new NativeBuffer();
        }
        return buffers[slot].reserve(bytes);
    }

    @Override
    public void close() {
        primitives.values().forEach(Primitive::close);
        primitives.clear();
        scratchpad.close();
        for (NativeBuffer buffer : buffers) {
            buffer.close();
        }
        dnnl.dnnl_stream_destroy(stream);
    }
}
