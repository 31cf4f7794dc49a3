package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.finetune4j.checkpoint.PendingTensor;
import org.finetune4j.checkpoint.StoredWeights;
import org.finetune4j.methods.adapt.Adapter;
import org.finetune4j.model.ModelConfig;
import org.finetune4j.model.ModelShapes;
import org.finetune4j.model.StoredNames;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;

/**
 * A base model's weights from the disk in FLOAT with an adapter merged into them, each made when it is asked for. The disk
 * is where they are taken from because a graph may compute in fewer bits than the base is stored in.
 */
final class MergedWeights implements AutoCloseable {
    private static final String WEIGHT = ".weight";

    private final StoredWeights base;
    private final @Nullable Adapter adapter;
    private final StoredNames stored;
    private final Set<String> turned;
    private final Set<String> sites;
    private final BiFunction<String, String, INDArray> parameter;

    /**
     * Opens the base.
     *
     * @param config    the base's configuration
     * @param adapter   what is merged, or null
     * @param sites     module paths that it is attached to
     * @param parameter its parameter at a site by what follows the site and a dot in its name
     */
    MergedWeights(Path base, ModelConfig config, @Nullable Adapter adapter, Set<String> sites,
                  BiFunction<String, String, INDArray> parameter) {
        this.base = StoredWeights.open(base);
        this.stored = StoredNames.in(this.base, config);
        this.turned = ModelShapes.turnedWeights(config);
        this.adapter = adapter;
        this.sites = sites;
        this.parameter = parameter;
    }

    /** The types in which the base's weights of these names are stored, another type for those of bytes. */
    StoredTypes storedAs(Collection<String> names, DataType otherwise) {
        return StoredTypes.in(base, stored, names, otherwise);
    }

    /** The weights of these names. */
    List<PendingTensor> tensors(Collection<String> names) {
        List<PendingTensor> tensors = new ArrayList<>();
        names.forEach(name -> tensors.add(new PendingTensor(name, DataType.FLOAT, base.info(stored.of(name)).shape(), true,
                () -> weight(name))));
        return tensors;
    }

    private INDArray weight(String name) {
        INDArray weight = base.read(stored.of(name), DataType.FLOAT);
        String site = name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) : name;
        if (adapter == null || !sites.contains(site)) {
            return weight;
        }
        try (weight) {
            return merged(adapter, site, turned.contains(name), weight, suffix -> parameter.apply(site, suffix));
        }
    }

    /** A weight with an adapter merged into it, in the layout of the weight, which may be {@code [inputs, outputs]}. */
    static INDArray merged(Adapter adapter, String site, boolean turned, INDArray weight,
                           Function<String, INDArray> parameter) {
        return turned ? adapter.merged(site, weight.transpose().dup('c'), parameter).transpose().dup('c')
                : adapter.merged(site, weight, parameter);
    }

    @Override
    public void close() {
        base.close();
    }
}
