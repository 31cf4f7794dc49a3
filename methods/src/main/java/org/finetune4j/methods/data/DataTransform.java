package org.finetune4j.methods.data;

import java.util.List;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.RowStream;

/** Makes rows out of those of one other source. */
public interface DataTransform extends DataMethod {
    /**
     * Opens the rows.
     *
     * @param source the other source
     * @param report hears what happens to rows
     * @throws org.finetune4j.FinetuneException when the source does not hold what the method needs
     */
    RowStream open(DataSource source, DataReport report);

    @Override
    default List<String> needs() {
        return List.of("source");
    }

    @Override
    default RowStream open(List<DataSource> sources, DataReport report) {
        return open(sources.get(0), report);
    }
}
