package org.finetune4j.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.train.TrainingListener.EvaluationEvent;
import org.finetune4j.train.TrainingListener.StepEvent;
import org.jspecify.annotations.Nullable;

/** {@code metrics.jsonl} of a run folder: one line a step and one an evaluation. */
final class MetricsLog {
    static final String FILE_NAME = "metrics.jsonl";

    private final @Nullable Path file;
    private final StringBuilder lines;

    /** Continues a log with the lines of a checkpoint; lines of steps after it are dropped from the file. */
    MetricsLog(@Nullable Path runFolder, String lines) {
        this.file = runFolder == null ? null : runFolder.resolve(FILE_NAME);
        this.lines = new StringBuilder(lines);
        if (file != null) {
            AtomicFiles.onDisk().writeText(file, lines);
        }
    }

    /** All lines so far. */
    String lines() {
        return lines.toString();
    }

    void step(StepEvent event) {
        ObjectNode line = StrictJson.mapper().createObjectNode();
        line.put("step", event.step()).put("loss", event.loss());
        values(line, event.values());
        line.put("gradientNorm", event.gradientNorm()).put("learningRate", event.learningRate())
                .put("tokens", event.tokens()).put("supervisedTokens", event.supervisedTokens())
                .put("tokensPerSecond", event.tokensPerSecond());
        append(line);
    }

    void evaluation(EvaluationEvent event) {
        ObjectNode line = StrictJson.mapper().createObjectNode();
        line.put("step", event.step()).put("heldOutLoss", event.loss());
        values(line, event.values());
        line.put("supervisedTokens", event.supervisedTokens());
        append(line);
    }

    /** What the lines tell of the run. */
    Trainer.Outcome outcome() {
        StepEvent last = null;
        List<EvaluationEvent> evaluations = new ArrayList<>();
        for (String text : lines.toString().lines().toList()) {
            ObjectNode line = StrictJson.parseObject(text, Path.of(FILE_NAME));
            Map<String, Double> values = new LinkedHashMap<>();
            line.path("values").properties().forEach(entry -> values.put(entry.getKey(), entry.getValue().asDouble()));
            long step = line.path("step").asLong();
            long supervised = line.path("supervisedTokens").asLong();
            if (line.has("heldOutLoss")) {
                evaluations.add(new EvaluationEvent(step, line.path("heldOutLoss").asDouble(), values, supervised));
            } else {
                last = new StepEvent(step, step, line.path("loss").asDouble(), values,
                        line.path("gradientNorm").asDouble(), line.path("learningRate").asDouble(),
                        line.path("tokens").asLong(), supervised, line.path("tokensPerSecond").asDouble(), 0);
            }
        }
        if (last == null) {
            throw new IllegalStateException("a run without a step");
        }
        return new Trainer.Outcome(last, evaluations);
    }

    private static void values(ObjectNode line, Map<String, Double> values) {
        if (!values.isEmpty()) {
            ObjectNode node = line.putObject("values");
            values.forEach(node::put);
        }
    }

    private void append(ObjectNode line) {
        String text = line + "\n";
        lines.append(text);
        if (file != null) {
            try {
                Files.writeString(file, text, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
            } catch (IOException e) {
                throw new FinetuneException(file + " cannot be written: " + e + ". Make room or choose another run "
                        + "folder; the checkpoints there are whole.", e);
            }
        }
    }
}
