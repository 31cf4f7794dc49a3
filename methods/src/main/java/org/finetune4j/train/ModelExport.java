package org.finetune4j.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.ModelConfig;
import org.finetune4j.checkpoint.SafetensorsFile;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.methods.adapt.Adapter;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.LanguageModel;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * Writes a tuned model in the Hugging Face layout, an adapter merged into the weights, and reads it again: the weights
 * must be those in memory as the stored type rounds them, and the read model must give the tuned one's probabilities.
 */
final class ModelExport {
    private static final String TEMPLATE = "chat_template.jinja";
    private static final String GENERATION = "generation_config.json";

    private final TunedModel tuned;
    private final FineTuning job;
    private final LanguageModel model;

    ModelExport(TunedModel tuned) {
        this.tuned = tuned;
        this.job = tuned.job();
        this.model = tuned.model();
    }

    void write(Path folder, AtomicFiles files) {
        DataType stored = storedType();
        Map<String, INDArray> weights = weights();
        ExportFolder.write(tuned, folder, files, unfinished -> {
            unfinished.write(SafetensorsFile.FILE_NAME, channel -> SafetensorsWriter.create().storedAs(stored)
                    .checkingFinite().writeTo(channel, folder.resolve(SafetensorsFile.FILE_NAME), weights,
                            Map.of("format", "pt")));
            copy(unfinished, job.base().folder().resolve(ModelConfig.FILE_NAME));
            for (Path file : tuned.tokenizer().files()) {
                if (job.chatTemplate() == null || !file.endsWith(TEMPLATE)) {
                    copy(unfinished, file);
                }
            }
            if (job.chatTemplate() != null) {
                unfinished.writeText(TEMPLATE, job.chatTemplate());
            }
            unfinished.writeText(GENERATION, generationConfig());
            SavedModelCheck check = new SavedModelCheck(unfinished.path(), folder, stored);
            check.requireSameWeights(weights);
            // A base of bytes was rounded; what is saved begins from the weights on the disk.
            if (job.train().frozenWeights() == FrozenWeights.AS_ACTIVATIONS) {
                check.requireSameProbabilities(model, tuned.data().examples());
            }
        });
    }

    /** The type of the base's weights on the disk. */
    private DataType storedType() {
        if (job.base() instanceof BaseModel.Fresh) {
            return model.config().torchDtype();
        }
        try (SafetensorsFile base = SafetensorsFile.open(job.base().folder())) {
            DataType type = base.info(base.names().iterator().next()).type().dataType();
            return type != null && type.isFPType() ? type : DataType.FLOAT;
        }
    }

    private Map<String, INDArray> weights() {
        if (!model.hasAdapter()) {
            return model.baseTensors();
        }
        Adapter trained = Objects.requireNonNull(job.adapter());
        Map<String, INDArray> adapter = model.adapterTensors();
        Map<String, INDArray> merged = new LinkedHashMap<>();
        Base base = job.base() instanceof BaseModel.Fresh ? inMemory() : onDisk();
        try (base) {
            for (String name : model.baseNames()) {
                String site = name.substring(0, name.length() - ".weight".length());
                INDArray weight = base.weight(name);
                merged.put(name, model.adaptedSites().contains(site)
                        ? trained.merged(site, weight, suffix -> adapter.get(site + "." + suffix)) : weight);
            }
        }
        return merged;
    }

    /** Where the base's weights are taken from when they are merged. */
    private interface Base extends AutoCloseable {
        INDArray weight(String name);

        @Override
        default void close() {
        }
    }

    private Base inMemory() {
        Map<String, INDArray> tensors = model.baseTensors();
        return name -> tensors.get(name).castTo(DataType.FLOAT);
    }

    /** The graph may compute in fewer bits than the base is stored in, so that the disk has the better numbers. */
    private Base onDisk() {
        SafetensorsFile file = SafetensorsFile.open(job.base().folder());
        return new Base() {
            @Override
            public INDArray weight(String name) {
                return file.read(name, DataType.FLOAT);
            }

            @Override
            public void close() {
                file.close();
            }
        };
    }

    private static void copy(AtomicFiles.UnfinishedFolder target, Path file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
        target.write(file.getFileName().toString(), channel -> {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        });
    }

    /** The base's, with the tokens that end a turn in this template, so that other tools stop where this one does. */
    private String generationConfig() {
        Path base = job.base().folder().resolve(GENERATION);
        ObjectNode root = Files.isRegularFile(base) ? StrictJson.readObject(base, 1 << 20)
                : StrictJson.mapper().createObjectNode();
        Integer begin = model.config().bosTokenId();
        if (begin != null && !root.has("bos_token_id")) {
            root.put("bos_token_id", begin);
        }
        Set<Integer> ends = new TreeSet<>(model.config().eosTokenIds());
        root.path("eos_token_id").forEach(id -> ends.add(id.asInt()));
        if (root.path("eos_token_id").isInt()) {
            ends.add(root.path("eos_token_id").asInt());
        }
        if (job.chatTemplate() != null || tuned.tokenizer().hasChatTemplate()) {
            ends.addAll(tuned.encoding().stopIds());
        }
        if (!ends.isEmpty()) {
            ArrayNode list = root.putArray("eos_token_id");
            ends.forEach(list::add);
        }
        return root.toPrettyString() + "\n";
    }
}
