package org.finetune4j.data;

import java.util.List;
import java.util.stream.Stream;

/**
 * Where a row came from.
 *
 * @param source  the file or query, such as {@code train.jsonl}, or the method that made it
 * @param tags    what the recipe calls its source, in the order in which it was tagged, none twice
 * @param origins ids of the rows of which a method made this one, so that its overlap with others is known even where
 *                its words are new; empty for a row that is as it was read
 */
public record Provenance(String source, List<String> tags, List<String> origins) {
    /** Keeps immutable copies. */
    public Provenance {
        tags = List.copyOf(tags);
        origins = List.copyOf(origins);
    }

    /** Of a row that is as it was read. */
    public Provenance(String source, List<String> tags) {
        this(source, tags, List.of());
    }

    /** The source that an id names: all before its last colon. */
    public static Provenance ofId(String id) {
        int end = id.lastIndexOf(':');
        return new Provenance(end > 0 ? id.substring(0, end) : id, List.of());
    }

    /** The same with one more tag. */
    public Provenance tagged(String tag) {
        return new Provenance(source, Stream.concat(tags.stream(), Stream.of(tag)).distinct().toList(), origins);
    }

    /** Of a row that a method made of this one: what that came of, or else its id, is where it began. */
    public Provenance madeOf(String id) {
        return origins.isEmpty() ? new Provenance(source, tags, List.of(id)) : this;
    }
}
