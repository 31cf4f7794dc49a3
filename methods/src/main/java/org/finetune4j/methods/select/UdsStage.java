package org.finetune4j.methods.select;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.finetune4j.data.Example;
import org.finetune4j.kernel.CounterRandom;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.select.Uds.Score;
import org.finetune4j.model.HiddenStates;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.TrainingEngine;
import org.finetune4j.train.BatchStage;
import org.finetune4j.train.RunState;
import org.finetune4j.train.StepBatches;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Chooses the samples of every micro-batch as {@link Uds} says, and remembers the sketches of those that are learned.
 */
final class UdsStage implements BatchStage {
    private final Uds method;
    private final long seed;
    private final int vocabulary;
    private final RecentSketches recent;
    private final @Nullable HiddenStates states;
    private final @Nullable TrainingEngine losses;
    private final @Nullable TrainingEngine gradients;
    private final LanguageModel model;
    private final INDArray ofVocabulary;
    private final INDArray ofPositions;
    private Map<String, Double> values = Map.of();

    UdsStage(Uds method, BatchContext context) {
        this.method = method;
        seed = CounterRandom.seed(context.train().seed(), "uds", 0);
        model = context.model();
        vocabulary = model.config().vocabularySize();
        recent = new RecentSketches(method.buffer(), method.positionDims() * method.vocabularyDims());
        boolean sketches = method.score() == Score.UTILITY_DIVERSITY;
        states = sketches ? HiddenStates.forwardOnly(context.model(), List.of(context.model().config().layers()),
                context.options()) : null;
        losses = method.score() == Score.MAX_LOSS ? TokenStatistics.pass(model, context.options()) : null;
        gradients = method.score() == Score.MAX_GRADIENT
                ? new TrainingEngine(model, new Sft().tokenLoss(), true, context.options()) : null;
        ofVocabulary = sketches ? FourierProjection.matrix(method.vocabularyDims(), vocabulary, method.scaling(),
                CounterRandom.seed(seed, "vocabulary", 0)) : Nd4j.empty();
        ofPositions = sketches ? FourierProjection.matrix(method.positionDims(),
                context.longest(), method.scaling(),
                CounterRandom.seed(seed, "positions", 0)) : Nd4j.empty();
    }

    @Override
    public List<List<Example>> prepare(List<List<Example>> batches, long step) {
        if (step <= method.warmup()) {
            values = Map.of("uds.kept", 1.0);
            return batches;
        }
        List<List<Example>> left = IntStream.range(0, batches.size())
                .mapToObj(i -> choose(batches.get(i), CounterRandom.seed(CounterRandom.seed(seed, "step", step),
                        "micro-batch", i))).toList();
        double samples = batches.stream().mapToInt(List::size).sum();
        values = Map.of("uds.kept", left.stream().mapToInt(List::size).sum() / samples, "uds.buffer",
                (double) recent.size());
        return left;
    }

    private List<Example> choose(List<Example> batch, long own) {
        if (batch.isEmpty()) {
            return batch;
        }
        BatchStage.requireSingle(batch, "uds");
        HiddenStates scoring = states;
        if (scoring == null) {
            double[] scores = switch (method.score()) {
                case MAX_LOSS -> TokenStatistics.of(batch, Objects.requireNonNull(losses)).stream()
                        .mapToDouble(one -> Math.log(one.perplexity())).toArray();
                case MAX_GRADIENT -> gradientNorms(batch, Objects.requireNonNull(gradients));
                default -> IntStream.range(0, batch.size()).mapToDouble(i -> CounterRandom.uniform(own, i)).toArray();
            };
            return best(scores, method.kept(batch.size())).stream().map(batch::get).toList();
        }
        List<LogitSketch> sketches = LogitSketch.of(batch, scoring, vocabulary, ofVocabulary, ofPositions);
        List<Integer> kept = best(scores(sketches, method.alpha(), recent), method.kept(batch.size()));
        kept.forEach(i -> recent.push(sketches.get(i).sketch()));
        return kept.stream().map(batch::get).toList();
    }

    /** The norm of the gradient of every sample's own mean loss; the gradients are zero again afterwards. */
    private double[] gradientNorms(List<Example> batch, TrainingEngine engine) {
        double[] norms = new double[batch.size()];
        for (int i = 0; i < norms.length; i++) {
            engine.zeroGradients();
            engine.accumulateGradient(StepBatches.of(List.of(List.of(batch.get(i))), Reduction.TOKENS).get(0), -1);
            norms[i] = model.parameters().flatGradient().norm2Number().doubleValue();
        }
        engine.zeroGradients();
        return norms;
    }

    /** {@code ||L||_* + alpha mean_j ||z - z_j||} of each sample, by what is remembered from before. */
    static double[] scores(List<LogitSketch> sketches, double alpha, RecentSketches recent) {
        return sketches.stream().mapToDouble(sketch -> sketch.nuclearNorm()
                + (alpha == 0 ? 0 : alpha * recent.meanDistance(sketch.sketch()))).toArray();
    }

    /** The places of the highest scores, ascending; of equal ones the lower. */
    static List<Integer> best(double[] scores, int count) {
        List<Integer> ranked = new ArrayList<>(IntStream.range(0, scores.length).boxed()
                .sorted(Comparator.comparingDouble(i -> -scores[i])).toList().subList(0, count));
        ranked.sort(null);
        return ranked;
    }

    @Override
    public List<RunState> states() {
        return states == null ? List.of() : List.of(recent);
    }

    @Override
    public Map<String, Double> values() {
        return values;
    }

    @Override
    public void close() {
        if (states != null) {
            states.close();
        }
        if (losses != null) {
            losses.close();
        }
        if (gradients != null) {
            gradients.close();
        }
    }
}
