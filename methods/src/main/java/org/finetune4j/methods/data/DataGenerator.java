package org.finetune4j.methods.data;

import java.util.List;
import java.util.stream.Stream;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.RowStreams;

/** Makes rows out of its settings alone. */
public interface DataGenerator extends DataMethod {
    /** The rows, each made when it is asked for; every call gives the same, to be closed when they have been used. */
    Stream<? extends Row> generate();

    /** The name of a row: the method, its seed and the row's number from 1, such as {@code sokoban-42:17}. */
    default String id(long seed, int index) {
        return method().name() + "-" + seed + ":" + (index + 1);
    }

    @Override
    default List<String> needs() {
        return List.of();
    }

    @Override
    default RowStream open(List<DataSource> sources, DataReport report) {
        Stream<? extends Row> rows = generate();
        return RowStreams.of(rows.iterator(), row -> report.count("made by " + method().name()), rows::close);
    }
}
