package org.finetune4j.checkpoint;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The header of one safetensors file, with every rule of the format enforced.
 *
 * <p>Layout: 8 bytes little-endian length N, N bytes of UTF-8 JSON padded with spaces, then the tensors' bytes without a
 * hole or an overlap. Source: the format's README and its list of attacks in huggingface/safetensors.
 *
 * @param dataStart where the tensors' bytes start in the file
 * @param tensors what the file holds, in the order of the bytes
 * @param metadata the free texts of {@code __metadata__}
 */
record SafetensorsHeader(long dataStart, Map<String, TensorInfo> tensors, Map<String, String> metadata) {
    /** The format's own limit for a header, in bytes. */
    static final long MAXIMUM_BYTES = 100_000_000;

    static final int LENGTH_BYTES = 8;
    static final String METADATA = "__metadata__";
    private static final String COPY_AGAIN = "The file is damaged or was cut off: download or copy it again";
    private static final String WRITE_AGAIN = "Write the file again with a safetensors library";

    /** Reads and checks the header of an open file. */
    static SafetensorsHeader read(FileChannel channel, Path file) throws IOException {
        long fileLength = channel.size();
        if (fileLength < LENGTH_BYTES) {
            throw new CheckpointException(file, "a safetensors file has at least 8 bytes, this one has " + fileLength,
                COPY_AGAIN);
        }
        ByteBuffer prefix = ByteBuffer.allocate(LENGTH_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        readFully(channel, prefix, 0, file);
        long length = prefix.getLong(0);
        if (length < 0 || length > MAXIMUM_BYTES) {
            throw new CheckpointException(file, "the header claims " + Long.toUnsignedString(length)
                + " bytes, the format allows " + MAXIMUM_BYTES, "This is not a safetensors file, or it is damaged");
        }
        if (LENGTH_BYTES + length > fileLength) {
            throw new CheckpointException(file, "the header claims " + length + " bytes, but the whole file has "
                + fileLength, COPY_AGAIN);
        }
        ByteBuffer header = ByteBuffer.allocate((int) length);
        readFully(channel, header, LENGTH_BYTES, file);
        return parse(header.flip(), fileLength, file);
    }

    /**
     * Checks a header against the length of its file.
     *
     * @param header the N bytes of the header
     * @param fileLength the length of the whole file in bytes
     * @param file named in messages
     */
    static SafetensorsHeader parse(ByteBuffer header, long fileLength, Path file) {
        long dataStart = LENGTH_BYTES + header.remaining();
        CharBuffer text = decode(header, file);
        int end = text.limit();
        while (end > 0 && text.get(end - 1) == ' ') {
            end--;
        }
        if (end == 0 || text.get(0) != '{' || text.get(end - 1) != '}') {
            throw new CheckpointException(file, "the header must begin with '{' and may be padded only by spaces after"
                + " the closing '}'", "This is not a safetensors file, or it is damaged");
        }
        Map<String, String> metadata = new LinkedHashMap<>();
        List<TensorInfo> entries = new ArrayList<>();
        try (JsonParser json = StrictJson.parser(text.array(), text.arrayOffset(), end)) {
            json.nextToken();
            while (json.nextToken() == JsonToken.FIELD_NAME) {
                String name = json.currentName();
                requireWellFormed(name, file);
                json.nextToken();
                if (name.equals(METADATA)) {
                    readMetadata(json, metadata, file);
                } else {
                    entries.add(readEntry(json, name, file));
                }
            }
            if (json.nextToken() != null) {
                throw new CheckpointException(file, "there is text after the header's closing '}'", WRITE_AGAIN);
            }
        } catch (JsonProcessingException e) {
            throw new CheckpointException(file, "the header is not valid JSON (" + e.getOriginalMessage() + ")",
                WRITE_AGAIN, e);
        } catch (IOException e) {
            throw new CheckpointException(file, "the header cannot be read (" + e.getMessage() + ")", COPY_AGAIN, e);
        }
        return new SafetensorsHeader(dataStart, inOrderOfBytes(entries, fileLength - dataStart, file),
            Map.copyOf(metadata));
    }

    private static CharBuffer decode(ByteBuffer header, Path file) {
        try {
            return StandardCharsets.UTF_8.newDecoder().decode(header);
        } catch (CharacterCodingException e) {
            throw new CheckpointException(file, "the header is not UTF-8", WRITE_AGAIN, e);
        }
    }

    private static void readMetadata(JsonParser json, Map<String, String> metadata, Path file) throws IOException {
        requireToken(json, JsonToken.START_OBJECT, METADATA + " must be an object of strings", file);
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String key = json.currentName();
            json.nextToken();
            requireToken(json, JsonToken.VALUE_STRING, METADATA + "." + key + " must be a string", file);
            metadata.put(key, json.getText());
        }
    }

    private static TensorInfo readEntry(JsonParser json, String name, Path file) throws IOException {
        requireToken(json, JsonToken.START_OBJECT, "the entry of tensor '" + name + "' must be an object", file);
        TensorType type = null;
        long[] shape = null;
        long[] offsets = null;
        while (json.nextToken() == JsonToken.FIELD_NAME) {
            String field = json.currentName();
            json.nextToken();
            switch (field) {
                case "dtype" -> type = readType(json, name, file);
                case "shape" -> shape = readNumbers(json, name, field, file);
                case "data_offsets" -> offsets = readNumbers(json, name, field, file);
                default -> throw new CheckpointException(file, "the entry of tensor '" + name
                    + "' has the field '" + field + "', which the format does not know", WRITE_AGAIN);
            }
        }
        if (type == null || shape == null || offsets == null) {
            throw new CheckpointException(file, "the entry of tensor '" + name + "' lacks "
                + (type == null ? "dtype" : shape == null ? "shape" : "data_offsets"), WRITE_AGAIN);
        }
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw new CheckpointException(file, "data_offsets of tensor '" + name
                + "' must be two numbers, the first not above the second", WRITE_AGAIN);
        }
        requireSize(name, type, shape, offsets, file);
        return new TensorInfo(name, type, shape, offsets[0], offsets[1]);
    }

    private static TensorType readType(JsonParser json, String name, Path file) throws IOException {
        requireToken(json, JsonToken.VALUE_STRING, "dtype of tensor '" + name + "' must be a string", file);
        TensorType type = TensorType.named(json.getText());
        if (type == null) {
            throw new CheckpointException(file, "dtype of tensor '" + name + "' is '" + json.getText()
                + "'; known are " + TensorType.knownNames(), "Convert the tensor to a known type");
        }
        return type;
    }

    private static long[] readNumbers(JsonParser json, String name, String field, Path file) throws IOException {
        String rule = field + " of tensor '" + name + "' must be an array of whole numbers from 0 to 2^63 - 1";
        requireToken(json, JsonToken.START_ARRAY, rule, file);
        long[] numbers = new long[4];
        int count = 0;
        while (json.nextToken() != JsonToken.END_ARRAY) {
            requireToken(json, JsonToken.VALUE_NUMBER_INT, rule, file);
            if (count == numbers.length) {
                numbers = Arrays.copyOf(numbers, 2 * count);
            }
            numbers[count] = json.getLongValue();
            if (numbers[count++] < 0) {
                throw new CheckpointException(file, rule, WRITE_AGAIN);
            }
        }
        return Arrays.copyOf(numbers, count);
    }

    private static void requireSize(String name, TensorType type, long[] shape, long[] offsets, Path file) {
        long bytes;
        try {
            long elements = 1;
            for (long length : shape) {
                elements = Math.multiplyExact(elements, length);
            }
            bytes = Math.multiplyExact(elements, (long) type.bytes());
        } catch (ArithmeticException e) {
            throw new CheckpointException(file, "the shape of tensor '" + name + "' has more bytes than 2^63",
                WRITE_AGAIN, e);
        }
        if (bytes != offsets[1] - offsets[0]) {
            throw new CheckpointException(file, "tensor '" + name + "' needs " + bytes
                + " bytes by its shape and dtype, but its data_offsets span " + (offsets[1] - offsets[0]), WRITE_AGAIN);
        }
    }

    private static Map<String, TensorInfo> inOrderOfBytes(List<TensorInfo> entries, long dataLength, Path file) {
        entries.sort(Comparator.comparingLong(TensorInfo::begin).thenComparingLong(TensorInfo::end));
        Map<String, TensorInfo> tensors = new LinkedHashMap<>();
        long position = 0;
        for (TensorInfo info : entries) {
            if (info.begin() != position) {
                throw new CheckpointException(file, "tensor '" + info.name() + "' begins at byte " + info.begin()
                    + (info.begin() > position ? ", leaving a hole after byte " : ", inside the tensor before it, which"
                    + " ends at byte ") + position, WRITE_AGAIN);
            }
            position = info.end();
            if (position > dataLength) {
                throw new CheckpointException(file, "tensor '" + info.name() + "' ends at byte " + position
                    + " of the data, but the file holds " + dataLength + " bytes of data", COPY_AGAIN);
            }
            tensors.put(info.name(), info);
        }
        if (position != dataLength) {
            throw new CheckpointException(file, "the tensors end at byte " + position + " of the data, but the file"
                + " holds " + dataLength + " bytes of data", COPY_AGAIN);
        }
        return Collections.unmodifiableMap(tensors);
    }

    private static void requireToken(JsonParser json, JsonToken expected, String rule, Path file) {
        if (json.currentToken() != expected) {
            throw new CheckpointException(file, rule, WRITE_AGAIN);
        }
    }

    /** A name with half a surrogate pair could not be written back as UTF-8. */
    private static void requireWellFormed(String name, Path file) {
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(name)) {
            throw new CheckpointException(file, "the header is not UTF-8: a tensor's name holds half a surrogate pair",
                WRITE_AGAIN);
        }
    }

    /** Fills what remains of a buffer with the bytes at {@code position}. */
    static void readFully(FileChannel channel, ByteBuffer target, long position, Path file)
            throws IOException {
        long origin = position - target.position();
        while (target.hasRemaining()) {
            int count = channel.read(target, origin + target.position());
            if (count < 0) {
                throw new CheckpointException(file, "the file became shorter while it was read", COPY_AGAIN);
            }
        }
    }
}
