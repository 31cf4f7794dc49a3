package org.finetune4j.checkpoint;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * The scales beside weights of bytes and of 8-bit floats: a weight is what is stored times its scale.
 *
 * <p>For {@code x.weight} they are {@code x.weight_scale} (compressed-tensors, fbgemm), {@code x.weight_scale_inv}
 * (DeepSeek and transformers' fp8, which multiplies in spite of its name), or {@code x.SCB} (bitsandbytes, 127 times the
 * scale). There is one for the whole weight, one for each row, or one for each block. What concerns activations only is
 * left aside.
 */
final class WeightScales {
    private static final String WEIGHT = ".weight";
    private static final List<String> SCALES = List.of(".weight_scale", ".weight_scale_inv", ".SCB");
    private static final double BITSANDBYTES = 127;
    private static final List<String> OF_ACTIVATIONS = List.of(".input_scale", ".output_scale", ".k_scale", ".v_scale",
        ".q_scale", ".weight_format", ".input_scale_ub");
    private static final int USUAL_BLOCK = 128;
    private static final String MEND = "Use a version of the model in BF16, F16 or F32";

    private final SafetensorsFile file;
    private final Map<String, Layout> layouts = new HashMap<>();
    private final Set<String> companions = new HashSet<>();

    /**
     * How scales lie over a weight: element {@code (row, column)} is multiplied by
     * {@code factor * scale[row / rows * across + column / columns]}.
     */
    private record Layout(String scale, long width, long rows, long columns, long across, double factor) {}

    private WeightScales(SafetensorsFile file) {
        this.file = file;
    }

    /** Finds the scales of every weight that needs them. */
    static WeightScales in(SafetensorsFile file, Path folder, @Nullable JsonNode quantization) {
        WeightScales scales = new WeightScales(file);
        for (String name : file.names()) {
            TensorInfo info = file.info(name);
            boolean bytes = info.type() == TensorType.I8;
            if (name.endsWith(WEIGHT) && (bytes || info.type().dataType() == null)) {
                scales.find(info, name.substring(0, name.length() - WEIGHT.length()), bytes, folder, quantization);
            }
        }
        if (!scales.layouts.isEmpty()) {
            file.names().stream().filter(name -> OF_ACTIVATIONS.stream().anyMatch(name::endsWith))
                .forEach(scales.companions::add);
        }
        return scales;
    }

    private void find(TensorInfo weight, String module, boolean bytes, Path folder, @Nullable JsonNode quantization) {
        if (file.contains(module + ".weight_zero_point")) {
            throw new CheckpointException(folder, "'" + module + ".weight' has zero points, which are not read", MEND);
        }
        for (String suffix : SCALES) {
            if (file.contains(module + suffix)) {
                layouts.put(weight.name(), layout(weight, file.info(module + suffix), folder, quantization));
                companions.add(module + suffix);
                return;
            }
        }
        if (bytes || quantization != null) {
            throw new CheckpointException(folder, "'" + weight.name() + "' is stored as " + weight.type()
                + " without a scale; looked for " + SCALES.stream().map(suffix -> module + suffix).toList(), MEND);
        }
    }

    private static Layout layout(TensorInfo weight, TensorInfo scale, Path folder, @Nullable JsonNode quantization) {
        long[] shape = weight.shape();
        long[] by = scale.shape();
        if (shape.length != 2 || scale.type().dataType() == null || !scale.type().isFloatingPoint()
                || scale.elements() > weight.elements()) {
            throw notKnown(weight, scale, folder);
        }
        double factor = scale.name().endsWith(".SCB") ? 1 / BITSANDBYTES : 1;
        if (scale.elements() == 1) {
            return new Layout(scale.name(), shape[1], shape[0], shape[1], 1, factor);
        }
        if (by[0] == shape[0] && scale.elements() == shape[0]) {
            return new Layout(scale.name(), shape[1], 1, shape[1], 1, factor);
        }
        if (by.length == 2) {
            long[] block = {USUAL_BLOCK, USUAL_BLOCK};
            JsonNode told = quantization == null ? null : quantization.path("weight_block_size");
            if (told != null && told.size() == 2 && told.path(0).asLong() > 0 && told.path(1).asLong() > 0) {
                block = new long[] {told.path(0).asLong(), told.path(1).asLong()};
            }
            if (by[0] == (shape[0] + block[0] - 1) / block[0] && by[1] == (shape[1] + block[1] - 1) / block[1]) {
                return new Layout(scale.name(), shape[1], block[0], block[1], by[1], factor);
            }
        }
        throw notKnown(weight, scale, folder);
    }

    private static CheckpointException notKnown(TensorInfo weight, TensorInfo scale, Path folder) {
        return new CheckpointException(folder, "'" + weight.name() + "' " + weight.type()
            + Arrays.toString(weight.shape()) + " has scales '" + scale.name() + "' " + scale.type()
            + Arrays.toString(scale.shape()) + "; read are one for all, one for each row, or one for each block of "
            + "quantization_config.weight_block_size (without it " + USUAL_BLOCK + " by " + USUAL_BLOCK + ")", MEND);
    }

    /** Returns the tensors that belong to others and are no weights themselves. */
    Set<String> companions() {
        return companions;
    }

    /** Returns whether a weight has scales. */
    boolean has(String weight) {
        return layouts.containsKey(weight);
    }

    /** Returns how a weight is scaled, or null where it is not. */
    ElementConversion.@Nullable Scaling of(String weight) {
        Layout layout = layouts.get(weight);
        if (layout == null) {
            return null;
        }
        float[] scales;
        try (INDArray array = file.read(layout.scale, DataType.FLOAT)) {
            scales = array.ravel().mul(layout.factor).toFloatVector();
        }
        return (first, values, count) -> {
            long row = first / layout.width;
            long column = first % layout.width;
            for (int i = 0; i < count; i++) {
                values[i] *= scales[(int) (row / layout.rows * layout.across + column / layout.columns)];
                if (++column == layout.width) {
                    column = 0;
                    row++;
                }
            }
        };
    }
}
