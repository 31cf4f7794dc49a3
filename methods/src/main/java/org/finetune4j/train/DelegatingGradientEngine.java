package org.finetune4j.train;

import java.util.List;
import java.util.Map;
import org.finetune4j.head.TokenValues;
import org.finetune4j.model.PackedBatch;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Another engine with something done differently by a subclass, which does not close the other. */
public abstract class DelegatingGradientEngine implements GradientEngine {
    private final GradientEngine engine;

    /** An engine that does as {@code engine} does. */
    protected DelegatingGradientEngine(GradientEngine engine) {
        this.engine = engine;
    }

    @Override
    public List<Slice> slices() {
        return engine.slices();
    }

    @Override
    public INDArray weights() {
        return engine.weights();
    }

    @Override
    public INDArray gradient() {
        return engine.gradient();
    }

    @Override
    public void weightsChanged() {
        engine.weightsChanged();
    }

    @Override
    public String hashOfFrozen() {
        return engine.hashOfFrozen();
    }

    @Override
    public int vocabulary() {
        return engine.vocabulary();
    }

    @Override
    public void beginStep(long done) {
        engine.beginStep(done);
    }

    @Override
    public Map<String, INDArray> state() {
        return engine.state();
    }

    @Override
    public void stateRestored() {
        engine.stateRestored();
    }

    @Override
    public void zeroGradients() {
        engine.zeroGradients();
    }

    @Override
    public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
        return engine.accumulateGradient(batch, dropoutSeed);
    }

    @Override
    public TokenValues evaluate(PackedBatch batch) {
        return engine.evaluate(batch);
    }
}
