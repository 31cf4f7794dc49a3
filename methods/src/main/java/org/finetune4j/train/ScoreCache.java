package org.finetune4j.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Log-probabilities of scored responses, kept in the run folder, so that a run that is continued need not score again.
 *
 * @param runFolder where the file lies
 * @param key       tells weights, template, decoding and data apart
 */
record ScoreCache(Path runFolder, String key) {
    private static final int NAMED = 12;
    private static final String KEY = "key";
    private static final String COUNTS = "counts";
    private static final String VALUES = "logProbabilities";

    /** The cache for one set of responses, told by their hash. */
    ScoreCache forData(String hash) {
        return new ScoreCache(runFolder, key + " " + hash);
    }

    /** One file for each set, so that selectors that score one after another keep theirs. */
    private Path file() {
        return runFolder.resolve("scores-" + Hashes.of(key).substring(0, NAMED) + ".safetensors");
    }

    /** The scores, one array per response, or null when there are none of this key that can be read. */
    @Nullable List<float[]> read() {
        Path path = file();
        if (!Files.isRegularFile(path)) {
            return null;
        }
        try (SafetensorsFile file = SafetensorsFile.open(path)) {
            if (!key.equals(file.metadata().get(KEY))) {
                return null;
            }
            int[] counts = file.read(COUNTS, DataType.INT).toIntVector();
            float[] values = file.read(VALUES, DataType.FLOAT).toFloatVector();
            List<float[]> scores = new ArrayList<>(counts.length);
            int from = 0;
            for (int count : counts) {
                scores.add(Arrays.copyOfRange(values, from, from + count));
                from += count;
            }
            return from == values.length ? scores : null;
        } catch (FinetuneException unreadable) {
            // They can be computed again.
            return null;
        }
    }

    /** Keeps scores, one array per response, none empty. */
    void write(List<float[]> scores) {
        int[] counts = scores.stream().mapToInt(score -> score.length).toArray();
        INDArray values = Nd4j.concat(0, scores.stream().map(Nd4j::createFromArray).toArray(INDArray[]::new));
        Map<String, INDArray> tensors = new LinkedHashMap<>();
        tensors.put(COUNTS, Nd4j.createFromArray(counts));
        tensors.put(VALUES, values);
        RunRecord.createFolder(runFolder);
        SafetensorsWriter.create().checkingFinite().write(file(), tensors, Map.of(KEY, key));
    }
}
