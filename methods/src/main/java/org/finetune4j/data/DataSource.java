package org.finetune4j.data;

import java.nio.file.Path;
import java.util.List;

/** Where samples come from; they are read when a plan or a run asks for them, not before. */
public interface DataSource {
    /**
     * The samples, in a fixed order.
     *
     * @throws org.finetune4j.FinetuneException when they cannot be read
     */
    List<Sample> samples();

    /** What it is, for plans and messages, such as the path of a file. */
    String description();

    /** A file with one JSON object a line. */
    static DataSource jsonLines(Path file, FieldMapping mapping) {
        return new JsonLinesSource(file, mapping);
    }

    /** Samples that are in memory already. */
    static DataSource of(String description, List<Sample> samples) {
        return new SampleList(description, samples);
    }

    /** Samples of a file. */
    record JsonLinesSource(Path file, FieldMapping mapping) implements DataSource {
        @Override
        public List<Sample> samples() {
            return JsonLines.read(file, mapping);
        }

        @Override
        public String description() {
            return file.toString();
        }
    }

    /** Samples in memory. */
    record SampleList(String description, List<Sample> samples) implements DataSource {
        /** Keeps an immutable copy. */
        public SampleList {
            samples = List.copyOf(samples);
        }
    }
}
