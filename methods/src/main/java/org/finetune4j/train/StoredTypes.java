package org.finetune4j.train;

import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Stream;
import org.finetune4j.checkpoint.StoredWeights;
import org.finetune4j.model.StoredNames;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * The types in which the weights of a model are stored: each its own, so that saving neither rounds a wider one nor
 * doubles a narrower one.
 *
 * @param usual the type of weights that have none of their own
 * @param own   types by the weights' names
 */
record StoredTypes(DataType usual, Map<String, DataType> own) {
    StoredTypes {
        own = Map.copyOf(own);
    }

    /** One type for all weights. */
    static StoredTypes all(DataType type) {
        return new StoredTypes(type, Map.of());
    }

    /**
     * The types in a base's files.
     *
     * @param stored the names there
     * @param names  the weights' names in the model
     * @param usual  the type of weights that are stored as bytes
     */
    static StoredTypes in(StoredWeights base, StoredNames stored, Collection<String> names, DataType usual) {
        Map<String, DataType> own = new LinkedHashMap<>();
        for (String name : names) {
            DataType type = base.dataType(stored.of(name));
            own.put(name, type == null ? usual : type);
        }
        return new StoredTypes(usual, own);
    }

    /** The type of a weight. */
    DataType of(String name) {
        return own.getOrDefault(name, usual);
    }

    /** Whether no weight is rounded to 16 bits. */
    boolean exact() {
        return (own.isEmpty() ? Stream.of(usual) : own.values().stream())
                .noneMatch(type -> type == DataType.HALF || type == DataType.BFLOAT16);
    }
}
