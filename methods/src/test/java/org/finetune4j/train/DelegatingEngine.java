package org.finetune4j.train;

import java.util.List;
import org.finetune4j.head.TokenValues;
import org.finetune4j.model.PackedBatch;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The bigram engine as it is, for variants to override. */
class DelegatingEngine implements GradientEngine {
    final BigramEngine sound;

    DelegatingEngine(BigramEngine sound) {
        this.sound = sound;
    }

    @Override
    public List<Slice> slices() {
        return sound.slices();
    }

    @Override
    public INDArray weights() {
        return sound.weights();
    }

    @Override
    public INDArray gradient() {
        return sound.gradient();
    }

    @Override
    public void weightsChanged() {
        sound.weightsChanged();
    }

    @Override
    public String hashOfFrozen() {
        return sound.hashOfFrozen();
    }

    @Override
    public int vocabulary() {
        return sound.vocabulary();
    }

    @Override
    public void zeroGradients() {
        sound.zeroGradients();
    }

    @Override
    public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
        return sound.accumulateGradient(batch, dropoutSeed);
    }

    @Override
    public TokenValues evaluate(PackedBatch batch) {
        return sound.evaluate(batch);
    }
}
