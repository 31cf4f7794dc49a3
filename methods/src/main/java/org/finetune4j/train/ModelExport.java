package org.finetune4j.train;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.DiskSpace;
import org.finetune4j.checkpoint.ModelShards;
import org.finetune4j.checkpoint.PendingTensor;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.checkpoint.StoredWeights;
import org.finetune4j.checkpoint.StrictJson;
import org.finetune4j.gguf.GgufExport;
import org.finetune4j.gguf.GgufType;
import org.finetune4j.methods.adapt.Adapter;
import org.finetune4j.model.FrozenWeights;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.ModelShapes;
import org.finetune4j.model.StoredNames;
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
        write(folder, files, ModelShards.USUAL_LIMIT);
    }

    /** @param limit bytes from which on the weights are split over several files */
    void write(Path folder, AtomicFiles files, long limit) {
        withWeights((weights, stored) -> {
            ModelShards shards = new ModelShards(SafetensorsWriter.create().storedAs(stored::of).checkingFinite(), limit);
            DiskSpace.require(folder, shards.bytes(weights, folder));
            ExportFolder.write(tuned, ModelCard.Kind.MODEL, folder, files, unfinished -> {
                shards.write(unfinished, folder, weights);
                unfinished.writeText(ModelConfig.FILE_NAME, SavedConfig.of(job.base().folder(), stored.usual()));
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
        });
    }

    /** Writes the model as a GGUF file. */
    void writeGguf(Path file, GgufType type, AtomicFiles files) {
        boolean turns = job.chatTemplate() != null || tuned.tokenizer().hasChatTemplate();
        withWeights((weights, stored) -> new GgufExport(job.base().folder(), weights, job.chatTemplate(),
                turns ? tuned.encoding().stopIds() : Set.of(), String.valueOf(job.base().folder().getFileName()))
                .write(file, type, files));
    }

    /** Takes the weights that are to be saved, and the types that the base's are stored in. */
    private interface Use {
        void take(List<PendingTensor> weights, StoredTypes stored);
    }

    private void withWeights(Use use) {
        if (job.base() instanceof BaseModel.Fresh || !model.hasAdapter()) {
            Map<String, INDArray> base = model.baseTensors();
            List<PendingTensor> weights = base.entrySet().stream().map(entry -> inMemory(entry.getKey(), entry.getValue()))
                    .toList();
            use.take(weights, job.base() instanceof BaseModel.Fresh ? StoredTypes.all(model.config().torchDtype())
                    : storedTypes());
            return;
        }
        Map<String, INDArray> parameters = model.adapterTensors();
        try (MergedWeights merged = new MergedWeights(job.base().folder(), model.config(), job.adapter(),
                model.adaptedSites(), (site, suffix) -> parameters.get(site + "." + suffix))) {
            use.take(merged.tensors(model.baseNames()), merged.storedAs(model.baseNames(), model.config().torchDtype()));
        }
    }

    private PendingTensor inMemory(String name, INDArray weight) {
        String site = name.replaceFirst("\\.weight$", "");
        if (!model.hasAdapter() || !name.endsWith(".weight") || !model.adaptedSites().contains(site)) {
            return PendingTensor.of(name, weight);
        }
        Map<String, INDArray> parameters = model.adapterTensors();
        Adapter adapter = Objects.requireNonNull(job.adapter());
        boolean turned = ModelShapes.turnedWeights(model.config()).contains(name);
        return new PendingTensor(name, DataType.FLOAT, weight.shape(), true, () -> MergedWeights.merged(adapter, site, turned,
                weight.castTo(DataType.FLOAT), suffix -> parameters.get(site + "." + suffix)));
    }

    /** The types of the base's weights on the disk. */
    private StoredTypes storedTypes() {
        try (StoredWeights base = StoredWeights.open(job.base().folder())) {
            return StoredTypes.in(base, StoredNames.in(base, model.config()), model.baseNames(), model.config().torchDtype());
        }
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
