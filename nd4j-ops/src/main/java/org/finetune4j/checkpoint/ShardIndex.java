package org.finetune4j.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** The index of a model that is split over several safetensors files: which tensor is in which shard. */
final class ShardIndex {
    static final String FILE_NAME = "model.safetensors.index.json";
    private static final String MEND = "Restore the index from where the model came from";

    private ShardIndex() {}

    /** Reads tensor name to shard file name, refusing names that could lead out of the index's own folder. */
    static Map<String, String> read(Path index) {
        ObjectNode root = StrictJson.readObject(index, SafetensorsHeader.MAXIMUM_BYTES);
        if (!(root.get("weight_map") instanceof ObjectNode weightMap)) {
            throw new CheckpointException(index, "it lacks the object weight_map", MEND);
        }
        Map<String, String> shards = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> entry : weightMap.properties()) {
            if (!entry.getValue().isTextual()) {
                throw new CheckpointException(index, "weight_map." + entry.getKey() + " must be a file name", MEND);
            }
            shards.put(entry.getKey(), requirePlainName(entry.getValue().textValue(), index));
        }
        return shards;
    }

    private static String requirePlainName(String name, Path index) {
        boolean plain = !name.isEmpty() && !name.equals(".") && !name.equals("..")
            && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || c < ' ');
        if (!plain) {
            throw new CheckpointException(index, "the shard name '" + name + "' is not a plain file name: a shard must"
                + " stand beside its index", MEND);
        }
        return name;
    }
}
