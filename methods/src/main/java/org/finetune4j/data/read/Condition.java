package org.finetune4j.data.read;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.sql.SQLException;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.finetune4j.FinetuneException;
import org.jspecify.annotations.Nullable;

/**
 * SQL conditions over the fields of one record. They read nothing else and always answer alike, for the files alone
 * tell whether encoded data that are kept are still right.
 */
final class Condition {
    /** Names without brackets that DuckDB takes for the clock where there is no such field. */
    private static final Set<String> CLOCKS = Set.of("current_date", "current_time", "current_timestamp", "localtime",
            "localtimestamp");
    private static final String MEND = ". Write a condition over the fields of a record alone, or use sql(...) for the "
            + "whole query. It reads: ";

    private static @Nullable Set<String> unsteady;

    private Condition() {
    }

    /**
     * Refuses a text unless it is blank or such a condition.
     *
     * @throws FinetuneException that says what else it holds
     */
    static void require(String condition) {
        if (condition.isBlank()) {
            return;
        }
        try (Duck duck = Duck.open()) {
            ObjectNode query = query(duck, condition);
            JsonNode where = query.remove("where_clause");
            ObjectNode plain = query(duck, "true");
            plain.remove("where_clause");
            if (where == null || !query.equals(plain)) {
                throw refused("is more than one condition", condition);
            }
            requireOwnFields(where, unsteady(duck), condition);
        } catch (SQLException e) {
            throw new FinetuneException("the functions of DuckDB cannot be listed: " + Duck.reason(e)
                    + ". Check the version of its library.", e);
        }
    }

    private static ObjectNode query(Duck duck, String condition) {
        return duck.understand("SELECT 1 FROM records WHERE (" + condition + "\n)").path("node").deepCopy();
    }

    private static void requireOwnFields(JsonNode node, Set<String> unsteady, String condition) {
        String kind = node.path("class").asText();
        if (kind.equals("SUBQUERY") || node.path("type").asText().endsWith("_NODE")) {
            throw refused("holds a query of its own", condition);
        }
        String function = node.path("function_name").asText().toLowerCase(Locale.ROOT);
        JsonNode names = node.path("column_names");
        if (kind.equals("COLUMN_REF") && names.size() == 1) {
            String name = names.path(0).asText().toLowerCase(Locale.ROOT);
            function = CLOCKS.contains(name) ? name : function;
        }
        if (unsteady.contains(function) || CLOCKS.contains(function)) {
            throw refused("holds " + function + ", which does not always answer alike", condition);
        }
        for (JsonNode child : node) {
            requireOwnFields(child, unsteady, condition);
        }
    }

    /** The functions that may answer otherwise another time, among them those that are written by way of such ones. */
    private static synchronized Set<String> unsteady(Duck duck) throws SQLException {
        if (unsteady != null) {
            return unsteady;
        }
        Set<String> names = new HashSet<>();
        try (Duck.Rows rows = duck.query("SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> "
                + "'CONSISTENT' OR regexp_matches(macro_definition, '(?i)current_|localtime|now\\(|today\\(|random|uuid|"
                + "nextval|select ')")) {
            while (rows.next()) {
                names.add(String.valueOf(rows.text(1)).toLowerCase(Locale.ROOT));
            }
        }
        unsteady = Set.copyOf(names);
        return names;
    }

    private static FinetuneException refused(String found, String condition) {
        return new FinetuneException("the condition of filter(...) " + found + MEND + condition);
    }
}
