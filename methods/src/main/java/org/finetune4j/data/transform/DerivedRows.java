package org.finetune4j.data.transform;

import org.finetune4j.data.RowStream;

/** Rows that come from one other stream, which is closed with them. */
abstract class DerivedRows implements RowStream {
    final RowStream from;

    DerivedRows(RowStream from) {
        this.from = from;
    }

    @Override
    public void close() {
        from.close();
    }
}
