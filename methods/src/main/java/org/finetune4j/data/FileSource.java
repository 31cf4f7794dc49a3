package org.finetune4j.data;

import java.util.Iterator;
import java.util.stream.Collectors;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.format.FieldMapping;
import org.finetune4j.data.format.RecordReader;
import org.finetune4j.data.read.DataFile;
import org.finetune4j.data.read.DataFiles;
import org.finetune4j.data.read.FileKind;
import org.jspecify.annotations.Nullable;

/**
 * The records of files, one file after the other in the order of their names.
 *
 * @param location  a file, a folder, or a pattern such as {@code data/*.parquet}
 * @param kind      what the files are made of, or null to tell it by their names
 * @param mapping   where records keep their parts
 * @param condition an SQL condition over the fields that records must meet, or an empty text for all
 */
public record FileSource(String location, @Nullable FileKind kind, FieldMapping mapping, String condition)
        implements DataSource {
    @Override
    public RowStream open(DataReport report) {
        DataFiles found = DataFiles.find(location, kind);
        if (!found.ignored().isEmpty()) {
            report.note(location, location + " also holds " + found.ignored().size()
                    + " other files that are not read: "
                    + found.ignored().stream().limit(3).collect(Collectors.joining(", ")));
        }
        return new Files(found.files().iterator(), report);
    }

    @Override
    public String description() {
        return location;
    }

    /** Hashes what the files hold; their place is part of it, for what is said of them names it. */
    @Override
    public String fingerprint() {
        return "files " + location + " " + mapping + " where " + condition + " "
                + DataFiles.find(location, kind).files().stream().map(file -> file.kind() + " " + file.name() + " "
                        + file.place() + " " + file.hash()).collect(Collectors.joining(", "));
    }

    private final class Files implements RowStream {
        private final Iterator<DataFile> files;
        private final DataReport report;
        private final RecordReader reader = new RecordReader(mapping);
        private @Nullable RowStream rows;
        private String place = "";
        private boolean any;

        Files(Iterator<DataFile> files, DataReport report) {
            this.files = files;
            this.report = report;
        }

        @Override
        public @Nullable Row next() {
            while (true) {
                if (rows == null) {
                    if (!files.hasNext()) {
                        end();
                        return null;
                    }
                    DataFile file = files.next();
                    place = file.place();
                    rows = new RecordRows(file.open(condition), reader, report, location);
                }
                Row row = rows.next();
                if (row != null) {
                    any = true;
                    return row.placed(place);
                }
                rows.close();
                rows = null;
            }
        }

        private void end() {
            reader.refuseUnseen();
            if (!any) {
                throw new FinetuneException(location + (condition.isBlank()
                        ? " holds no sample. Write records into it, such as {\"prompt\": \"...\", \"response\": \"...\"}."
                        : " holds no record that meets the condition " + condition + ". Loosen it."));
            }
        }

        @Override
        public void close() {
            if (rows != null) {
                rows.close();
            }
        }
    }
}
