package org.finetune4j.train;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.PendingTensor;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.data.Example;
import org.finetune4j.methods.objective.Reduction;
import org.finetune4j.methods.objective.Sft;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.PackedBatch;
import org.finetune4j.model.TrainingEngine;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Reads a model that was just written and compares it with the one in memory. */
final class SavedModelCheck {
    private static final int PROBES = 4;
    /** Largest mean difference of log-probabilities, where nothing is rounded to 16 bits and where something is. */
    private static final double EXACT = 1e-3;
    private static final double ROUNDED = 5e-2;

    private final Path written;
    private final Path folder;
    private final StoredTypes stored;

    /**
     * A check.
     *
     * @param written where the model lies now
     * @param folder  where it is to lie, for messages
     * @param stored  the types of its weights on the disk
     */
    SavedModelCheck(Path written, Path folder, StoredTypes stored) {
        this.written = written;
        this.folder = folder;
        this.stored = stored;
    }

    /** Refuses weights that differ by more than their rounding. */
    void requireSameWeights(List<PendingTensor> weights) {
        try (SafetensorsFile file = SafetensorsFile.open(written)) {
            weights.forEach(weight -> weight.use(expected -> {
                String name = weight.name();
                DataType type = stored.of(name);
                double rounding = type == DataType.BFLOAT16 ? 0x1p-8 : type == DataType.HALF ? 0x1p-10 : 0;
                // Numbers below 2^-14 have fewer bits in HALF.
                double smallest = type == DataType.HALF ? 0x1p-24 : 0;
                INDArray wanted = expected.castTo(DataType.FLOAT);
                INDArray difference = Transforms.abs(file.read(name, DataType.FLOAT).subi(wanted), false);
                INDArray allowed = Transforms.abs(wanted, true).muli(rounding).addi(smallest);
                // Written so that NaN is refused.
                if (!(difference.subi(allowed).maxNumber().doubleValue() <= 0)) {
                    throw new FinetuneException(folder + " was not saved: tensor '" + name + "' reads back with other "
                            + "values than it was written with. Check the disk.");
                }
            }));
        }
    }

    /** Refuses a model that gives other probabilities than the tuned one for some of the samples. */
    void requireSameProbabilities(LanguageModel tuned, List<Example> samples) {
        PackedBatch batch = StepBatches.of(List.of(samples.subList(0, Math.min(PROBES, samples.size()))),
                Reduction.TOKENS).get(0);
        float[] expected = losses(tuned, batch);
        float[] actual;
        try (LanguageModel read = LanguageModel.load(written, tuned.precision(), tuned.kernels())) {
            actual = losses(read, batch);
        }
        double difference = 0;
        for (int i = 0; i < expected.length; i++) {
            difference += Math.abs(expected[i] - actual[i]) / expected.length;
        }
        boolean exact = stored.exact() && tuned.precision().type() == DataType.FLOAT;
        if (!(difference <= (exact ? EXACT : ROUNDED))) {
            throw new FinetuneException(folder + " was not saved: the log-probabilities of the saved model differ by "
                    + difference + " on average from the tuned model's. Weights stored as " + stored.usual()
                    + " may be too coarse for what was trained: save the adapter alone with saveAdapter, or train longer "
                    + "or at a higher rate.");
        }
    }

    private static float[] losses(LanguageModel model, PackedBatch batch) {
        try (TrainingEngine engine = new TrainingEngine(model, new Sft())) {
            return Objects.requireNonNull(engine.evaluate(batch).values().get("loss"));
        }
    }
}
