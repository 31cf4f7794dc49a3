package org.finetune4j.train;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import org.finetune4j.checkpoint.PendingTensor;
import org.finetune4j.checkpoint.StoredWeights;
import org.finetune4j.methods.adapt.Adapter;
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
    private final Set<String> sites;
    private final BiFunction<String, String, INDArray> parameter;

    /**
     * Opens the base.
     *
     * @param adapter   what is merged, or null
     * @param sites     module paths that it is attached to
     * @param parameter its parameter at a site by what follows the site and a dot in its name
     */
    MergedWeights(Path base, @Nullable Adapter adapter, Set<String> sites,
                  BiFunction<String, String, INDArray> parameter) {
        this.base = StoredWeights.open(base);
        this.adapter = adapter;
        this.sites = sites;
        this.parameter = parameter;
    }

    /** The type in which the base is stored, or another where that is of bytes. */
    DataType storedAs(DataType otherwise) {
        DataType type = base.dataType();
        return type == null ? otherwise : type;
    }

    /** All weights of the base's files. */
    Set<String> names() {
        return base.names();
    }

    /** The weights of these names. */
    List<PendingTensor> tensors(Collection<String> names) {
        List<PendingTensor> tensors = new ArrayList<>();
        names.forEach(name -> tensors.add(new PendingTensor(name, DataType.FLOAT, base.info(name).shape(), true,
                () -> weight(name))));
        return tensors;
    }

    private INDArray weight(String name) {
        INDArray weight = base.read(name, DataType.FLOAT);
        String site = name.endsWith(WEIGHT) ? name.substring(0, name.length() - WEIGHT.length()) : name;
        if (adapter == null || !sites.contains(site)) {
            return weight;
        }
        try (weight) {
            return adapter.merged(site, weight, suffix -> parameter.apply(site, suffix));
        }
    }

    @Override
    public void close() {
        base.close();
    }
}
