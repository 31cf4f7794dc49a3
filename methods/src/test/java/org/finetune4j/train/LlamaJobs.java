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
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.CurioSft;
import org.finetune4j.methods.objective.Intuitive;
import org.finetune4j.methods.objective.KlDirection;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.OneTokenRollout;
import org.finetune4j.methods.objective.PassContext;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.methods.objective.Thresholded;
import org.finetune4j.model.EngineOptions;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.Precision;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/** Small jobs for the real engine. */
final class LlamaJobs {
    static final Kernels KERNELS = new OneDnnKernels();

    private static final ModelConfig CONFIG = ModelConfig.llama(40, 32, 48, 2, 4, 2, 8, 1e-5, 10000, 64, true, null,
            List.of(), DataType.FLOAT, 0.1);

    private LlamaJobs() {
    }

    /** What is trained, and how it is computed. */
    enum Kind {
        /** Every weight, in f32. */
        FULL(Precision.F32, null, new Sft()),
        /** Every weight with a frozen copy as the reference, in bf16. */
        FULL_ANCHORED_BF16(Precision.BF16, null, new Asft(0.1, KlDirection.FORWARD, 0)),
        /** An adapter with dropout, whose reference is the base, in bf16. */
        ADAPTER_BF16(Precision.BF16, new Lora(4, 8, 0.2, Lora.ALL_LINEAR), new Asft(0.1, KlDirection.FORWARD, 0)),
        /** Every weight with a copy that follows them as the teacher. */
        FULL_LAGGED(Precision.F32, null, curious()),
        /** An adapter whose teacher is a copy of the adapter. */
        ADAPTER_LAGGED_BF16(Precision.BF16, new Lora(4, 8, 0.2, Lora.ALL_LINEAR), curious()),
        /** Tokens that are drawn. */
        DRAWN(Precision.F32, null, new OneTokenRollout(16, 1.3, -0.1)),
        /** A divisor that counts what is left. */
        THRESHOLDED(Precision.F32, null, new Thresholded(Thresholded.Base.NLL, Thresholded.Keep.BELOW, 0.03)),
        /** A loss of sequences over blended embeddings. */
        BLENDED(Precision.F32, null, new Intuitive(0.2, 0.95));

        final Precision precision;
        final @Nullable Lora adapter;
        final Objective objective;

        Kind(Precision precision, @Nullable Lora adapter, Objective objective) {
            this.precision = precision;
            this.adapter = adapter;
            this.objective = objective;
        }

        private static CurioSft curious() {
            return CurioSft.METHOD.create(new Settings(Map.of("teacherMix", 0.5, "teacherEvery", 2)));
        }

        LanguageModel model(Precision type) {
            LanguageModel model = LanguageModel.random(CONFIG, type, KERNELS, 3);
            if (adapter == null) {
                model.trainAll();
            } else {
                model.attach(adapter, 4);
            }
            return model;
        }
    }

    static EncodedSamples samples(int count, long seed) {
        Random random = new Random(seed);
        return new EncodedSamples(IntStream.range(0, count).mapToObj(s -> {
            int length = 4 + random.nextInt(12);
            int[] ids = random.ints(length, 0, CONFIG.vocabularySize()).toArray();
            boolean[] supervised = new boolean[length];
            Arrays.fill(supervised, 2, length - random.nextInt(2), true);
            return new Example("s" + s, ids, supervised);
        }).toList(), 0, 0);
    }

    /** Trains to the end and returns the final weights. */
    static float[] train(Kind kind, @Nullable Path runFolder, TrainingListener listener) {
        return train(kind, 3, runFolder, listener);
    }

    static float[] train(Kind kind, int epochs, @Nullable Path runFolder, TrainingListener listener) {
        TrainSettings settings = TrainSettings.builder().epochs(epochs).tokensPerBatch(40).accumulate(2).learningRate(5e-3)
                .precision(kind.precision).checkpointEvery(2).build();
        TrainingJob job = new TrainingJob(settings, 5e-3, kind.objective.reduction(), samples(24, 1), samples(4, 2),
                runFolder, Map.of(), "{}", StepRule.of(kind.objective.tokenLoss(), null, null));
        try (LanguageModel model = kind.model(kind.precision);
             ModelGradientEngine engine = new ModelGradientEngine(model, kind.objective.tokenLoss())) {
            GradientEngine passes = kind.objective.engine(engine,
                    new PassContext(model, EngineOptions.DEFAULT, new OtherBatches(samples(24, 1).examples(), settings), 2,
                            settings.learningRate(false), 0, settings.seed()));
            new Trainer(passes, KERNELS, job, AtomicFiles.onDisk(), listener).run();
            if (passes != engine) {
                passes.close();
            }
            return model.parameters().flat().toFloatVector();
        }
    }
}
