package org.finetune4j.model;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.ModelConfig;
import org.finetune4j.checkpoint.StoredWeights;
import org.finetune4j.checkpoint.TensorInfo;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The weights of a model folder, read straight to where they stay. */
final class FolderWeights implements WeightSource {
    private static final String ADVICE = ". Check that config.json and the weights belong together.";

    private final Path folder;
    private final ModelConfig config;
    private final LoadProgress progress;

    FolderWeights(Path folder, ModelConfig config, LoadProgress progress) {
        this.folder = folder;
        this.config = config;
        this.progress = progress;
    }

    @Override
    public Reader open() {
        StoredWeights weights = StoredWeights.open(folder);
        long total = LlamaLayout.weights(config).stream().mapToLong(weight -> elements(weight.shape())).sum();
        return new Reader() {
            private long done;

            @Override
            public void read(String name, INDArray target) {
                weights.readInto(stored(name, weights), target);
                done += target.length();
                progress.read(done, total);
            }

            @Override
            public void close() {
                weights.close();
            }
        };
    }

    private static long elements(long[] shape) {
        return Arrays.stream(shape).reduce(1, Math::multiplyExact);
    }

    /** A file of a tied model may hold the one weight under either name. */
    private String stored(String name, StoredWeights weights) {
        return config.tieWordEmbeddings() && name.equals(LlamaLayout.EMBEDDING) && !weights.contains(name)
                && weights.contains(LlamaLayout.HEAD) ? LlamaLayout.HEAD : name;
    }

    /** Refuses weights that are not those of a model of this configuration; reads no weight but those of a tied head. */
    void require() {
        try (StoredWeights weights = StoredWeights.open(folder)) {
            Set<String> left = new TreeSet<>(weights.names());
            for (LlamaLayout.Weight weight : LlamaLayout.weights(config)) {
                String name = stored(weight.name(), weights);
                if (!left.remove(name)) {
                    throw new FinetuneException(folder + ": tensor '" + weight.name() + "' of shape "
                            + Arrays.toString(weight.shape()) + " is missing from the weights" + ADVICE);
                }
                TensorInfo info = weights.info(name);
                if (!Arrays.equals(info.shape(), weight.shape())) {
                    throw new FinetuneException(folder + ": tensor '" + name + "' has shape "
                            + Arrays.toString(info.shape()) + ", but config.json asks for "
                            + Arrays.toString(weight.shape()) + ADVICE);
                }
            }
            boolean copied = config.tieWordEmbeddings() && left.remove(LlamaLayout.HEAD);
            left.removeIf(name -> name.endsWith(".rotary_emb.inv_freq"));
            if (!left.isEmpty()) {
                throw new FinetuneException(folder + ": the weights hold tensors that a model of this config.json does "
                        + "not have: " + left.stream().limit(5).toList() + (left.size() > 5 ? " and "
                        + (left.size() - 5) + " more" : "") + ADVICE);
            }
            if (copied && !weights.same(LlamaLayout.EMBEDDING, LlamaLayout.HEAD)) {
                throw new FinetuneException(folder + ": config.json says that the head uses the embedding's weights "
                        + "(tie_word_embeddings is true), but the weights hold both and they differ, so that one would be "
                        + "lost. Set tie_word_embeddings to false to use both, or remove " + LlamaLayout.HEAD + ".");
            }
        }
    }
}
