package org.finetune4j.gguf;

import java.io.IOException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A strict reader of GGUF version 3, written from ggml's docs/gguf.md alone: whatever it does not allow is an error. */
final class GgufReader {
    final Map<String, Object> metadata = new LinkedHashMap<>();
    final Map<String, Tensor> tensors = new LinkedHashMap<>();
    private final ByteBuffer bytes;

    /** A tensor; its shape as in the file, the fastest axis first. */
    record Tensor(int type, long[] shape, ByteBuffer data) {
        long elements() {
            return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        }

        /** Its values, row-major. */
        float[] values() {
            float[] values = new float[(int) elements()];
            ByteBuffer from = data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < values.length; i++) {
                values[i] = switch (type) {
                    case 0 -> from.getFloat(4 * i);
                    case 1 -> half(from.getShort(2 * i));
                    case 30 -> Float.intBitsToFloat(from.getShort(2 * i) << 16);
                    case 8 -> half(from.getShort(i / 32 * 34)) * from.get(i / 32 * 34 + 2 + i % 32);
                    default -> throw new IllegalStateException("type " + type);
                };
            }
            return values;
        }
    }

    static float half(short bits) {
        int exponent = bits >> 10 & 31;
        double fraction = bits & 1023;
        double magnitude = exponent == 0 ? fraction * 0x1p-24 : exponent == 31
                ? fraction == 0 ? Double.POSITIVE_INFINITY : Double.NaN : (1 + fraction / 1024) * Math.pow(2, exponent - 15);
        return (float) (bits < 0 ? -magnitude : magnitude);
    }

    GgufReader(Path file) {
        try {
            bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
            read();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        } catch (BufferUnderflowException e) {
            throw new IllegalStateException("the file ends too early", e);
        }
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalStateException(rule);
        }
    }

    private void read() {
        byte[] magic = new byte[4];
        bytes.get(magic);
        require(Arrays.equals(magic, "GGUF".getBytes(StandardCharsets.US_ASCII)), "magic");
        require(bytes.getInt() == 3, "version");
        long tensorCount = bytes.getLong();
        long entries = bytes.getLong();
        for (long i = 0; i < entries; i++) {
            String key = text();
            require(key.matches("[a-z0-9_]+(\\.[a-z0-9_]+)*"), "key '" + key + "'");
            require(metadata.put(key, value(bytes.getInt())) == null, "key '" + key + "' twice");
        }
        int alignment = metadata.get("general.alignment") instanceof Integer told ? told : 32;
        require(alignment % 8 == 0, "alignment");
        Map<String, long[]> shapes = new LinkedHashMap<>();
        Map<String, long[]> places = new LinkedHashMap<>();
        for (long i = 0; i < tensorCount; i++) {
            String name = text();
            require(name.getBytes(StandardCharsets.UTF_8).length <= 64, "name '" + name + "'");
            int axes = bytes.getInt();
            require(axes >= 1 && axes <= 4, name + " has " + axes + " axes");
            long[] shape = new long[axes];
            for (int axis = 0; axis < axes; axis++) {
                shape[axis] = bytes.getLong();
                require(shape[axis] > 0, name + " axis");
            }
            require(shapes.put(name, shape) == null, "tensor '" + name + "' twice");
            places.put(name, new long[] {bytes.getInt(), bytes.getLong()});
        }
        while (bytes.position() % alignment != 0) {
            require(bytes.get() == 0, "padding before the data");
        }
        int start = bytes.position();
        long expected = 0;
        for (String name : shapes.keySet()) {
            int type = (int) places.get(name)[0];
            long offset = places.get(name)[1];
            require(offset == expected && offset % alignment == 0, name + " begins at " + offset + ", not " + expected);
            long elements = Arrays.stream(shapes.get(name)).reduce(1, Math::multiplyExact);
            long size = switch (type) {
                case 0 -> 4 * elements;
                case 1, 30 -> 2 * elements;
                case 8 -> {
                    require(shapes.get(name)[0] % 32 == 0, name + " has rows of broken blocks");
                    yield elements / 32 * 34;
                }
                default -> throw new IllegalStateException(name + " has type " + type);
            };
            tensors.put(name, new Tensor(type, shapes.get(name), bytes.slice((int) (start + offset), (int) size)));
            long end = (offset + size + alignment - 1) / alignment * alignment;
            for (long i = start + offset + size; i < start + end; i++) {
                require(bytes.get((int) i) == 0, "padding after " + name);
            }
            expected = end;
        }
        require(start + expected == bytes.limit(), "the file is longer than its tensors");
    }

    private String text() {
        long length = bytes.getLong();
        require(length >= 0 && length <= bytes.remaining(), "a text of " + length + " bytes");
        ByteBuffer own = bytes.slice(bytes.position(), (int) length);
        bytes.position(bytes.position() + (int) length);
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(own).toString();
        } catch (CharacterCodingException e) {
            throw new IllegalStateException("a text is not UTF-8", e);
        }
    }

    private Object value(int type) {
        switch (type) {
            case 4, 5:
                return bytes.getInt();
            case 6:
                return bytes.getFloat();
            case 7:
                byte flag = bytes.get();
                require(flag == 0 || flag == 1, "a boolean is " + flag);
                return flag == 1;
            case 8:
                return text();
            case 9:
                int inner = bytes.getInt();
                long count = bytes.getLong();
                require(count >= 0 && count <= bytes.remaining(), "a list of " + count);
                List<Object> list = new ArrayList<>();
                for (long i = 0; i < count; i++) {
                    list.add(value(inner));
                }
                return list;
            default:
                throw new IllegalStateException("a value of type " + type);
        }
    }
}
