package org.finetune4j.data;

import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.Hashes;
import org.finetune4j.data.format.FieldMapping;
import org.finetune4j.data.format.RecordReader;
import org.finetune4j.data.read.Query;
import org.finetune4j.data.read.RawRecord;
import org.finetune4j.data.read.RecordStream;
import org.jspecify.annotations.Nullable;

/**
 * The rows of a query over files, in DuckDB's SQL. They are named by the order in which they come.
 *
 * @param sql     one SELECT, with paths relative to the working directory or absolute
 * @param mapping where rows keep their parts
 */
public record QuerySource(String sql, FieldMapping mapping) implements DataSource {
    @Override
    public RowStream open(DataReport report) {
        Query query = new Query(sql);
        if (!query.isOrdered()) {
            report.note(sql, description() + " has no ORDER BY: its rows are numbered as they come, and a run goes "
                    + "on only while they come alike");
        }
        RecordReader reader = new RecordReader(mapping);
        RowStream rows = new RecordRows(query.open(), reader, report, "the query's rows");
        return new RowStream() {
            private boolean any;

            @Override
            public @Nullable Row next() {
                Row row = rows.next();
                if (row == null) {
                    reader.refuseUnseen();
                    if (!any) {
                        throw new FinetuneException("the query gives no row. It reads: " + sql);
                    }
                }
                any = true;
                return row;
            }

            @Override
            public void close() {
                rows.close();
            }
        };
    }

    @Override
    public String description() {
        String line = sql.strip().replaceAll("\\s+", " ");
        return "sql \"" + (line.length() > 60 ? line.substring(0, 57) + "..." : line) + "\"";
    }

    /**
     * Hashes what the query gives, for the files that it reads are not known; its text is part of it, for what is said
     * of its rows follows from that.
     */
    @Override
    public String fingerprint() {
        var digest = Hashes.sha256();
        try (RecordStream records = new Query(sql).open()) {
            for (RawRecord record = records.next(); record != null; record = records.next()) {
                digest.update((record.fields() + "\n").getBytes(java.nio.charset.StandardCharsets.UTF_8));
            }
        }
        return "query " + sql + " " + mapping + " " + java.util.HexFormat.of().formatHex(digest.digest());
    }
}
