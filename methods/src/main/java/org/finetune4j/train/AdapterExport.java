package org.finetune4j.train;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.methods.adapt.Adapter;
import org.finetune4j.methods.adapt.PeftNames;
import org.finetune4j.model.LanguageModel;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Writes a trained adapter alone, in the layout of Hugging Face's PEFT, and reads it again. */
final class AdapterExport {
    private static final String WEIGHTS = "adapter_model.safetensors";
    private static final String CONFIG = "adapter_config.json";

    private final TunedModel tuned;

    AdapterExport(TunedModel tuned) {
        this.tuned = tuned;
    }

    void write(Path folder, AtomicFiles files) {
        Adapter adapter = tuned.job().adapter();
        if (adapter == null) {
            throw new FinetuneException("every weight was trained, so there is no adapter to save. Save the model with "
                    + "save.");
        }
        ExportFolder.write(tuned, ModelCard.Kind.ADAPTER, folder, files, unfinished ->
                write(unfinished, folder, tuned.model(), adapter, tuned.job().base().folder().toString()));
    }

    /**
     * Writes configuration and weights, and reads the weights again.
     *
     * @param folder    where the unfinished folder is to lie, for messages
     * @param baseModel path or name of the base model
     */
    static void write(AtomicFiles.UnfinishedFolder unfinished, Path folder, LanguageModel model, Adapter adapter,
                      String baseModel) throws IOException {
        Map<String, INDArray> weights = new LinkedHashMap<>();
        model.adapterTensors().forEach((name, array) -> weights.put(PeftNames.inFile(name), array));
        JsonNode config = StrictJson.mapper().valueToTree(adapter.peftConfig(baseModel, model.adaptedSites()));
        unfinished.write(WEIGHTS, channel -> SafetensorsWriter.create().storedAs(DataType.FLOAT).checkingFinite()
                .writeTo(channel, folder.resolve(WEIGHTS), weights, Map.of("format", "pt")));
        unfinished.writeText(CONFIG, config.toPrettyString() + "\n");
        try (SafetensorsFile file = SafetensorsFile.open(unfinished.path().resolve(WEIGHTS))) {
            weights.forEach((name, expected) -> {
                if (!Arrays.equals(file.read(name, DataType.FLOAT).ravel().toFloatVector(),
                        expected.ravel().toFloatVector())) {
                    throw new FinetuneException(folder + " was not saved: tensor '" + name + "' reads back with other "
                            + "values than it was written with. Check the disk.");
                }
            });
        }
    }
}
