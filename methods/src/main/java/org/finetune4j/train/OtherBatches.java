package org.finetune4j.train;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import org.finetune4j.data.DataPosition;
import org.finetune4j.data.Example;
import org.finetune4j.data.Packer;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.model.PackedBatch;

/** Batches of the training data in an order of their own, for passes beside the training. */
final class OtherBatches implements IntFunction<PackedBatch> {
    private final Packer packer;
    private final List<DataPosition> positions = new ArrayList<>(List.of(DataPosition.START));

    OtherBatches(List<Example> examples, TrainSettings settings) {
        packer = new Packer(examples, settings.tokensPerBatch(), 1,
                CounterRandom.seed(settings.seed(), "other batches", 0));
    }

    @Override
    public PackedBatch apply(int number) {
        while (positions.size() <= number) {
            positions.add(packer.step(positions.get(positions.size() - 1)).next());
        }
        return StepBatches.of(packer.step(positions.get(number)).batches(), Reduction.TOKENS).get(0);
    }
}
