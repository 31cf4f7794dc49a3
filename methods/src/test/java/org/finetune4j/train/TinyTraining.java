package org.finetune4j.train;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Example;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.onednn.OneDnnKernels;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.PassContext;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.methods.select.BatchContext;
import org.finetune4j.methods.select.BatchMethod;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.Precision;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/** A tiny transformer and samples for it, for methods that look into it while it trains. */
public final class TinyTraining {
    /** The kernels of the tests. */
    public static final Kernels KERNELS = new OneDnnKernels();
    /** Two blocks, 40 tokens. */
    public static final ModelConfig CONFIG = config(2);

    private TinyTraining() {
    }

    /** A model of so many blocks. */
    public static ModelConfig config(int blocks) {
        return ModelConfig.llama(40, 32, 48, blocks, 4, 2, 8, 1e-5, 10000, 64, true, null, List.of(), DataType.FLOAT,
                0.3);
    }

    /** A model that trains every weight. */
    public static LanguageModel model(Precision precision, Kernels kernels) {
        return model(CONFIG, precision, kernels);
    }

    /** A model of this configuration that trains every weight. */
    public static LanguageModel model(ModelConfig config, Precision precision, Kernels kernels) {
        LanguageModel model = LanguageModel.random(config, precision, kernels, 3);
        model.trainAll();
        return model;
    }

    /** Random samples of 6 to 15 tokens, the first three of which are the prompt. */
    public static List<Example> examples(int count, long seed) {
        Random random = new Random(seed);
        return IntStream.range(0, count).mapToObj(s -> {
            int[] ids = random.ints(6 + random.nextInt(10), 0, CONFIG.vocabularySize()).toArray();
            boolean[] supervised = new boolean[ids.length];
            Arrays.fill(supervised, 3, ids.length, true);
            return new Example("s" + s, ids, supervised);
        }).toList();
    }

    /** A context of batch methods. */
    public static BatchContext context(LanguageModel model, List<Example> examples, TrainSettings settings) {
        return new BatchContext(model, EngineOptions.DEFAULT, examples, settings, TrainingListener.NONE);
    }

    /** A context of passes; the other batches are those of these samples. */
    public static PassContext passes(LanguageModel model, List<Example> others) {
        return new PassContext(model, EngineOptions.DEFAULT, new OtherBatches(others, settings()), 2, 5e-3, 4, 5);
    }

    /** One packed batch. */
    public static PackedBatch batch(List<Example> examples) {
        return StepBatches.of(List.of(examples), Reduction.TOKENS).get(0);
    }

    /** Two passes over 24 samples in steps of two micro-batches. */
    public static TrainSettings settings() {
        return TrainSettings.builder().epochs(2).tokensPerBatch(80).accumulate(2).learningRate(5e-3).checkpointEvery(2)
                .seed(5).build();
    }

    /** Trains to the end and returns the final weights. */
    public static float[] train(Objective objective, List<BatchMethod> methods, List<Example> examples,
                                @Nullable Path runFolder, TrainingListener listener) {
        TrainSettings settings = settings();
        try (LanguageModel model = model(Precision.F32, KERNELS);
             BatchStage stage = BatchStages.of(methods, context(model, examples, settings));
             ModelGradientEngine engine = new ModelGradientEngine(model, objective.tokenLoss());
             GradientEngine passes = objective.engine(engine, passes(model, examples))) {
            TrainingJob job = new TrainingJob(settings, 5e-3, objective.reduction(), new EncodedSamples(examples, 0, 0),
                    null, runFolder, Map.of(), "{}", StepRule.of(objective.tokenLoss(), objective.epochStage(), stage));
            new Trainer(passes, KERNELS, job, AtomicFiles.onDisk(), listener).run();
            return model.parameters().flat().toFloatVector();
        }
    }

    /** Trains until a step and then stops as a killed process does. */
    public static void stopAfter(long step, Objective objective, List<BatchMethod> methods, List<Example> examples,
                                 Path runFolder) {
        try {
            train(objective, methods, examples, runFolder, new TrainingListener() {
                @Override
                public void stepMade(StepEvent event) {
                    if (event.step() == step) {
                        throw new Stop();
                    }
                }
            });
        } catch (Stop expected) {
            return;
        }
        throw new AssertionError("the run ended before step " + step);
    }

    private static final class Stop extends Error {
        private static final long serialVersionUID = 1L;
    }
}
