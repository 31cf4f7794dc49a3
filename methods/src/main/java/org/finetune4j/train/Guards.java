package org.finetune4j.train;

import java.util.zip.CRC32C;
import org.bytedeco.javacpp.BytePointer;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Notices runs that do not train what they should: nothing changes, or what is frozen does. */
final class Guards {
    private static final int WINDOW = 1 << 26;
    private static final double SURPRISE = 2;

    private final GradientEngine engine;
    private final String frozen;
    private long weights;

    Guards(GradientEngine engine) {
        this.engine = engine;
        this.frozen = engine.hashOfFrozen();
    }

    /** Remembers the weights that the next step is to change. */
    void rememberWeights() {
        weights = checksum(engine.weights());
    }

    /** The hash of what does not train, as it was at the start. */
    String frozenHash() {
        return frozen;
    }

    /**
     * Stops a run whose first step changed nothing.
     *
     * @throws FinetuneException when the weights are those remembered although the learning rate is positive
     */
    void requireChanged(long step, double learningRate, double gradientNorm) {
        if (learningRate > 0 && checksum(engine.weights()) == weights) {
            throw new FinetuneException("step " + step + " left all " + engine.weights().length()
                    + " trainable numbers as they were, although the learning rate is " + learningRate
                    + ". The gradient's norm is " + gradientNorm + (gradientNorm == 0
                    ? ": nothing that trains has an effect on the loss. Check which parameters train and the objective."
                    : ": the learning rate is too small for 32-bit numbers. Raise train.learningRate."));
        }
    }

    /**
     * Stops a run that changed what it must not.
     *
     * @throws FinetuneException when the frozen parameters are not those of the start
     */
    void requireFrozen(long step) {
        if (!engine.hashOfFrozen().equals(frozen)) {
            throw new FinetuneException("after step " + step + " parameters that are frozen had changed. This is an error "
                    + "of the library or of a custom objective that writes into arrays; please report it with the recipe.");
        }
    }

    /** What to warn of when the first loss is worse than guessing, or null. */
    @Nullable String firstLossWarning(double negativeLogLikelihood) {
        double uniform = Math.log(engine.vocabulary());
        return negativeLogLikelihood > uniform + SURPRISE ? String.format(java.util.Locale.ROOT,
                "The first loss is %.2f, more than %.0f above %.2f, which guessing among the %d tokens would give. The "
                        + "chat template or the tokenizer probably does not fit the model: compare them with the ones "
                        + "it was trained with.", negativeLogLikelihood, SURPRISE, uniform, engine.vocabulary()) : null;
    }

    private static long checksum(INDArray array) {
        CRC32C checksum = new CRC32C();
        BytePointer bytes = new BytePointer(array.data().addressPointer());
        long length = array.length() * array.dataType().width();
        for (long done = 0; done < length; done += WINDOW) {
            checksum.update(bytes.position(done).limit(Math.min(length, done + WINDOW)).asByteBuffer());
        }
        return checksum.getValue();
    }
}
