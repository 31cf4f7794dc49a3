package org.finetune4j.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/** Values that go through a file: the reference writer's, our own, converted, split over shards. */
class SafetensorsFileTest {
    @TempDir
    Path folder;

    private static Path pythonFile() throws URISyntaxException {
        return Path.of(SafetensorsFileTest.class.getResource("/checkpoint/python.safetensors").toURI());
    }

    private static double real(int i) {
        return (i - 11.5) / 7.0;
    }

    @Test
    void readsWhatPythonWrote() throws URISyntaxException {
        try (SafetensorsFile file = SafetensorsFile.open(pythonFile())) {
            assertEquals(14, file.names().size());
            assertEquals(Map.of("format", "pt", "note", "naïve 名前"), file.metadata());
            assertArrayEquals(new long[] {2, 3, 4}, file.info("double").shape());
            assertValues(file.read("double", DataType.DOUBLE), i -> real(i));
            assertValues(file.read("float", DataType.FLOAT), i -> (float) real(i));
            assertValues(file.read("float", DataType.DOUBLE), i -> (float) real(i));
            assertValues(file.read("double", DataType.FLOAT), i -> (float) real(i));
            assertValues(file.read("long", DataType.LONG), i -> (i - 12) * 3_000_000_000L);
            assertValues(file.read("int", DataType.INT), i -> (i - 12) * 100_000_000);
            assertValues(file.read("short", DataType.SHORT), i -> (i - 12) * 2_000);
            assertValues(file.read("byte", DataType.BYTE), i -> i - 12);
            assertValues(file.read("unsigned byte", DataType.UBYTE), i -> i * 10);
            assertValues(file.read("bool", DataType.BOOL), i -> i % 3 == 0 ? 1 : 0);
            assertEquals(2.5, file.read("scalar", DataType.FLOAT).getDouble());
            assertArrayEquals(new long[] {0, 5}, file.read("empty", DataType.FLOAT).shape());
            assertEquals(1, file.read("naïve 名前", DataType.BFLOAT16).getFloat(0));
        }
    }

    /** The reference library rounded the same numbers to 16 bits: ours must round alike, from f32 and from f64. */
    @Test
    void roundsAsPythonDid() throws URISyntaxException {
        try (SafetensorsFile file = SafetensorsFile.open(pythonFile())) {
            for (String source : List.of("double", "float")) {
                assertSameValues(file.read("bfloat16", DataType.FLOAT), file.read(source, DataType.BFLOAT16));
                assertSameValues(file.read("half", DataType.FLOAT), file.read(source, DataType.HALF));
            }
        }
    }

    private static void assertSameValues(INDArray expected, INDArray actual) {
        INDArray flat = expected.reshape(expected.length());
        assertValues(actual.castTo(DataType.FLOAT), i -> flat.getFloat(i));
    }

    private static void assertValues(INDArray array, IntToDoubleFunction expected) {
        INDArray flat = array.reshape(array.length());
        for (int i = 0; i < flat.length(); i++) {
            double value = array.dataType() == DataType.LONG ? flat.getLong(i) : flat.getDouble(i);
            assertEquals(expected.applyAsDouble(i), value, "element " + i);
        }
    }

    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"DOUBLE", "FLOAT", "HALF", "BFLOAT16", "LONG", "INT", "SHORT", "BYTE",
        "UBYTE", "BOOL", "UINT16", "UINT32", "UINT64"})
    void everyTypeComesBack(DataType type) {
        Path file = folder.resolve("one.safetensors");
        INDArray array = Nd4j.createFromArray(randomNumbers(60, 3)).reshape(3, 4, 5).castTo(type);
        SafetensorsWriter.create().write(file, Map.of("x", array), Map.of("k", "v"));
        try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            assertEquals(array, opened.read("x", type));
            assertEquals(Map.of("k", "v"), opened.metadata());
        }
    }

    private static float[] randomNumbers(int count, long seed) {
        Random random = new Random(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextInt(100);
        }
        return values;
    }

    /** More elements than one window holds, through every pair of floating-point types. */
    @Test
    void convertsWindowByWindow() {
        int count = (1 << 20) + 12_345;
        float[] values = new float[count];
        Random random = new Random(5);
        for (int i = 0; i < count; i++) {
            values[i] = (float) (random.nextGaussian() * 0.02);
        }
        INDArray array = Nd4j.createFromArray(values);
        Path wide = folder.resolve("wide.safetensors");
        Path narrow = folder.resolve("narrow.safetensors");
        SafetensorsWriter.create().storedAs(DataType.DOUBLE).write(wide, Map.of("x", array), Map.of());
        SafetensorsWriter.create().storedAs(DataType.BFLOAT16).write(narrow, Map.of("x", array), Map.of());
        try (SafetensorsFile opened = SafetensorsFile.open(wide)) {
            assertEquals(TensorType.F64, opened.info("x").type());
            assertArrayEquals(values, opened.read("x", DataType.FLOAT).toFloatVector());
        }
        try (SafetensorsFile opened = SafetensorsFile.open(narrow)) {
            float[] back = opened.read("x", DataType.FLOAT).toFloatVector();
            for (int i = 0; i < count; i++) {
                assertEquals(FloatFormats.fromBfloat16(FloatFormats.toBfloat16(values[i])), back[i]);
                assertEquals(values[i], back[i], Math.abs(values[i]) * 0x1p-8f);
            }
        }
    }

    /** More elements than one window holds, read into the type that they are stored in. */
    @ParameterizedTest
    @EnumSource(value = DataType.class, names = {"DOUBLE", "FLOAT", "HALF", "BFLOAT16", "BYTE"})
    void readsWindowByWindow(DataType type) {
        int count = 3 * (1 << 20) + 12_345;
        INDArray array = Nd4j.createFromArray(randomNumbers(count, 4)).castTo(type);
        Path file = folder.resolve("large.safetensors");
        SafetensorsWriter.create().write(file, Map.of("x", array, "before", Nd4j.ones(type, 3)), Map.of());
        try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            assertEquals(array, opened.read("x", type));
        }
    }

    @Test
    void writesViewsAndOtherOrders() {
        INDArray base = Nd4j.createFromArray(randomNumbers(48, 9)).reshape(6, 8);
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        tensors.put("rows", base.get(NDArrayIndex.interval(2, 4), NDArrayIndex.all()));
        tensors.put("columns", base.get(NDArrayIndex.all(), NDArrayIndex.interval(1, 4)));
        tensors.put("transposed", base.transpose());
        tensors.put("columnMajor", base.dup('f'));
        tensors.put("scalar", Nd4j.scalar(7.5f));
        tensors.put("flags", Nd4j.createFromArray(true, false, true));
        tensors.put("empty", Nd4j.create(DataType.FLOAT, 0, 3));
        Path file = folder.resolve("views.safetensors");
        SafetensorsWriter.create().write(file, tensors, Map.of());
        try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            tensors.forEach((name, array) -> {
                INDArray back = opened.read(name, array.dataType());
                assertArrayEquals(array.shape(), back.shape(), name);
                assertTrue(array.isEmpty() || array.dup('c').equals(back), name);
            });
            assertEquals("flags", List.copyOf(opened.names()).get(6), "one-byte elements come last");
        }
    }

    @Test
    void readsIntoAView() {
        INDArray base = Nd4j.zeros(DataType.FLOAT, 4, 3);
        Path file = folder.resolve("rows.safetensors");
        SafetensorsWriter.create().write(file, Map.of("x", Nd4j.createFromArray(1f, 2f, 3f, 4f, 5f, 6f).reshape(2, 3)),
            Map.of());
        try (SafetensorsFile opened = SafetensorsFile.open(file)) {
            opened.readInto("x", base.get(NDArrayIndex.interval(1, 3), NDArrayIndex.all()));
            assertEquals(Nd4j.createFromArray(0f, 0, 0, 1, 2, 3, 4, 5, 6, 0, 0, 0).reshape(4, 3), base);
            assertThrows(IllegalArgumentException.class, () -> opened.readInto("x", Nd4j.zeros(3, 2).transpose()));
            String message = assertThrows(CheckpointException.class,
                () -> opened.readInto("x", Nd4j.zeros(3, 2))).getMessage();
            assertTrue(message.contains("has the shape [2, 3], but [3, 2] is needed"), message);
        }
    }

    @Test
    void refusesConversionsThatWouldLoseMeaning() throws URISyntaxException {
        try (SafetensorsFile file = SafetensorsFile.open(pythonFile())) {
            assertTrue(assertThrows(CheckpointException.class, () -> file.read("long", DataType.FLOAT)).getMessage()
                .contains("stored as I64, which is not read as FLOAT. Read it as LONG"));
            assertTrue(assertThrows(CheckpointException.class, () -> file.read("nothing", DataType.FLOAT)).getMessage()
                .contains("no tensor 'nothing' among its 14 tensors"));
        }
    }

    @Test
    void findsTheValueThatIsNotFinite() throws IOException {
        Path file = folder.resolve("weights.safetensors");
        SafetensorsWriter.create().checkingFinite().write(file, Map.of("w", Nd4j.ones(3)), Map.of());
        byte[] before = Files.readAllBytes(file);
        for (DataType type : List.of(DataType.DOUBLE, DataType.FLOAT, DataType.HALF, DataType.BFLOAT16)) {
            for (double bad : new double[] {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY}) {
                INDArray array = Nd4j.createFromArray(1.0, 2.0, bad, 3.0).castTo(type);
                String message = assertThrows(CheckpointException.class, () -> SafetensorsWriter.create()
                    .checkingFinite().write(file, Map.of("head", array), Map.of())).getMessage();
                assertTrue(message.contains("'head' has the value " + (float) bad + " at element 2 of 4"), message);
            }
        }
        assertTrue(assertThrows(CheckpointException.class, () -> SafetensorsWriter.create().checkingFinite()
            .storedAs(DataType.HALF).write(file, Map.of("w", Nd4j.createFromArray(1e6f)), Map.of())).getMessage()
            .contains("Infinity at element 0 of 1 (as F16)"));
        assertArrayEquals(before, Files.readAllBytes(file), "the earlier file stays");
        try (var left = Files.list(folder)) {
            assertEquals(List.of(file), left.toList(), "nothing unfinished stays");
        }
    }

    @Test
    void sameArraysGiveSameBytesAndAnAlignedHeader() throws IOException {
        Map<String, INDArray> tensors = Map.of("x", Nd4j.ones(2));
        SafetensorsWriter.create().write(folder.resolve("a"), tensors, Map.of("k", "v"));
        SafetensorsWriter.create().write(folder.resolve("b"), tensors, Map.of("k", "v"));
        byte[] bytes = Files.readAllBytes(folder.resolve("a"));
        assertArrayEquals(bytes, Files.readAllBytes(folder.resolve("b")));
        assertEquals(0, (bytes.length - 8) % 8);
        assertEquals('{', bytes[8]);
    }

    @Test
    void readsShards() throws IOException {
        shards("{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}");
        try (SafetensorsFile file = SafetensorsFile.open(folder)) {
            assertEquals(2, file.names().size());
            assertEquals(1, file.read("a", DataType.FLOAT).getFloat(0));
            assertEquals(2, file.read("b", DataType.FLOAT).getFloat(0));
        }
    }

    @Test
    void refusesWrongIndexes() throws IOException {
        assertIndexRefused("{\"a\":\"1.safetensors\",\"b\":\"../2.safetensors\"}", "not a plain file name");
        assertIndexRefused("{\"a\":\"1.safetensors\",\"b\":\"/tmp/2.safetensors\"}", "not a plain file name");
        assertIndexRefused("{\"a\":\"1.safetensors\",\"b\":\"..\"}", "not a plain file name");
        assertIndexRefused("{\"a\":\"1.safetensors\",\"b\":\"C:2.safetensors\"}", "not a plain file name");
        assertIndexRefused("{\"a\":\"1.safetensors\",\"b\":\"x\\\\2.safetensors\"}", "not a plain file name");
        assertIndexRefused("{\"a\":\"1.safetensors\",\"b\":\"\"}", "not a plain file name");
        assertIndexRefused("{\"a\":\"1.safetensors\",\"b\":2}", "weight_map.b must be a file name");
        assertIndexRefused("[]", "lacks the object weight_map");
        assertIndexRefused("{\"a\":\"1.safetensors\",\"a\":\"2.safetensors\"}", "Duplicate field 'a'");
        assertIndexRefused("{\"a\":\"1.safetensors\",\"b\":\"1.safetensors\"}", "no such tensor");
        assertIndexRefused("{\"a\":\"1.safetensors\",\"b\":\"3.safetensors\"}", "3.safetensors: there is no such file");
        assertIndexRefused("{\"b\":\"2.safetensors\",\"a\":\"2.safetensors\"}", "no such tensor");
    }

    @Test
    void refusesATensorInTwoShards() throws IOException {
        shards("{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}");
        SafetensorsWriter.create().write(folder.resolve("2.safetensors"), Map.of("a", Nd4j.ones(1), "b", Nd4j.ones(1)),
            Map.of());
        assertTrue(assertThrows(CheckpointException.class, () -> SafetensorsFile.open(folder)).getMessage()
            .contains("tensor 'a' is in two shards, 1.safetensors and 2.safetensors"));
    }

    @Test
    void refusesATensorThatTheIndexDoesNotName() throws IOException {
        shards("{\"a\":\"1.safetensors\",\"b\":\"2.safetensors\"}");
        SafetensorsWriter.create().write(folder.resolve("2.safetensors"), Map.of("b", Nd4j.ones(1), "c", Nd4j.ones(1)),
            Map.of());
        assertTrue(assertThrows(CheckpointException.class, () -> SafetensorsFile.open(folder)).getMessage()
            .contains("does not name tensor 'c' of 2.safetensors"));
    }

    private void assertIndexRefused(String weightMap, String words) throws IOException {
        shards(weightMap);
        String message = assertThrows(CheckpointException.class, () -> SafetensorsFile.open(folder)).getMessage();
        assertTrue(message.contains(words), message);
    }

    private void shards(String weightMap) throws IOException {
        SafetensorsWriter.create().write(folder.resolve("1.safetensors"), Map.of("a", Nd4j.ones(2)), Map.of());
        SafetensorsWriter.create().write(folder.resolve("2.safetensors"), Map.of("b", Nd4j.ones(2).muli(2)), Map.of());
        Files.writeString(folder.resolve("model.safetensors.index.json"),
            "{\"metadata\":{\"total_size\":16},\"weight_map\":" + weightMap + "}");
    }
}
