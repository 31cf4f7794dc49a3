package org.finetune4j.train;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.model.ModelConfig;
import org.nd4j.linalg.api.buffer.DataType;

/** The config.json of a saved model: the base's own, but for how its weights were stored. */
final class SavedConfig {
    private static final long MAXIMUM_BYTES = 10_000_000;

    private SavedConfig() {
    }

    /**
     * The text.
     *
     * @param base   the base's folder
     * @param stored the type of the saved weights
     */
    static String of(Path base, DataType stored) {
        Path file = base.resolve(ModelConfig.FILE_NAME);
        ObjectNode config = StrictJson.readObject(file, MAXIMUM_BYTES);
        if (config.remove("quantization_config") == null) {
            try {
                return Files.readString(file);
            } catch (IOException e) {
                throw new FinetuneException(file + " cannot be read: " + e + ". Check its permissions.", e);
            }
        }
        String type = stored == DataType.HALF ? "float16" : stored == DataType.DOUBLE ? "float64"
                : stored == DataType.FLOAT ? "float32" : stored.name().toLowerCase(Locale.ROOT);
        config.put(config.has("dtype") ? "dtype" : "torch_dtype", type);
        return config.toPrettyString() + "\n";
    }
}
