package org.finetune4j.data.read;

import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What files of records are made of. Each may be packed by gzip ({@code .gz}) or Zstandard ({@code .zst}). */
public enum FileKind {
    /** One JSON object a line. */
    JSON_LINES("JSON lines", ".jsonl", ".ndjson"),
    /** A JSON array of objects, or an object with one array of objects. */
    JSON("JSON", ".json"),
    /** Values between commas, with the names of the fields in the first line. */
    CSV("CSV", ".csv"),
    /** Values between tabulators, with the names of the fields in the first line. */
    TSV("TSV", ".tsv"),
    /** Apache Parquet. */
    PARQUET("Parquet", ".parquet");

    private final String title;
    private final List<String> endings;

    FileKind(String title, String... endings) {
        this.title = title;
        this.endings = List.of(endings);
    }

    /** Its name in messages. */
    public String title() {
        return title;
    }

    /** What the names of such files end with, before {@code .gz} or {@code .zst}. */
    public List<String> endings() {
        return endings;
    }

    /** The kind that the name of a file tells, or null where it tells none. */
    static @Nullable FileKind of(String fileName) {
        String name = Packing.of(fileName).unpacked(fileName).toLowerCase(Locale.ROOT);
        for (FileKind kind : values()) {
            if (kind.endings.stream().anyMatch(name::endsWith)) {
                return kind;
            }
        }
        return null;
    }

    /** How the bytes of a file are packed, told by its name. */
    enum Packing {
        NONE(""), GZIP(".gz"), ZSTANDARD(".zst");

        private final String ending;

        Packing(String ending) {
            this.ending = ending;
        }

        static Packing of(String fileName) {
            String name = fileName.toLowerCase(Locale.ROOT);
            return name.endsWith(GZIP.ending) ? GZIP : name.endsWith(ZSTANDARD.ending) ? ZSTANDARD : NONE;
        }

        String unpacked(String fileName) {
            return fileName.substring(0, fileName.length() - ending.length());
        }
    }
}
