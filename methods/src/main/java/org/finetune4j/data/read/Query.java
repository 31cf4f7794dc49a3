package org.finetune4j.data.read;

import com.fasterxml.jackson.databind.JsonNode;
import org.finetune4j.FinetuneException;

/**
 * A query that reads files, in DuckDB's SQL. The rows are numbered as they come. A query without {@code ORDER BY} may
 * give them in another order another time, which whoever resumes must notice.
 *
 * @param sql one SELECT
 */
public record Query(String sql) {
    /**
     * Opens its rows.
     *
     * @throws FinetuneException unless the text is one SELECT that can be run
     */
    public RecordStream open() {
        Duck duck = Duck.open();
        try {
            duck.understand(sql);
            return DuckRecords.ofQuery(duck, sql.strip().replaceFirst(";\\s*$", ""));
        } catch (RuntimeException | Error e) {
            duck.close();
            throw e;
        }
    }

    /**
     * Whether the query itself says in which order its rows come.
     *
     * @throws FinetuneException unless the text is one SELECT
     */
    public boolean isOrdered() {
        try (Duck duck = Duck.open()) {
            for (JsonNode modifier : duck.understand(sql).path("node").path("modifiers")) {
                if (modifier.path("type").asText().equals("ORDER_MODIFIER")) {
                    return true;
                }
            }
            return false;
        }
    }
}
