package org.finetune4j.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.List;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.methods.evaluate.MetricResult;

/** What a run measured, in its folder: {@code evaluation.json} in short, {@code evaluation-items.jsonl} item by item. */
final class EvaluationFiles {
    private static final String SUMMARY = "evaluation.json";
    private static final String ITEMS = "evaluation-items.jsonl";

    private EvaluationFiles() {
    }

    /**
     * Writes both files.
     *
     * @param base hash of the weights that were measured before the training
     */
    static void write(Path runFolder, String base, List<FineTuned.Comparison> comparisons) {
        ObjectNode summary = StrictJson.mapper().createObjectNode();
        summary.put("base", base);
        StringBuilder items = new StringBuilder();
        for (FineTuned.Comparison comparison : comparisons) {
            ObjectNode node = summary.withArray("metrics").addObject().put("name", comparison.name());
            Baseline.put(node.putObject("before"), comparison.before());
            Baseline.put(node.putObject("after"), comparison.after());
            lines(comparison, items);
        }
        AtomicFiles.onDisk().writeText(runFolder.resolve(ITEMS), items.toString());
        AtomicFiles.onDisk().writeText(runFolder.resolve(SUMMARY), summary.toPrettyString());
    }

    private static void lines(FineTuned.Comparison comparison, StringBuilder text) {
        MetricResult before = comparison.before();
        MetricResult after = comparison.after();
        for (int i = 0; i < Math.max(before.items().size(), after.items().size()); i++) {
            ObjectNode line = StrictJson.mapper().createObjectNode().put("metric", comparison.name()).put("item", i);
            // Of some metrics items without an answer are left out, so that there may be fewer on one side.
            if (i < before.items().size()) {
                line.put("before", before.items().get(i));
            }
            if (i < after.items().size()) {
                line.put("after", after.items().get(i));
            }
            text.append(line).append('\n');
        }
    }
}
