package org.finetune4j.data;

import org.finetune4j.FinetuneException;
import org.finetune4j.kernel.CounterRandom;
import org.jspecify.annotations.Nullable;

/** Rows with a cursor, from which another reader of the same source goes on. */
public final class ResumableRows implements RowStream {
    private final DataSource source;
    private final RowStream rows;
    private Cursor cursor = Cursor.START;

    /**
     * Where a reader stands.
     *
     * @param rows rows that were read
     * @param hash over the names and contents of these rows in their order
     */
    public record Cursor(long rows, long hash) {
        /** Before the first row. */
        public static final Cursor START = new Cursor(0, 0);

        Cursor behind(Row row) {
            Contents.Hash content = Contents.hash(row);
            long contents = CounterRandom.bits(CounterRandom.bits(hash, content.high()), content.low());
            return new Cursor(rows + 1, CounterRandom.bits(contents, row.id().hashCode()));
        }
    }

    private ResumableRows(DataSource source, DataReport report) {
        this.source = source;
        this.rows = source.open(report);
    }

    /**
     * Opens the rows behind a cursor. What lies before it is read again, so that sources that draw or compare rows
     * stand as they stood.
     *
     * @throws FinetuneException when the source no longer gives the rows that were read before the cursor
     */
    public static ResumableRows from(DataSource source, Cursor cursor, DataReport report) {
        ResumableRows resumed = new ResumableRows(source, report);
        try {
            while (resumed.cursor.rows() < cursor.rows() && resumed.next() != null) {
                // The cursor moves on.
            }
            if (!resumed.cursor.equals(cursor)) {
                throw new FinetuneException(source.description() + " does not give the rows that it gave before the "
                        + "run stopped: " + (resumed.cursor.rows() < cursor.rows()
                        ? "there are only " + resumed.cursor.rows() + " of them, where " + cursor.rows() + " were read"
                        : "the first " + cursor.rows() + " of them differ")
                        + ". Restore the data (a query needs ORDER BY), or start afresh.");
            }
            return resumed;
        } catch (RuntimeException | Error e) {
            resumed.close();
            throw e;
        }
    }

    /** Where this reader stands now. */
    public Cursor cursor() {
        return cursor;
    }

    @Override
    public @Nullable Row next() {
        Row row = rows.next();
        if (row != null) {
            cursor = cursor.behind(row);
        }
        return row;
    }

    @Override
    public void close() {
        rows.close();
    }
}
