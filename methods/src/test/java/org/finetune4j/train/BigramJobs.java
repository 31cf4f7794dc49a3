package org.finetune4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.data.EncodedSamples;
import org.finetune4j.data.Example;
import org.finetune4j.kernel.Kernels;
import org.finetune4j.kernel.nd4j.Nd4jKernels;
import org.finetune4j.methods.objective.Reduction;
import org.jspecify.annotations.Nullable;

/** Small jobs for {@link BigramEngine}. */
final class BigramJobs {
    static final Kernels KERNELS = new Nd4jKernels();

    private BigramJobs() {
    }

    /** Sequences that count upwards with mistakes; the first tokens are a prompt. */
    static EncodedSamples samples(int count, long seed) {
        Random random = new Random(seed);
        List<Example> examples = IntStream.range(0, count).mapToObj(s -> {
            int length = 3 + random.nextInt(12);
            int[] ids = new int[length];
            boolean[] supervised = new boolean[length];
            ids[0] = random.nextInt(BigramEngine.VOCABULARY);
            for (int i = 1; i < length; i++) {
                ids[i] = random.nextInt(5) == 0 ? random.nextInt(BigramEngine.VOCABULARY)
                        : (ids[i - 1] + 1) % BigramEngine.VOCABULARY;
                supervised[i] = i > 1;
            }
            return new Example("s" + s, ids, supervised);
        }).toList();
        return new EncodedSamples(examples, 0, 0);
    }

    static TrainSettings.Builder settings() {
        return TrainSettings.builder().epochs(3).tokensPerBatch(40).accumulate(2).learningRate(0.05).checkpointEvery(2)
                .seed(7);
    }

    static TrainingJob job(TrainSettings settings, @Nullable Path runFolder) {
        return new TrainingJob(settings, settings.learningRate(false), Reduction.TOKENS, samples(40, 1), samples(8, 2),
                runFolder, Map.of("objective", "sft"), "{}");
    }

    /** Trains to the end and returns the final weights. */
    static float[] train(TrainingJob job, TrainingListener listener) {
        return train(new BigramEngine(), job, AtomicFiles.onDisk(), listener);
    }

    static float[] train(BigramEngine engine, TrainingJob job, AtomicFiles files, TrainingListener listener) {
        new Trainer(engine, KERNELS, job, files, listener).run();
        return engine.weights().toFloatVector();
    }
}
