package org.finetune4j.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Every rule of the safetensors format, each with a file that breaks it and nothing else. */
class SafetensorsRulesTest {
    @TempDir
    Path folder;

    static Stream<Arguments> brokenFiles() {
        String a = "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}";
        return Stream.of(
            arguments("shorter than its length field", new byte[7], "at least 8 bytes"),
            arguments("empty", new byte[0], "at least 8 bytes"),
            arguments("header above the limit", SafetensorsBytes.of(100_000_001L, new byte[4], 0), "allows 100000000"),
            arguments("negative header length", SafetensorsBytes.of(-1L, new byte[4], 0), "18446744073709551615"),
            arguments("header longer than the file", SafetensorsBytes.of(10L, new byte[9], 0), "the whole file has 17"),
            arguments("no header", file("", 0), "must begin with '{'"),
            arguments("only spaces", file("   ", 0), "must begin with '{'"),
            arguments("leading space", file(" {" + a + "}", 8), "must begin with '{'"),
            arguments("array", file("[]", 0), "must begin with '{'"),
            arguments("newline as padding", file("{" + a + "}\n", 8), "padded only by spaces"),
            arguments("text after the end", file("{" + a + "}{}", 8), "text after"),
            arguments("not UTF-8", SafetensorsBytes.of(new byte[] {'{', '"', (byte) 0xff, '"', '}'}, 0), "not UTF-8"),
            arguments("overlong UTF-8", SafetensorsBytes.of(new byte[] {'{', (byte) 0xc0, (byte) 0xa0, '}'}, 0),
                "not UTF-8"),
            arguments("half a surrogate pair", file("{\"\\ud800\":{\"dtype\":\"U8\",\"shape\":[0],"
                + "\"data_offsets\":[0,0]}}", 0), "surrogate"),
            arguments("not JSON", file("{\"a\":}", 0), "not valid JSON"),
            arguments("cut JSON", file("{\"__metadata__\":{}", 0), "not valid JSON"),
            arguments("deep nesting", file("{\"a\":" + "[".repeat(100_000) + "}", 0), "tensor 'a' must be an object"),
            arguments("deep nesting in a field", file("{\"a\":{\"shape\":" + "[".repeat(100_000) + "}}", 0), "shape"),
            arguments("duplicate tensor", file("{" + a + "," + a + "}", 8), "Duplicate field 'a'"),
            arguments("duplicate tensor in escapes", file("{" + a + "," + a.replace("\"a\"", "\"\\u0061\"") + "}", 8),
                "Duplicate field 'a'"),
            arguments("duplicate field", entry("\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]", 8),
                "Duplicate field 'shape'"),
            arguments("duplicate metadata", file("{\"__metadata__\":{},\"__metadata__\":{}}", 0), "Duplicate field"),
            arguments("duplicate metadata key", file("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0), "Duplicate field"),
            arguments("metadata not an object", file("{\"__metadata__\":\"x\"}", 0), "object of strings"),
            arguments("metadata with a number", file("{\"__metadata__\":{\"k\":1}}", 0), "__metadata__.k must be a string"),
            arguments("metadata with an object", file("{\"__metadata__\":{\"k\":{}}}", 0), "must be a string"),
            arguments("entry not an object", file("{\"a\":1}", 0), "must be an object"),
            arguments("no dtype", entry("\"shape\":[2],\"data_offsets\":[0,8]", 8), "lacks dtype"),
            arguments("no shape", entry("\"dtype\":\"F32\",\"data_offsets\":[0,8]", 8), "lacks shape"),
            arguments("no offsets", entry("\"dtype\":\"F32\",\"shape\":[2]", 8), "lacks data_offsets"),
            arguments("unknown field", entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"scale\":1", 8),
                "the field 'scale'"),
            arguments("unknown dtype", entry("\"dtype\":\"F33\",\"shape\":[2],\"data_offsets\":[0,8]", 8), "'F33'; known"),
            arguments("dtype a number", entry("\"dtype\":32,\"shape\":[2],\"data_offsets\":[0,8]", 8), "must be a string"),
            arguments("negative shape", entry("\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]", 8), "whole numbers"),
            arguments("broken shape", entry("\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]", 8), "whole numbers"),
            arguments("shape above 2^63", entry("\"dtype\":\"F32\",\"shape\":[9223372036854775808],"
                + "\"data_offsets\":[0,8]", 8), "out of range"),
            arguments("shape a number", entry("\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]", 8), "must be an array"),
            arguments("one offset", entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]", 8), "two numbers"),
            arguments("three offsets", entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]", 8), "two numbers"),
            arguments("offsets turned round", entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]", 8),
                "not above the second"),
            arguments("negative offset", entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]", 8),
                "whole numbers"),
            arguments("range longer than the shape", entry("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]", 8),
                "needs 4 bytes"),
            arguments("range shorter than the shape", entry("\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,8]", 8),
                "needs 16 bytes"),
            arguments("product overflows", entry("\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],"
                + "\"data_offsets\":[0,0]", 0), "more bytes than 2^63"),
            arguments("bytes overflow", entry("\"dtype\":\"F64\",\"shape\":[2305843009213693952],\"data_offsets\":[0,0]", 0),
                "more bytes than 2^63"),
            arguments("offsets outside the file", entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]", 7),
                "the file holds 7 bytes"),
            arguments("bytes after the last tensor", file("{" + a + "}", 9), "end at byte 8"),
            arguments("bytes without a tensor", file("{}", 1), "end at byte 0"),
            arguments("hole at the start", entry("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]", 9), "hole"),
            arguments("hole between", file("{" + a + ",\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[9,10]}}", 10),
                "'b' begins at byte 9, leaving a hole after byte 8"),
            arguments("overlap", file("{" + a + ",\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[7,11]}}", 11),
                "inside the tensor before it"),
            arguments("two on the same bytes", file("{" + a + ",\"b\":{\"dtype\":\"F32\",\"shape\":[2],"
                + "\"data_offsets\":[0,8]}}", 8), "inside the tensor before it"));
    }

    private static byte[] file(String header, int dataBytes) {
        return SafetensorsBytes.of(header, dataBytes);
    }

    private static byte[] entry(String fields, int dataBytes) {
        return file("{\"a\":{" + fields + "}}", dataBytes);
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("brokenFiles")
    void refusesTheFile(String name, byte[] bytes, String words) {
        Path file = SafetensorsBytes.write(folder.resolve("model.safetensors"), bytes);
        String message = assertThrows(CheckpointException.class, () -> SafetensorsFile.open(file)).getMessage();
        assertTrue(message.contains(words), message);
        assertTrue(message.startsWith(file.toString()), message);
    }

    @Test
    void acceptsWhatTheFormatAllows() {
        byte[] bytes = file("{\"__metadata__\":{\"k\":\"v\"},"
            + "\"z\":{\"data_offsets\":[4,8],\"shape\":[],\"dtype\":\"F32\"},"
            + "\"none\":{\"dtype\":\"I64\",\"shape\":[3,0],\"data_offsets\":[4,4]},"
            + "\"a\":{\"dtype\":\"U8\",\"shape\":[2,2],\"data_offsets\":[0,4]}}   ", 8);
        try (SafetensorsFile file = open("fine.safetensors", bytes)) {
            assertEquals(List.of("a", "none", "z"), List.copyOf(file.names()));
            assertEquals(Map.of("k", "v"), file.metadata());
            assertEquals(1, file.info("z").elements());
            assertEquals(0, file.read("z", DataType.FLOAT).rank());
            assertTrue(file.read("none", DataType.LONG).isEmpty());
            assertEquals(new TensorInfo("a", TensorType.U8, new long[] {2, 2}, 0, 4), file.info("a"));
        }
        try (SafetensorsFile file = open("nothing.safetensors", file("{}", 0))) {
            assertEquals(Set.of(), file.names());
        }
    }

    private SafetensorsFile open(String name, byte[] bytes) {
        return SafetensorsFile.open(SafetensorsBytes.write(folder.resolve(name), bytes));
    }

    @Test
    void readsEightBitFloatsIntoWiderOnesOnly() {
        try (SafetensorsFile file = open("f8.safetensors",
                entry("\"dtype\":\"F8_E4M3\",\"shape\":[3],\"data_offsets\":[0,3]", 3))) {
            assertEquals(TensorType.F8_E4M3, file.info("a").type());
            assertEquals(DataType.BFLOAT16, file.read("a", DataType.BFLOAT16).dataType());
            String message = assertThrows(CheckpointException.class, () -> file.read("a", DataType.BYTE)).getMessage();
            assertTrue(message.contains("stored as F8_E4M3, which is not read as BYTE. Read it as FLOAT"), message);
        }
    }

    @Test
    void readsBeyondTwoGibibytes() throws IOException {
        long big = (1L << 31) + 12;
        byte[] header = ("{\"big\":{\"dtype\":\"U8\",\"shape\":[" + big + "],\"data_offsets\":[0," + big + "]},\"after\":"
            + "{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" + big + "," + (big + 8) + "]}}")
            .getBytes(StandardCharsets.UTF_8);
        Path file = folder.resolve("big.safetensors");
        // A hole in the file system's sense: only the blocks that are written take room on the disk.
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE,
                StandardOpenOption.SPARSE)) {
            channel.write(ByteBuffer.wrap(SafetensorsBytes.of(header, 0)));
            ByteBuffer values = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
            channel.write(values.putFloat(1.5f).putFloat(-3f).flip(), 8 + header.length + big);
        }
        try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            INDArray after = opened.read("after", DataType.FLOAT);
            assertEquals(1.5f, after.getFloat(0));
            assertEquals(-3f, after.getFloat(1));
        }
    }

    @Test
    void anyDamageIsReportedAndNothingElse() throws IOException {
        byte[] whole = getClass().getResourceAsStream("/checkpoint/python.safetensors").readAllBytes();
        Random random = new Random(20260101);
        int refused = 0;
        for (int round = 0; round < 3000; round++) {
            Path file = SafetensorsBytes.write(folder.resolve("damaged.safetensors"), damage(whole, random));
            try (SafetensorsFile opened = SafetensorsFile.open(file)) {
                for (String name : opened.names()) {
                    DataType type = opened.info(name).type().dataType();
                    if (type != null) {
                        opened.read(name, type).close();
                    }
                }
            } catch (CheckpointException e) {
                refused++;
            }
        }
        assertTrue(refused > 2000, "only " + refused + " of 3000 damaged files were refused");
    }

    /** Flips, cuts, repeats or overwrites some bytes, three times out of four in the header. */
    private static byte[] damage(byte[] whole, Random random) {
        byte[] bytes = whole.clone();
        int reach = random.nextInt(4) == 0 ? bytes.length : 960;
        for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
            int at = random.nextInt(Math.min(reach, bytes.length));
            switch (random.nextInt(5)) {
                case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) "0123456789{}[]\",: \\u".charAt(random.nextInt(20));
                case 2 -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
                case 3 -> System.arraycopy(bytes, at, bytes, random.nextInt(bytes.length - (bytes.length - at) / 2),
                    (bytes.length - at) / 2);
                default -> {
                    byte[] longer = Arrays.copyOf(bytes, bytes.length + 1);
                    System.arraycopy(bytes, at, longer, at + 1, bytes.length - at);
                    bytes = longer;
                }
            }
        }
        return bytes;
    }

    @Test
    void namesWhatIsMissing() {
        Path missing = folder.resolve("nowhere.safetensors");
        assertTrue(assertThrows(CheckpointException.class, () -> SafetensorsFile.open(missing)).getMessage()
            .contains("no such file"));
        assertTrue(assertThrows(CheckpointException.class, () -> SafetensorsFile.open(folder)).getMessage()
            .contains("neither model.safetensors nor"));
        SafetensorsBytes.write(folder.resolve("pytorch_model.bin"), new byte[1]);
        assertTrue(assertThrows(CheckpointException.class, () -> SafetensorsFile.open(folder)).getMessage()
            .contains("pickle"));
        assertTrue(assertThrows(CheckpointException.class,
            () -> SafetensorsFile.open(folder.resolve("pytorch_model.bin"))).getMessage().contains("can run code"));
        assertTrue(Files.exists(folder.resolve("pytorch_model.bin")));
    }
}
