package org.finetune4j.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Weights stored as bytes and 8-bit floats with scales, against PyTorch's own reading of them. */
class StoredWeightsTest {
    @TempDir
    Path folder;

    private StoredWeights fixture() throws IOException, URISyntaxException {
        Files.copy(Path.of(StoredWeightsTest.class.getResource("/checkpoint/scaled.safetensors").toURI()),
            folder.resolve("model.safetensors"));
        return StoredWeights.open(folder);
    }

    @Test
    void numbersAreThoseOfPyTorch() throws IOException, URISyntaxException {
        try (StoredWeights weights = fixture()) {
            int compared = 0;
            for (String name : weights.names()) {
                if (name.endsWith(".weight")) {
                    INDArray expected = weights.read("expected." + name.replace(".weight", ""), DataType.FLOAT);
                    assertArrayEquals(expected.ravel().toFloatVector(),
                        weights.read(name, DataType.FLOAT).ravel().toFloatVector(), name);
                    // Rounded once, from the scaled number.
                    short[] rounded = new short[(int) expected.length()];
                    float[] values = expected.ravel().toFloatVector();
                    float[] narrow = weights.read(name, DataType.BFLOAT16).castTo(DataType.FLOAT).ravel().toFloatVector();
                    for (int i = 0; i < rounded.length; i++) {
                        assertEquals(FloatFormats.fromBfloat16(FloatFormats.toBfloat16(values[i])), narrow[i], name);
                    }
                    compared++;
                }
            }
            assertEquals(7, compared);
            assertFalse(weights.contains("deepseek.input_scale") || weights.contains("rows.weight_scale")
                || weights.contains("bits.SCB") || weights.contains("bits.weight_format"));
            assertNull(weights.dataType("deepseek.weight"));
            assertEquals(DataType.FLOAT, weights.dataType("expected.deepseek"));
        }
    }

    private void write(Map<String, INDArray> tensors) {
        SafetensorsWriter.create().write(folder.resolve("model.safetensors"), tensors, Map.of());
    }

    private String refusal() {
        return assertThrows(CheckpointException.class, () -> StoredWeights.open(folder).close()).getMessage();
    }

    @Test
    void whatIsNotRecognisedIsRefusedByName() {
        INDArray bytes = Nd4j.ones(DataType.BYTE, 4, 6);
        write(Map.of("a.weight", bytes));
        assertTrue(refusal().contains("'a.weight' is stored as I8 without a scale; looked for [a.weight_scale, "));
        write(Map.of("a.weight", bytes, "a.weight_scale", Nd4j.ones(DataType.FLOAT, 2, 3)));
        assertTrue(refusal().contains("'a.weight' I8[4, 6] has scales 'a.weight_scale' F32[2, 3]"));
        write(Map.of("a.weight", bytes, "a.weight_scale", Nd4j.ones(DataType.FLOAT, 4, 1), "a.weight_zero_point",
            Nd4j.zeros(DataType.BYTE, 4, 1)));
        assertTrue(refusal().contains("'a.weight' has zero points"));
        write(Map.of("a.weight", bytes, "a.weight_scale", Nd4j.ones(DataType.INT, 4, 1)));
        assertTrue(refusal().contains("I32[4, 1]"));
    }

    @Test
    void theSizeOfBlocksIsThatOfTheConfiguration() throws IOException {
        write(Map.of("a.weight", Nd4j.ones(DataType.BYTE, 4, 6), "a.weight_scale_inv",
            Nd4j.createFromArray(1f, 2, 3, 4).reshape(2, 2)));
        Files.writeString(folder.resolve("config.json"),
            "{\"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [3, 4]}}");
        try (StoredWeights weights = StoredWeights.open(folder)) {
            assertEquals(Nd4j.createFromArray(1f, 1, 1, 1, 2, 2, 1, 1, 1, 1, 2, 2, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3, 4, 4)
                .reshape(4, 6), weights.read("a.weight", DataType.FLOAT));
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '"', value = {
        "{'quant_method': 'gptq', 'bits': 4} | 'gptq'",
        "{'quant_method': 'bitsandbytes', 'load_in_4bit': true} | 'bitsandbytes' in 4 bits",
        "{'quant_method': 'compressed-tensors', 'format': 'pack-quantized'} | 'compressed-tensors' as 'pack-quantized'",
        "{'bits': 2} | a method without a name",
    })
    void methodsOfQuantizationAreNamed(String config, String expected) throws IOException {
        write(Map.of("a.weight", Nd4j.ones(2, 2)));
        Files.writeString(folder.resolve("config.json"), "{\"quantization_config\": " + config.replace('\'', '"') + "}");
        assertTrue(refusal().contains(expected), refusal());
    }

    @ParameterizedTest
    @ValueSource(strings = {"pytorch_model.bin", "consolidated.00.pth", "last.ckpt", "pytorch_model.bin.index.json"})
    void picklesAreRefusedWithALineThatConverts(String name) throws IOException {
        Files.write(folder.resolve(name), List.of("x"));
        String message = refusal();
        assertTrue(message.contains(name) && message.contains("can run code") && message.contains("python3 -c"), message);
        assertTrue(message.contains("weights_only=True"), message);
    }
}
