package org.finetune4j.train;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.AtomicFiles;
import org.finetune4j.checkpoint.DiskSpace;
import org.finetune4j.checkpoint.ModelShards;
import org.finetune4j.checkpoint.PendingTensor;
import org.finetune4j.checkpoint.SafetensorsWriter;
import org.finetune4j.gguf.GgufExport;
import org.finetune4j.gguf.GgufType;
import org.finetune4j.methods.adapt.SavedAdapter;
import org.finetune4j.model.LanguageModel;
import org.finetune4j.model.LinearAdapter;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.ModelShapes;
import org.finetune4j.model.ParameterSpec;
import org.finetune4j.tokenizer.Tokenizer;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A model folder, with or without an adapter that was saved apart, to be written in another layout. Nothing is trained. */
public final class SavedModel implements AutoCloseable {
    private static final String GENERATION = "generation_config.json";
    private static final String SETTINGS = "tokenizer_config.json";

    private final Path folder;
    private final ModelConfig config;
    private final MergedWeights weights;
    private final StoredTypes stored;

    private SavedModel(Path folder, ModelConfig config, MergedWeights weights, StoredTypes stored) {
        this.folder = folder;
        this.config = config;
        this.weights = weights;
        this.stored = stored;
    }

    /**
     * Opens a model; its weights are read when they are written.
     *
     * @param folder  a model folder in the Hugging Face layout
     * @param adapter a folder in PEFT's layout whose adapter is merged into the weights, or null
     * @throws FinetuneException when a file is missing or damaged, or model and adapter do not fit
     */
    public static SavedModel open(Path folder, @Nullable Path adapter) {
        ModelConfig config = ModelConfig.read(folder);
        LanguageModel.requireWeights(folder, config);
        Map<String, long[]> layers = ModelShapes.linearLayers(config);
        Map<String, INDArray> parameters = new TreeMap<>();
        Set<String> sites = new TreeSet<>();
        SavedAdapter saved = adapter == null ? null : new SavedAdapter(adapter.toString());
        if (saved != null) {
            saved.requireFits(layers);
            LinearAdapter attached = saved.linearAdapter();
            layers.forEach((site, shape) -> attached.parameters(site, shape[1], shape[0]).forEach(spec -> {
                sites.add(site);
                parameters.put(spec.name(), values(spec));
            }));
        }
        MergedWeights weights = new MergedWeights(folder, config, saved, sites,
                (site, suffix) -> parameters.get(site + "." + suffix));
        return new SavedModel(folder, config, weights, weights.storedAs(ModelShapes.names(config), config.torchDtype()));
    }

    private static INDArray values(ParameterSpec spec) {
        ParameterSpec.Initializer values = spec.initializer().over(() -> {
            throw new IllegalStateException("a saved adapter needs no weight to begin with");
        });
        INDArray array = Nd4j.createUninitialized(DataType.FLOAT, spec.shape());
        float[] read = new float[Math.toIntExact(array.length())];
        for (int i = 0; i < read.length; i++) {
            read[i] = (float) values.value(0, i);
        }
        array.data().setData(read);
        return array;
    }

    private List<PendingTensor> tensors() {
        return weights.tensors(ModelShapes.names(config));
    }

    /**
     * Writes one GGUF file for llama.cpp, with tokenizer, chat template and the tokens that end a turn.
     *
     * @param type how matrices are stored
     * @throws FinetuneException when llama.cpp has no such model or tokenizer, or it cannot be written
     */
    public void saveGguf(Path file, GgufType type) {
        new GgufExport(folder, tensors(), null, List.of(), String.valueOf(folder.toAbsolutePath().normalize()
                .getFileName())).write(file, type, AtomicFiles.onDisk());
    }

    /**
     * Writes a model folder in the Hugging Face layout, with the adapter merged into the weights in FLOAT and rounded once;
     * the weights are read again and compared.
     *
     * @throws FinetuneException when the folder holds something already, or it cannot be written
     */
    public void save(Path target) {
        save(target, null);
    }

    /**
     * As {@link #save(Path)}, with tokens besides the model's own, such as one that stands for what is masked. They are special
     * tokens of the tokenizer; each begins with the mean of the others in the embedding and in a head of its own, and trains
     * where these do.
     *
     * @param names what the tokens are called, in the order of their ids; none of them one of the tokenizer's
     * @throws FinetuneException when a token cannot be added, the folder holds something already, or it cannot be written
     */
    public void saveWithTokens(Path target, List<String> names) {
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            save(target, new MoreTokens(config, tokenizer, names));
        }
    }

    private void save(Path target, @Nullable MoreTokens more) {
        // What a killed process was replacing stands there too, and would be cleared away if this were the new folder.
        AtomicFiles.onDisk().recover(target);
        if (Files.exists(target)) {
            throw new FinetuneException(target + " is there already. Choose a new folder.");
        }
        ModelShards shards = new ModelShards(SafetensorsWriter.create().storedAs(stored::of).checkingFinite(),
                ModelShards.USUAL_LIMIT);
        List<PendingTensor> all = more == null ? tensors() : tensors().stream().map(more::grown).toList();
        DiskSpace.require(target, shards.bytes(all, target));
        AtomicFiles.onDisk().writeFolder(target, unfinished -> {
            shards.write(unfinished, target, all);
            String text = SavedConfig.of(folder, stored.usual());
            unfinished.writeText(ModelConfig.FILE_NAME, more == null ? text
                    : more.config(text, folder.resolve(ModelConfig.FILE_NAME)));
            for (Path file : companions()) {
                String name = file.getFileName().toString();
                if (more != null && name.equals(Tokenizer.FILE_NAME)) {
                    unfinished.writeText(name, more.tokenizer(file));
                } else if (more != null && name.equals(SETTINGS)) {
                    unfinished.writeText(name, more.settings(file));
                } else {
                    Files.copy(file, unfinished.path().resolve(name));
                }
            }
            new SavedModelCheck(unfinished.path(), target, stored).requireSameWeights(all);
        });
    }

    /** Files of a model folder that are not weights and belong to it. */
    private List<Path> companions() {
        List<Path> files = new ArrayList<>();
        try (Tokenizer tokenizer = Tokenizer.load(folder)) {
            files.addAll(tokenizer.files());
        }
        if (Files.isRegularFile(folder.resolve(GENERATION))) {
            files.add(folder.resolve(GENERATION));
        }
        return files;
    }

    @Override
    public void close() {
        weights.close();
    }
}
