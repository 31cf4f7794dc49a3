package org.finetune4j.data.read;

import java.sql.SQLException;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The records of a JSON file that meet an SQL condition. DuckDB finds their numbers, and the strict reader reads them,
 * so that nothing of what they hold changes on the way. A bit for every record is kept.
 */
final class Chosen implements RecordStream {
    private final RecordStream all;
    private final BitSet numbers;
    private int number;

    private Chosen(RecordStream all, BitSet numbers) {
        this.all = all;
        this.numbers = numbers;
    }

    static RecordStream of(DataFile file, String condition, RecordStream all) {
        if (condition.isBlank()) {
            return all;
        }
        BitSet numbers = new BitSet();
        try (Duck duck = Duck.open(); Duck.Rows rows = DuckRecords.numbersIn(duck, file, condition)) {
            while (rows.next()) {
                numbers.set(Math.toIntExact(rows.number(1)));
            }
            return new Chosen(all, numbers);
        } catch (SQLException e) {
            all.close();
            throw DuckRecords.refused(file.path(), e);
        } catch (RuntimeException | Error e) {
            all.close();
            throw e;
        }
    }

    @Override
    public @Nullable RawRecord next() {
        RawRecord record = all.next();
        number++;
        while (record != null && !numbers.get(number)) {
            record = all.next();
            number++;
        }
        return record;
    }

    @Override
    public void close() {
        all.close();
    }
}
