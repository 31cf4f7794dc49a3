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
import org.finetune4j.methods.adapt.Lora;
import org.finetune4j.methods.objective.Asft;
import org.finetune4j.methods.objective.KlDirection;
import org.finetune4j.methods.objective.Objective;
import org.finetune4j.methods.objective.Sft;
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
        ADAPTER_BF16(Precision.BF16, new Lora(4, 8, 0.2, Lora.ALL_LINEAR), new Asft(0.1, KlDirection.FORWARD, 0));

        final Precision precision;
        final @Nullable Lora adapter;
        final Objective objective;

        Kind(Precision precision, @Nullable Lora adapter, Objective objective) {
            this.precision = precision;
            this.adapter = adapter;
            this.objective = objective;
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
                runFolder, Map.of(), "{}");
        try (LanguageModel model = kind.model(kind.precision);
             ModelGradientEngine engine = new ModelGradientEngine(model, kind.objective.tokenLoss())) {
            new Trainer(engine, KERNELS, job, AtomicFiles.onDisk(), listener).run();
            return model.parameters().flat().toFloatVector();
        }
    }
}
