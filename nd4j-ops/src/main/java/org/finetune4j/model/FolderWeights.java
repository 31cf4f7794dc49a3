package org.finetune4j.model;

import java.nio.file.Path;
import org.finetune4j.checkpoint.StoredWeights;
import org.nd4j.linalg.api.ndarray.INDArray;

/** The weights of a model folder, read straight to where they stay. */
record FolderWeights(Path folder, ModelConfig config, LoadProgress progress) implements WeightSource {
    @Override
    public Reader open() {
        StoredWeights weights = StoredWeights.open(folder);
        StoredNames names = StoredNames.in(weights, config);
        long total = ModelShapes.parameterCount(config);
        return new Reader() {
            private long done;

            @Override
            public void read(String name, INDArray target) {
                weights.readInto(names.of(name), target);
                done += target.length();
                progress.read(done, total);
            }

            @Override
            public void close() {
                weights.close();
            }
        };
    }
}
