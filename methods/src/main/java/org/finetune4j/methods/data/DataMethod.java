package org.finetune4j.methods.data;

import java.util.List;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.RowStream;
import org.finetune4j.methods.Fragment;

/**
 * A method that makes what is trained on: out of nothing but its settings ({@link DataGenerator}), out of the rows of
 * one other source ({@link DataTransform}), or of several. The rows and their order depend on nothing but the settings
 * and the rows of the other sources.
 */
public interface DataMethod extends Fragment {
    /** What each of the other sources is to this method, such as {@code documents}; empty where it needs none. */
    List<String> needs();

    /**
     * Opens the rows, from the first one and in a fixed order.
     *
     * @param sources as many as {@link #needs} names
     * @param report  hears what happens to rows
     * @throws org.finetune4j.FinetuneException when the sources do not hold what the method needs
     */
    RowStream open(List<DataSource> sources, DataReport report);

    /** Hashes of files that settings name and that decide rows; empty where there are none. */
    default String files() {
        return "";
    }

    /**
     * The data that this method makes of these sources; nothing is read yet.
     *
     * @throws org.finetune4j.FinetuneException when there are too few sources or too many
     */
    default DataSource of(DataSource... sources) {
        return new MadeData(this, List.of(sources));
    }
}
