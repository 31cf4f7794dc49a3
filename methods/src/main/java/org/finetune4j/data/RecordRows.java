package org.finetune4j.data;

import org.finetune4j.data.format.RecordReader;
import org.finetune4j.data.read.RawRecord;
import org.finetune4j.data.read.RecordStream;
import org.jspecify.annotations.Nullable;

/** Rows of records, with a report of what the records were taken for. */
final class RecordRows implements RowStream {
    private final RecordStream records;
    private final RecordReader reader;
    private final DataReport report;
    private final String source;

    RecordRows(RecordStream records, RecordReader reader, DataReport report, String source) {
        this.records = records;
        this.reader = reader;
        this.report = report;
        this.source = source;
    }

    @Override
    public @Nullable Row next() {
        RawRecord record = records.next();
        if (record == null) {
            return null;
        }
        RecordReader.Recognised read = reader.read(record);
        report.count(source + " read as " + read.format().title() + " (" + read.fields() + ")");
        return read.row();
    }

    @Override
    public void close() {
        records.close();
    }
}
