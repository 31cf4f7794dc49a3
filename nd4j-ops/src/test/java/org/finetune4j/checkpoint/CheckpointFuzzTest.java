package org.finetune4j.checkpoint;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Damaged and hostile weights: whatever is in the files, opening and reading them gives numbers or a CheckpointException. */
class CheckpointFuzzTest {
    private static final String[] SPLICES = {"-1", "9223372036854775807", "1e309", "{", "}", "[", "]", "\"", "null", "\\u0000",
        "\"dtype\":\"F8_E4M3\"", "\"I8\"", "\"__metadata__\"", "[0,0]", "\"../../etc/passwd\"", "\"C:\\\\x\"", "\u00e9", "999999999"};

    @TempDir
    Path folder;

    /** One mutation of the bytes of a file: bits, bytes, cuts, repetitions, words that matter, and the length in front. */
    private static byte[] mutate(byte[] bytes, Random random, int header) {
        byte[] mutated = bytes.clone();
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes && mutated.length > 0; i++) {
            // Mostly where there is something to understand.
            int at = random.nextInt(random.nextInt(4) == 0 ? mutated.length : Math.min(mutated.length, header));
            switch (random.nextInt(7)) {
                case 0 -> mutated[at] ^= (byte) (1 << random.nextInt(8));
                case 1 -> mutated[at] = (byte) random.nextInt();
                case 2 -> mutated = java.util.Arrays.copyOf(mutated, at);
                case 3 -> mutated = java.util.Arrays.copyOf(mutated, mutated.length + random.nextInt(64));
                case 4 -> mutated = splice(mutated, at, SPLICES[random.nextInt(SPLICES.length)]
                    .getBytes(StandardCharsets.UTF_8), random.nextBoolean());
                case 5 -> {
                    int length = Math.min(random.nextInt(24), mutated.length - at);
                    mutated = splice(mutated, random.nextInt(mutated.length),
                        java.util.Arrays.copyOfRange(mutated, at, at + length), random.nextBoolean());
                }
                default -> mutated[random.nextInt(Math.min(8, mutated.length))] = (byte) random.nextInt();
            }
        }
        return mutated;
    }

    private static byte[] splice(byte[] bytes, int at, byte[] piece, boolean over) {
        byte[] spliced = new byte[over ? Math.max(bytes.length, at + piece.length) : bytes.length + piece.length];
        System.arraycopy(bytes, 0, spliced, 0, at);
        System.arraycopy(piece, 0, spliced, at, piece.length);
        int rest = over ? Math.min(bytes.length, at + piece.length) : at;
        System.arraycopy(bytes, rest, spliced, at + piece.length, bytes.length - rest);
        return spliced;
    }

    private static Map<String, INDArray> tensors(Random random) {
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        tensors.put("a.weight", Nd4j.createFromArray(random.nextInt(100) - 50f, 2, 3, 4, 5, 6).reshape(2, 3).castTo(DataType.BYTE));
        tensors.put("a.weight_scale", Nd4j.createFromArray(0.5f, 2f).reshape(2, 1));
        tensors.put("b.weight", Nd4j.createFromArray(1f, 2, 3, 4).castTo(DataType.BFLOAT16));
        tensors.put("c", Nd4j.scalar(3.0));
        return tensors;
    }

    /** Reads all there is, if it can be read; returns whether it could. */
    private boolean read(Path path, byte[] seenByReader, long seed) {
        try (StoredWeights weights = StoredWeights.open(path)) {
            for (String name : weights.names()) {
                if (weights.info(name).elements() < 1000 && weights.info(name).type().isFloatingPoint()) {
                    weights.read(name, DataType.FLOAT).close();
                }
            }
            return true;
        } catch (CheckpointException expected) {
            assertTrue(expected.getMessage().length() < 2000, expected.getMessage());
            return false;
        } catch (Throwable other) {
            return fail("seed " + seed + ": " + other + " for " + new String(seenByReader, StandardCharsets.ISO_8859_1), other);
        }
    }

    @Test
    void weightsOfOneFile() throws IOException {
        Path file = folder.resolve("model.safetensors");
        SafetensorsWriter.create().write(file, tensors(new Random(1)), Map.of("format", "pt"));
        byte[] whole = Files.readAllBytes(file);
        int header = whole.length - 2 * 3 - 2 * 4 - 4 * 2 - 8;
        int refused = 0;
        int rounds = 4000;
        for (int seed = 0; seed < rounds; seed++) {
            byte[] bytes = mutate(whole, new Random(seed), header);
            Files.write(file, bytes);
            refused += read(folder, bytes, seed) ? 0 : 1;
        }
        assertTrue(refused > rounds / 2 && refused < rounds, "refused " + refused + " of " + rounds);
    }

    @Test
    void indexAndShards() throws IOException {
        List<String> entries = new ArrayList<>();
        tensors(new Random(2)).forEach((name, array) -> {
            String shard = "model-0000" + (1 + entries.size() % 2) + "-of-00002.safetensors";
            entries.add("\"" + name + "\":\"" + shard + "\"");
        });
        Map<String, INDArray> tensors = tensors(new Random(2));
        for (int i = 0; i < 2; i++) {
            String shard = "model-0000" + (1 + i) + "-of-00002.safetensors";
            Map<String, INDArray> own = new LinkedHashMap<>();
            tensors.forEach((name, array) -> {
                if (entries.contains("\"" + name + "\":\"" + shard + "\"")) {
                    own.put(name, array);
                }
            });
            SafetensorsWriter.create().write(folder.resolve(shard), own, Map.of());
        }
        byte[] index = ("{\"metadata\":{\"total_size\":30},\"weight_map\":{" + String.join(",", entries) + "}}")
            .getBytes(StandardCharsets.UTF_8);
        Path file = folder.resolve("model.safetensors.index.json");
        Files.write(file, index);
        assertTrue(read(folder, index, -1), "the index is right before it is damaged");
        int refused = 0;
        int rounds = 3000;
        for (int seed = 0; seed < rounds; seed++) {
            byte[] bytes = mutate(index, new Random(seed), index.length);
            Files.write(file, bytes);
            refused += read(folder, bytes, seed) ? 0 : 1;
        }
        assertTrue(refused > rounds / 2 && refused < rounds, "refused " + refused + " of " + rounds);
    }
}
