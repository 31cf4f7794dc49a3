package org.finetune4j.bench;

import java.util.List;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.finetune4j.model.ModelConfig;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Sizes of published models, for benchmarks with random weights.
 *
 * @param name   how it is called on the command line
 * @param config the sizes
 */
public record Shape(String name, ModelConfig config) {
    private static final List<Shape> ALL = List.of(
            shape("tiny", 128, 4, 4, 2, 32, 384, 1024),
            shape("smollm2-135m", 576, 30, 9, 3, 64, 1536, 49152),
            shape("smollm2-360m", 960, 32, 15, 5, 64, 2560, 49152),
            shape("smollm2-1.7b", 2048, 24, 32, 32, 64, 8192, 49152),
            shape("qwen2.5-0.5b", 896, 24, 14, 2, 64, 4864, 151936),
            shape("llama-3.2-1b", 2048, 16, 32, 8, 64, 8192, 128256));

    private static Shape shape(String name, int hidden, int layers, int heads, int keyValueHeads, int headDimension,
                               int inner, int vocabulary) {
        return new Shape(name, ModelConfig.llama(vocabulary, hidden, inner, layers, heads, keyValueHeads, headDimension,
                1e-5, 10000, 8192, true, null, List.of(), DataType.BFLOAT16, 0.02));
    }

    /** The shape of this name. */
    public static Shape named(String name) {
        return ALL.stream().filter(shape -> shape.name().equals(name)).findFirst().orElseThrow(
                () -> new FinetuneException("there is no shape '" + name + "'. Choose one of "
                        + ALL.stream().map(Shape::name).collect(Collectors.joining(", ")) + "."));
    }
}
