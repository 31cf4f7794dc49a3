package org.finetune4j.train;

import java.util.List;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenValues;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LaggedWeights;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.TrainingEngine;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A language model under a token loss. */
public final class ModelGradientEngine implements GradientEngine {
    private final LanguageModel model;
    private final TrainingEngine engine;
    private final @Nullable TrainingEngine heldOut;
    private final TokenLoss.@Nullable Lag lag;

    /** Builds the graph; what trains in the model must have been decided. The model stays open. */
    public ModelGradientEngine(LanguageModel model, TokenLoss loss) {
        this(model, loss, EngineOptions.DEFAULT);
    }

    /** As the other constructor, computing as the options say. */
    public ModelGradientEngine(LanguageModel model, TokenLoss loss, EngineOptions options) {
        this(model, loss, null, null, options);
    }

    /**
     * Builds the graph; what trains in the model must have been decided.
     *
     * @param heldOutLoss what {@link #evaluate} takes, or null for the loss that is trained
     * @param teacher     another model whose logits are the reference's, or null; it stays open
     */
    public ModelGradientEngine(LanguageModel model, TokenLoss loss, @Nullable TokenLoss heldOutLoss,
                               @Nullable LanguageModel teacher, EngineOptions options) {
        this.model = model;
        this.engine = TrainingEngine.taught(model, loss, teacher, options);
        this.heldOut = heldOutLoss == null ? null : TrainingEngine.forwardOnly(model, heldOutLoss, options);
        this.lag = loss.lag();
    }

    @Override
    public List<Slice> slices() {
        return model.parameters().trainable().stream().map(parameter -> new Slice(parameter.name(), parameter.shape(),
                parameter.decays(), parameter.flatOffset())).toList();
    }

    @Override
    public INDArray weights() {
        return model.parameters().flat();
    }

    @Override
    public INDArray gradient() {
        return model.parameters().flatGradient();
    }

    @Override
    public void weightsChanged() {
        model.parameters().mastersChanged();
    }

    @Override
    public String hashOfFrozen() {
        return model.parameters().hashOfFrozen();
    }

    @Override
    public int vocabulary() {
        return model.config().vocabularySize();
    }

    @Override
    public void beginStep(long done) {
        LaggedWeights follower = engine.follower();
        if (follower != null && lag != null && done > 0 && done % lag.every() == 0) {
            follower.follow(lag.mix());
        }
    }

    @Override
    public Map<String, INDArray> state() {
        LaggedWeights follower = engine.follower();
        return follower == null ? Map.of() : Map.of("reference", follower.masters());
    }

    @Override
    public void stateRestored() {
        LaggedWeights follower = engine.follower();
        if (follower != null) {
            follower.changed();
        }
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
        return (heldOut == null ? engine : heldOut).evaluate(batch);
    }

    @Override
    public void close() {
        if (heldOut != null) {
            heldOut.close();
        }
        engine.close();
    }
}
