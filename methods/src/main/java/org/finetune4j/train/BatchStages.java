package org.finetune4j.train;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.finetune4j.data.Example;
import org.finetune4j.methods.select.BatchContext;
import org.finetune4j.methods.select.BatchMethod;
import org.jspecify.annotations.Nullable;

/** Several stages, each of which gets what the one before it left. */
final class BatchStages implements BatchStage {
    private final List<BatchStage> stages;
    private final KeptBySource sources;
    private Map<String, Double> kept = Map.of();

    private BatchStages(List<BatchStage> stages, KeptBySource sources) {
        this.stages = stages;
        this.sources = sources;
    }

    /** The stages of methods in order, or null where there are none. */
    static @Nullable BatchStage of(List<BatchMethod> methods, BatchContext context) {
        if (methods.isEmpty()) {
            return null;
        }
        List<BatchStage> stages = new ArrayList<>();
        try {
            methods.forEach(method -> stages.add(method.stage(context)));
        } catch (RuntimeException | Error e) {
            stages.forEach(BatchStage::close);
            throw e;
        }
        return new BatchStages(stages, KeptBySource.of(context.examples()));
    }

    @Override
    public List<List<Example>> prepare(List<List<Example>> batches, long step) {
        List<List<Example>> left = batches;
        for (BatchStage stage : stages) {
            left = stage.prepare(left, step);
        }
        kept = sources.counts(left);
        return left;
    }

    @Override
    public List<RunState> states() {
        return stages.stream().flatMap(stage -> stage.states().stream()).toList();
    }

    @Override
    public Map<String, Double> values() {
        Map<String, Double> values = new LinkedHashMap<>();
        stages.forEach(stage -> values.putAll(stage.values()));
        values.putAll(kept);
        return values;
    }

    @Override
    public void close() {
        FineTuningRun.closeAll(List.copyOf(stages));
    }
}
