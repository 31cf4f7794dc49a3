package org.finetune4j.methods.select;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.data.Example;
import org.finetune4j.data.Packer;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.train.BatchStage;
import org.finetune4j.train.TrainSettings;

/** Masks the copies of every micro-batch anew, as {@link Demask} says; what it draws depends on seed and step alone. */
final class DemaskStage implements BatchStage {
    private final Demask method;
    private final long seed;
    private final long totalSteps;
    private double ratios;

    DemaskStage(Demask method, BatchContext context) {
        this.method = method;
        TrainSettings train = context.train();
        seed = CounterRandom.seed(train.seed(), "demask", 0);
        totalSteps = train.maxSteps() > 0 ? train.maxSteps() : new Packer(context.examples(), train.tokensPerBatch(),
                train.accumulate(), train.seed()).steps(train.epochs());
    }

    @Override
    public List<List<Example>> prepare(List<List<Example>> batches, long step) {
        ratios = 0;
        List<List<Example>> masked = IntStream.range(0, batches.size()).mapToObj(i -> {
            long own = CounterRandom.seed(CounterRandom.seed(seed, "step", step), "micro-batch", i);
            return batches.get(i).stream().map(example -> masked(example, own, step)).toList();
        }).toList();
        ratios /= batches.stream().mapToInt(List::size).sum();
        return masked;
    }

    private Example masked(Example example, long batch, long step) {
        long sample = CounterRandom.seed(method.refresh() ? batch : seed, example.id(), 0);
        boolean perSample = method.draw() == Demask.Draw.PER_SAMPLE || !method.refresh();
        double place = method.mode() == Demask.Mode.SCHEDULE ? (step - 1.0) / Math.max(1, totalSteps - 1)
                : CounterRandom.uniform(CounterRandom.seed(perSample ? sample : batch, "ratio", 0), 0);
        double ratio = method.lo() + (method.hi() - method.lo()) * place;
        ratios += ratio;
        return masked(example, ratio, CounterRandom.seed(sample, "tokens", 0));
    }

    /** The sample with each token of its copy masked with this probability, and without the column that says which. */
    static Example masked(Example example, double ratio, long seed) {
        float[] maskable = example.columns().get(DemaskLayout.COLUMN);
        Map<String, float[]> columns = new LinkedHashMap<>(example.columns());
        columns.remove(DemaskLayout.COLUMN);
        int[] ids = example.ids().clone();
        for (int i = 0; i < ids.length; i++) {
            if (maskable[i] != DemaskLayout.FIXED && CounterRandom.uniform(seed, i) < ratio) {
                ids[i] = (int) maskable[i];
            }
        }
        return new Example(example.id(), ids, example.supervised(), columns, example.companions());
    }

    @Override
    public Map<String, Double> values() {
        return Map.of("demask.ratio", ratios);
    }
}
