package org.finetune4j.gguf;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The typed keys and values at the head of a GGUF file. */
final class GgufMetadata {
    private static final int WHOLE = 4;
    private static final int SIGNED = 5;
    private static final int REAL = 6;
    private static final int FLAG = 7;
    private static final int TEXT = 8;
    private static final int LIST = 9;

    private final Map<String, byte[]> entries = new LinkedHashMap<>();

    /** Little-endian bytes of growing length. */
    private static final class Bytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Bytes whole(int value) {
            out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
            return this;
        }

        Bytes length(long value) {
            out.writeBytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
            return this;
        }

        Bytes text(String value) {
            byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
            length(bytes.length).out.writeBytes(bytes);
            return this;
        }

        byte[] array() {
            return out.toByteArray();
        }
    }

    private GgufMetadata put(String key, byte[] typed) {
        if (entries.put(key, typed) != null) {
            throw new IllegalStateException("metadata '" + key + "' is said twice");
        }
        return this;
    }

    GgufMetadata text(String key, @Nullable String value) {
        return value == null ? this : put(key, new Bytes().whole(TEXT).text(value).array());
    }

    /** A whole number of at least 0. */
    GgufMetadata whole(String key, long value) {
        if (value < 0 || value > Integer.MAX_VALUE) {
            throw new IllegalArgumentException(key + " is " + value);
        }
        return put(key, new Bytes().whole(WHOLE).whole((int) value).array());
    }

    GgufMetadata real(String key, double value) {
        return put(key, new Bytes().whole(REAL).whole(Float.floatToRawIntBits((float) value)).array());
    }

    GgufMetadata flag(String key, boolean value) {
        return put(key, ByteBuffer.allocate(5).order(ByteOrder.LITTLE_ENDIAN).putInt(FLAG).put((byte) (value ? 1 : 0))
                .array());
    }

    GgufMetadata texts(String key, List<String> values) {
        Bytes bytes = new Bytes().whole(LIST).whole(TEXT).length(values.size());
        values.forEach(bytes::text);
        return put(key, bytes.array());
    }

    GgufMetadata wholes(String key, int[] values) {
        Bytes bytes = new Bytes().whole(LIST).whole(SIGNED).length(values.length);
        for (int value : values) {
            bytes.whole(value);
        }
        return put(key, bytes.array());
    }

    GgufMetadata reals(String key, float[] values) {
        Bytes bytes = new Bytes().whole(LIST).whole(REAL).length(values.length);
        for (float value : values) {
            bytes.whole(Float.floatToRawIntBits(value));
        }
        return put(key, bytes.array());
    }

    int count() {
        return entries.size();
    }

    /** All entries as they stand in the file. */
    byte[] bytes() {
        Bytes bytes = new Bytes();
        entries.forEach((key, typed) -> bytes.text(key).out.writeBytes(typed));
        return bytes.array();
    }
}
