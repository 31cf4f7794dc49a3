package org.finetune4j.methods.objective;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenValues;
import org.finetune4j.head.TokenView;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.DelegatingGradientEngine;
import org.finetune4j.train.ModelGradientEngine;
import org.nd4j.autodiff.samediff.SDVariable;

/** Gives every batch the policy's own tokens at the places of the responses, found by a pass without gradient. */
final class DraftingEngine extends DelegatingGradientEngine {
    private static final String DRAFT = "draft";

    private final TrainingEngine policy;
    private final Intuitive settings;
    private final long warmupSteps;
    private final long seed;
    private double share;

    DraftingEngine(ModelGradientEngine engine, PassContext context, Intuitive settings) {
        super(engine);
        this.settings = settings;
        warmupSteps = context.warmupSteps();
        seed = CounterRandom.seed(context.seed(), "lambda", 0);
        share = settings.share(0, warmupSteps, seed);
        policy = TrainingEngine.forwardOnly(context.model(), new OwnTokens(settings.draft()), context.options());
    }

    @Override
    public void beginStep(long done) {
        share = settings.share(done, warmupSteps, seed);
        super.beginStep(done);
    }

    /** Finds the policy's own tokens. */
    record OwnTokens(Intuitive.Draft draft) implements TokenLoss {
        @Override
        public boolean drawsTokens() {
            return draft.draws();
        }

        @Override
        public Expression build(TokenView view) {
            SDVariable scores = drawsTokens() ? view.drawnTokens(view.logits(), 1, 1, draft.among()) : view.logits();
            return new Expression(view.logProbability().neg(), Map.of(DRAFT, view.largest(scores)));
        }
    }

    @Override
    public TokenValues accumulateGradient(PackedBatch batch, long dropoutSeed) {
        float[] own = policy.evaluate(batch).values().get(DRAFT);
        TokenValues values = super.accumulateGradient(batch.with(batch.extras().withDrafts(drafts(batch, own), share)),
                dropoutSeed);
        Map<String, float[]> all = new LinkedHashMap<>(values.values());
        float[] same = new float[batch.supervised()];
        Arrays.fill(same, (float) share);
        all.put("lambda", same);
        return new TokenValues(values.loss(), all, values.samples());
    }

    /** A supervised row's token stands one place behind it, unless that is the last of its sequence, which nobody reads. */
    static int[] drafts(PackedBatch batch, float[] own) {
        int[] drafts = batch.ids().clone();
        int[] sequences = batch.sequencesOfRows();
        for (int r = 0; r < own.length; r++) {
            int place = batch.supervisedRows()[r] + 1;
            if (place < batch.offsets()[sequences[r] + 1]) {
                drafts[place] = (int) own[r];
            }
        }
        return drafts;
    }

    /** Bytes that this holds beside the engine that learns, as they are now. */
    long bytes() {
        return policy.arenaBytes();
    }

    @Override
    public void close() {
        policy.close();
    }
}
