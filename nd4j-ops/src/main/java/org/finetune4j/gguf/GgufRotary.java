package org.finetune4j.gguf;

import java.nio.file.Path;
import java.util.Locale;
import org.finetune4j.checkpoint.CheckpointException;
import org.finetune4j.model.family.Rotary;
import org.finetune4j.model.family.RotaryScaling;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** Rotary positions in llama.cpp's terms. */
final class GgufRotary {
    private static final String CONVERT = "Convert the saved folder with llama.cpp's convert_hf_to_gguf.py";
    private static final String ORIGINAL = "rope.scaling.original_context_length";

    private final GgufFamily family;
    private final Path file;
    private final GgufMetadata metadata;

    private GgufRotary(GgufFamily family, Path file, GgufMetadata metadata) {
        this.family = family;
        this.file = file;
        this.metadata = metadata;
    }

    /**
     * Says everything of positions.
     *
     * @param longest longest text in tokens
     * @param file    the {@code config.json} named in messages
     * @throws CheckpointException when llama.cpp turns otherwise
     */
    static void describe(GgufFamily family, Rotary rotary, int longest, Path file, GgufMetadata metadata) {
        new GgufRotary(family, file, metadata).describe(rotary, longest);
    }

    private String key(String name) {
        return family.architecture() + "." + name;
    }

    private void describe(Rotary rotary, int longest) {
        boolean whole = rotary.dimensions() == rotary.headDimension();
        // Rows of a Llama's heads are interleaved as a whole, and the layers of Gemma 3 share one number.
        if (!whole && (family == GgufFamily.LLAMA || family == GgufFamily.GEMMA3)) {
            throw refused("partial_rotary_factor leaves numbers of a head as they are");
        }
        metadata.real(key("rope.freq_base"), rotary.theta()).whole(key("rope.dimension_count"), rotary.dimensions());
        RotaryScaling scaling = rotary.scaling();
        if (family == GgufFamily.PHI3 && !(scaling instanceof RotaryScaling.Yarn)) {
            metadata.whole(key(ORIGINAL), longest);
        }
        if (scaling instanceof RotaryScaling.Linear linear) {
            metadata.text(key("rope.scaling.type"), "linear").real(key("rope.scaling.factor"), linear.factor());
        } else if (scaling instanceof RotaryScaling.Yarn yarn && family != GgufFamily.GEMMA3) {
            requireUsual(yarn);
            metadata.text(key("rope.scaling.type"), "yarn").real(key("rope.scaling.factor"), yarn.factor())
                    .whole(key(ORIGINAL), yarn.original());
        } else if (!(scaling instanceof RotaryScaling.None
                || scaling instanceof RotaryScaling.Llama3 && family == GgufFamily.LLAMA)) {
            throw refused("rope_scaling is of type '" + name(scaling) + "'");
        }
    }

    private CheckpointException refused(String problem) {
        return new CheckpointException(file, problem + ", which this library does not put into a GGUF file of "
                + family.architecture(), CONVERT);
    }

    private static String name(RotaryScaling scaling) {
        return scaling.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    /** llama.cpp takes the paper's numbers; only later versions of it have keys for others. */
    private void requireUsual(RotaryScaling.Yarn yarn) {
        double magnitude = yarn.factor() <= 1 ? 1 : 0.1 * Math.log(yarn.factor()) + 1;
        if (yarn.fast() != 32 || yarn.slow() != 1 || !yarn.whole() || Math.abs(yarn.magnitude() - magnitude) > 1e-5) {
            throw refused("rope_scaling of type 'yarn' has beta_fast " + yarn.fast() + ", beta_slow " + yarn.slow()
                    + ", truncate " + yarn.whole() + " and attention_factor " + yarn.magnitude() + " instead of 32.0, 1.0, "
                    + "true and " + magnitude);
        }
    }

    /** What Llama 3.1's rotary frequencies are divided by, {@code [dimensions / 2]}, or null where they are plain. */
    static @Nullable INDArray frequencyFactors(@Nullable Rotary rotary) {
        if (rotary == null || !(rotary.scaling() instanceof RotaryScaling.Llama3 scaling)) {
            return null;
        }
        double[] plain = new RotaryScaling.None().frequencies(rotary, 1);
        double[] scaled = scaling.frequencies(rotary, 1);
        float[] factors = new float[plain.length];
        for (int i = 0; i < factors.length; i++) {
            factors[i] = (float) (plain[i] / scaled[i]);
        }
        return Nd4j.createFromArray(factors);
    }
}
