package org.finetune4j.data.transform;

import org.finetune4j.data.DataSource;
import org.jspecify.annotations.Nullable;

/** A source whose rows come from another one. */
interface Derived extends DataSource {
    /** The other source. */
    DataSource source();

    /** What is done to its rows: a text that differs when that differs, or null where nobody can know. */
    @Nullable String change();

    @Override
    default String description() {
        return source().description();
    }

    @Override
    default @Nullable String fingerprint() {
        String before = source().fingerprint();
        String change = change();
        return before == null || change == null ? null : change + " of (" + before + ")";
    }
}
