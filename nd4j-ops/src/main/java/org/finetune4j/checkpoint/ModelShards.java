package org.finetune4j.checkpoint;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Writes the weights of a model as one safetensors file, or as several with an index where they are large.
 *
 * @param writer how values are stored
 * @param limit bytes of tensors from which on another file begins; a larger tensor has a file of its own
 */
public record ModelShards(SafetensorsWriter writer, long limit) {
    /** The size that Hugging Face's own libraries split at. */
    public static final long USUAL_LIMIT = 5_000_000_000L;

    private static final Map<String, String> METADATA = Map.of("format", "pt");

    /** Refuses a limit below 1. */
    public ModelShards {
        if (limit < 1) {
            throw new IllegalArgumentException("a file holds at least 1 byte, the limit is " + limit);
        }
    }

    /** Returns the bytes that the tensors will take. */
    public long bytes(List<PendingTensor> tensors, Path folder) {
        return writer.bytes(tensors, folder);
    }

    /**
     * Writes weights and index.
     *
     * @param target the unfinished folder
     * @param folder where it is to lie, for messages
     * @throws CheckpointException if a value is not finite and that is checked
     */
    public void write(AtomicFiles.UnfinishedFolder target, Path folder, List<PendingTensor> tensors) throws IOException {
        List<List<PendingTensor>> shards = split(tensors, folder);
        if (shards.size() == 1) {
            write(target, folder, SafetensorsFile.FILE_NAME, tensors);
            return;
        }
        ObjectNode index = StrictJson.mapper().createObjectNode();
        index.putObject("metadata").put("total_size", bytes(tensors, folder));
        ObjectNode map = index.putObject("weight_map");
        for (int i = 0; i < shards.size(); i++) {
            String name = String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", i + 1, shards.size());
            write(target, folder, name, shards.get(i));
            shards.get(i).forEach(tensor -> map.put(tensor.name(), name));
        }
        // Last, so that a folder with an index has all its shards.
        target.writeText(ShardIndex.FILE_NAME, index.toPrettyString() + "\n");
    }

    private void write(AtomicFiles.UnfinishedFolder target, Path folder, String name, List<PendingTensor> tensors)
            throws IOException {
        target.write(name, channel -> writer.writeTo(channel, folder.resolve(name), tensors, METADATA));
    }

    private List<List<PendingTensor>> split(List<PendingTensor> tensors, Path folder) {
        List<List<PendingTensor>> shards = new ArrayList<>(List.of(new ArrayList<>()));
        long size = 0;
        for (PendingTensor tensor : tensors) {
            long own = writer.bytes(List.of(tensor), folder);
            if (size > 0 && size + own > limit) {
                shards.add(new ArrayList<>());
                size = 0;
            }
            shards.get(shards.size() - 1).add(tensor);
            size += own;
        }
        return shards;
    }
}
