package org.finetune4j.model;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenView;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * A checkpoint in src/test/resources/families and what PyTorch makes of it (make_families.py).
 *
 * @param folder    the checkpoint
 * @param reference the content of reference.json
 */
record FamilyFixture(Path folder, JsonNode reference) {
    static final Path ALL = Path.of("src", "test", "resources", "families");
    static final TokenLoss LOG_LOSS = new TokenLoss() {
        @Override
        public Expression build(TokenView view) {
            return Expression.of(view.logProbability().neg());
        }
    };

    static FamilyFixture read(String name) {
        Path folder = ALL.resolve(name);
        return new FamilyFixture(folder, StrictJson.readObject(folder.resolve("reference.json"), 1 << 20));
    }

    /** The sequences of token ids. */
    List<int[]> sequences() {
        List<int[]> sequences = new ArrayList<>();
        reference.get("sequences").forEach(ids -> sequences.add(integers(ids)));
        return sequences;
    }

    int[] integers(String field) {
        return integers(reference.get(field));
    }

    private static int[] integers(JsonNode list) {
        return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
    }

    double loss() {
        return reference.get("loss").doubleValue();
    }

    /** A tensor of reference.safetensors, in row-major order. */
    double[] tensor(String name) {
        try (SafetensorsFile file = SafetensorsFile.open(folder.resolve("reference.safetensors"))) {
            return file.read(name, DataType.DOUBLE).reshape(-1).toDoubleVector();
        }
    }

    /** Both sequences packed, every next token supervised with the same weight, so that the loss is their mean. */
    PackedBatch batch() {
        List<Integer> ids = new ArrayList<>();
        List<Integer> positions = new ArrayList<>();
        List<Integer> offsets = new ArrayList<>(List.of(0));
        List<Integer> rows = new ArrayList<>();
        List<Integer> labels = new ArrayList<>();
        for (int[] sequence : sequences()) {
            for (int p = 0; p < sequence.length; p++) {
                if (p + 1 < sequence.length) {
                    rows.add(ids.size());
                    labels.add(sequence[p + 1]);
                }
                ids.add(sequence[p]);
                positions.add(p);
            }
            offsets.add(ids.size());
        }
        float[] weights = new float[rows.size()];
        Arrays.fill(weights, 1);
        return new PackedBatch(array(ids), array(positions), array(offsets), array(rows), array(labels), weights);
    }

    private static int[] array(List<Integer> list) {
        return list.stream().mapToInt(Integer::intValue).toArray();
    }
}
