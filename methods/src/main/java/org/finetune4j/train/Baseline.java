package org.finetune4j.train;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.methods.evaluate.MetricResult;
import org.jspecify.annotations.Nullable;

/**
 * What was measured before the training; kept in the run folder, so that a run that is continued need not measure again.
 *
 * @param key     tells model, samples and metrics apart
 * @param metrics the metrics' outcomes, in the order of the job
 * @param answers generated answers to the first held-out prompts
 */
record Baseline(String key, List<MetricResult> metrics, List<String> answers) {
    private static final String FILE_NAME = "baseline.json";
    private static final int MAXIMUM_BYTES = 1 << 28;

    Baseline {
        metrics = List.copyOf(metrics);
        answers = List.copyOf(answers);
    }

    /** The baseline of a run folder, or null when there is none of this key. */
    static @Nullable Baseline read(Path runFolder, String key) {
        Path file = runFolder.resolve(FILE_NAME);
        if (!Files.isRegularFile(file)) {
            return null;
        }
        try {
            ObjectNode root = StrictJson.readObject(file, MAXIMUM_BYTES);
            if (!root.path("key").asText().equals(key)) {
                return null;
            }
            List<MetricResult> metrics = new ArrayList<>();
            root.path("metrics").forEach(node -> metrics.add(metric(node)));
            List<String> answers = new ArrayList<>();
            root.path("answers").forEach(node -> answers.add(node.asText()));
            return new Baseline(key, metrics, answers);
        } catch (FinetuneException e) {
            // It can be measured again.
            return null;
        }
    }

    void write(Path runFolder) {
        ObjectNode root = StrictJson.mapper().createObjectNode();
        root.put("key", key);
        ArrayNode list = root.putArray("metrics");
        for (MetricResult metric : metrics) {
            ObjectNode node = list.addObject();
            put(node, metric);
            metric.items().forEach(node.putArray("items")::add);
        }
        answers.forEach(root.putArray("answers")::add);
        AtomicFiles.onDisk().writeText(runFolder.resolve(FILE_NAME), root.toPrettyString());
    }

    /** Everything of a metric but its items. */
    static void put(ObjectNode node, MetricResult metric) {
        node.put("name", metric.name()).put("signature", metric.signature()).put("value", metric.value())
                .put("standardError", metric.standardError()).put("count", metric.count())
                .put("unparsable", metric.unparsable());
        metric.details().forEach(node.putObject("details")::put);
    }

    private static MetricResult metric(JsonNode node) {
        List<Double> items = new ArrayList<>();
        node.path("items").forEach(item -> items.add(item.asDouble()));
        Map<String, String> details = new LinkedHashMap<>();
        node.path("details").properties().forEach(detail -> details.put(detail.getKey(), detail.getValue().asText()));
        return new MetricResult(node.path("name").asText(), node.path("signature").asText(), node.path("value").asDouble(),
                node.path("standardError").isNumber() ? node.path("standardError").asDouble() : null,
                node.path("count").asInt(), node.path("unparsable").asInt(), items, details);
    }
}
