package org.finetune4j.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.finetune4j.data.Example;
import org.finetune4j.head.TokenLoss;
import org.finetune4j.head.TokenValues;
import org.finetune4j.head.TokenView;
import org.finetune4j.methods.evaluate.Examinee.Likelihood;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.TrainingEngine;
import org.nd4j.autodiff.samediff.SDVariable;

/** Log-probabilities of marked tokens by a model as it is, in passes without gradient and dropout. */
final class TextScores implements AutoCloseable {
    private static final String LOGIT = "logit";

    private final TrainingEngine engine;
    private final int exit;
    private final int tokensPerBatch;
    private final String stage;
    private final TrainingListener listener;

    /** The log-probability of the label by the states behind a block, and its logit beside it. */
    private record LabelScore(int exit) implements TokenLoss {
        @Override
        public boolean needsReference() {
            return false;
        }

        @Override
        public List<Integer> exits(int layers) {
            return exit == layers ? List.of() : List.of(exit, layers);
        }

        @Override
        public Expression build(TokenView view) {
            SDVariable logit = view.logProbability().add(view.logSumExp());
            return new Expression(view.logProbability().neg(), Map.of(LOGIT, logit));
        }
    }

    /**
     * Scores by a model, its adapter on when one is attached.
     *
     * @param exit           the block behind which the head stands, from 1; the model's last for the whole model
     * @param tokensPerBatch tokens of one pass, unless a single text has more
     */
    TextScores(LanguageModel model, int exit, int tokensPerBatch, String stage, TrainingListener listener) {
        engine = new TrainingEngine(model, new LabelScore(exit), true);
        this.exit = exit == model.config().layers() ? 0 : exit;
        this.tokensPerBatch = tokensPerBatch;
        this.stage = stage;
        this.listener = listener;
    }

    /** How likely the marked tokens of each text are, in order; each text has at least one that counts. */
    List<Likelihood> of(List<Example> examples) {
        listener.stageBegan(stage);
        Likelihood[] found = new Likelihood[examples.size()];
        // Texts of like length go together, so that passes have few sizes.
        List<Integer> order = IntStream.range(0, found.length).boxed()
                .sorted(Comparator.comparingInt(i -> examples.get(i).inputTokens())).toList();
        int done = 0;
        while (done < found.length) {
            List<Integer> batch = new ArrayList<>();
            long tokens = 0;
            while (done < found.length && (batch.isEmpty()
                    || tokens + examples.get(order.get(done)).inputTokens() <= tokensPerBatch)) {
                tokens += examples.get(order.get(done)).inputTokens();
                batch.add(order.get(done++));
            }
            score(examples, batch, found);
            listener.stageProgressed(stage, done, found.length);
        }
        return Arrays.asList(found);
    }

    private void score(List<Example> examples, List<Integer> batch, Likelihood[] found) {
        TokenValues values = engine.evaluate(StepBatches.of(List.of(batch.stream().map(examples::get).toList()),
                Reduction.TOKENS).get(0));
        String prefix = exit == 0 ? "" : "exit" + exit + ".";
        float[] losses = values.values().get(prefix + "loss");
        float[] logits = values.values().get(prefix + LOGIT);
        int from = 0;
        for (int place : batch) {
            int tokens = examples.get(place).supervisedTokens();
            double sum = 0;
            double logit = 0;
            for (int i = from; i < from + tokens; i++) {
                sum -= losses[i];
                logit += logits[i];
            }
            found[place] = new Likelihood(sum, tokens, logit / tokens);
            from += tokens;
        }
    }

    @Override
    public void close() {
        engine.close();
    }
}
