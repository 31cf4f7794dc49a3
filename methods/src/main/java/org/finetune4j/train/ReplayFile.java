package org.finetune4j.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.model.PackedBatch;

/** Keeps the batches of a step that went wrong, so that it can be made again alone. */
final class ReplayFile {
    /**
     * A micro-batch as it was given to the engine.
     *
     * @param samples     the samples' names, in the order of the batch
     * @param batch       the batch
     * @param dropoutSeed the seed of its dropout
     */
    record MicroBatch(List<String> samples, PackedBatch batch, long dropoutSeed) {
    }

    private ReplayFile() {
    }

    /** Writes {@code replay-NAME.json} into the run folder. */
    static Path write(AtomicFiles files, Path runFolder, String name, long step, String reason,
                      List<MicroBatch> batches) {
        ObjectNode root = StrictJson.mapper().createObjectNode();
        root.put("step", step).put("reason", reason);
        ArrayNode list = root.putArray("microBatches");
        for (MicroBatch micro : batches) {
            ObjectNode node = list.addObject();
            micro.samples().forEach(node.putArray("samples")::add);
            node.put("dropoutSeed", micro.dropoutSeed());
            put(node, "ids", micro.batch().ids());
            put(node, "positions", micro.batch().positions());
            put(node, "offsets", micro.batch().offsets());
            put(node, "supervisedRows", micro.batch().supervisedRows());
            put(node, "labels", micro.batch().labels());
            ArrayNode weights = node.putArray("weights");
            for (float weight : micro.batch().weights()) {
                weights.add(weight);
            }
        }
        Path file = runFolder.resolve("replay-" + name + ".json");
        files.writeText(file, root.toString());
        return file;
    }

    private static void put(ObjectNode node, String name, int[] values) {
        ArrayNode array = node.putArray(name);
        for (int value : values) {
            array.add(value);
        }
    }
}
