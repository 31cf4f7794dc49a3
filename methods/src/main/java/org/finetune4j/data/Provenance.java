package org.finetune4j.data;

import java.util.List;
import java.util.stream.Stream;

/**
 * Where a row came from.
 *
 * @param source  the file or query, such as {@code train.jsonl}, or the method that made it
 * @param tags    what the recipe calls its source, in the order in which it was tagged, none twice
 * @param origins full names ({@link #named}) of the rows of which a method made this one, so that its overlap with others is
 *                known even where its words are new; empty for a row that is as it was read
 * @param place   the path of the file from the working directory, for names of files are not unique; empty where there is none
 */
public record Provenance(String source, List<String> tags, List<String> origins, String place) {
    /** Keeps immutable copies. */
    public Provenance {
        tags = List.copyOf(tags);
        origins = List.copyOf(origins);
    }

    /** Of a row that lies in no file. */
    public Provenance(String source, List<String> tags, List<String> origins) {
        this(source, tags, origins, "");
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

    /** The same in a file with this path. */
    Provenance placed(String path) {
        return new Provenance(source, tags, origins, path);
    }

    /** The same with one more tag. */
    public Provenance tagged(String tag) {
        return new Provenance(source, Stream.concat(tags.stream(), Stream.of(tag)).distinct().toList(), origins, place);
    }

    /** Of a row that a method made of this one: what that came of, or else its full name, is where it began. */
    public Provenance madeOf(String id) {
        return origins.isEmpty() ? new Provenance(source, tags, List.of(named(id)), place) : this;
    }

    /** The id of a row of this provenance with the path of its file in the place of the file's name. */
    public String named(String id) {
        return place.isEmpty() ? id : id.startsWith(source) ? place + id.substring(source.length()) : place + " " + id;
    }
}
