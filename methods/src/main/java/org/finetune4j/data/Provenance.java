package org.finetune4j.data;

import java.util.List;
import java.util.stream.Stream;

/**
 * Where a row came from.
 *
 * @param source the file or query, such as {@code train.jsonl}
 * @param tags   what the recipe calls its source, in the order in which it was tagged, none twice
 */
public record Provenance(String source, List<String> tags) {
    /** Keeps an immutable copy. */
    public Provenance {
        tags = List.copyOf(tags);
    }

    /** The source that an id names: all before its last colon. */
    public static Provenance ofId(String id) {
        int end = id.lastIndexOf(':');
        return new Provenance(end > 0 ? id.substring(0, end) : id, List.of());
    }

    /** The same with one more tag. */
    public Provenance tagged(String tag) {
        return new Provenance(source, Stream.concat(tags.stream(), Stream.of(tag)).distinct().toList());
    }
}
