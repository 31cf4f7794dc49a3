package org.finetune4j.data.read;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Properties;
import org.duckdb.DuckDBConnection;
import org.duckdb.DuckDBDriver;
import org.finetune4j.FinetuneException;
import org.finetune4j.checkpoint.StrictJson;
import org.jspecify.annotations.Nullable;

/**
 * A connection to this process's DuckDB, which has no file, bounded memory, and writes only what does not fit there to
 * a temporary folder. It fetches neither extensions nor anything else from a network.
 */
final class Duck implements AutoCloseable {
    private static final String MEMORY = "2GB";
    private static final int THREADS = Math.min(2, Runtime.getRuntime().availableProcessors());
    private static final String TEMPORARY = System.getProperty("java.io.tmpdir");
    /** JDBC's driver says this alone when the first rows of a streamed result cannot be made. */
    private static final String REASON_LOST = "Invalid result set";

    private static @Nullable DuckDBConnection shared;

    private final Connection connection;

    private Duck(Connection connection) {
        this.connection = connection;
    }

    /** A connection whose results are made while they are read. */
    static synchronized Duck open() {
        try {
            DuckDBConnection first = shared == null ? connect(true) : shared;
            shared = first;
            return new Duck(first.duplicate());
        } catch (SQLException e) {
            throw new FinetuneException("DuckDB, which reads CSV, Parquet and SQL, does not start: " + e.getMessage()
                    + ". Check that its native library fits this system and that " + TEMPORARY + " can be written.", e);
        }
    }

    private static DuckDBConnection connect(boolean streaming) throws SQLException {
        Properties settings = new Properties();
        settings.setProperty("memory_limit", MEMORY);
        settings.setProperty("threads", String.valueOf(THREADS));
        settings.setProperty("autoinstall_known_extensions", "false");
        settings.setProperty("autoload_known_extensions", "false");
        settings.setProperty("allow_community_extensions", "false");
        settings.setProperty("preserve_insertion_order", "true");
        // Made when something is written to it, and removed when that is read.
        settings.setProperty("temp_directory", Path.of(TEMPORARY, "finetune4j-duckdb-" + ProcessHandle.current()
                .pid()).toString());
        settings.setProperty(DuckDBDriver.JDBC_STREAM_RESULTS, String.valueOf(streaming));
        return DriverManager.getConnection("jdbc:duckdb:", settings).unwrap(DuckDBConnection.class);
    }

    /** Where rows are handed out. */
    static final class Rows implements AutoCloseable {
        private final String sql;
        private final Statement statement;
        private final ResultSet rows;

        private Rows(String sql, Statement statement, ResultSet rows) {
            this.sql = sql;
            this.statement = statement;
            this.rows = rows;
        }

        /** Goes to the next row, if there is one. */
        boolean next() throws SQLException {
            try {
                return rows.next();
            } catch (SQLException e) {
                throw explained(sql, e);
            }
        }

        @Nullable String text(int column) throws SQLException {
            return rows.getString(column);
        }

        long number(int column) throws SQLException {
            return rows.getLong(column);
        }

        @Override
        public void close() throws SQLException {
            try (Statement closed = statement; ResultSet alsoClosed = rows) {
                // Nothing else to do.
            }
        }
    }

    /** Runs a query; its rows are made while they are read. */
    Rows query(String sql) throws SQLException {
        Statement statement = connection.createStatement();
        try {
            return new Rows(sql, statement, statement.executeQuery(sql));
        } catch (SQLException e) {
            try (Statement closed = statement) {
                throw explained(sql, e);
            }
        }
    }

    /** The reason behind a failure, which a result that is made as a whole tells. */
    private static SQLException explained(String sql, SQLException failure) {
        if (!String.valueOf(failure.getMessage()).contains(REASON_LOST)) {
            return failure;
        }
        try (Connection whole = connect(false); Statement statement = whole.createStatement();
                ResultSet rows = statement.executeQuery(sql)) {
            return failure;
        } catch (SQLException reason) {
            return reason;
        }
    }

    /**
     * How DuckDB understands a text, as JSON.
     *
     * @throws FinetuneException unless it is one query that reads
     */
    JsonNode understand(String sql) {
        JsonNode tree;
        try (PreparedStatement statement = connection.prepareStatement("SELECT json_serialize_sql(?)::VARCHAR")) {
            statement.setString(1, sql);
            try (ResultSet rows = statement.executeQuery()) {
                rows.next();
                tree = StrictJson.mapper().readTree(rows.getString(1));
            }
        } catch (SQLException | IOException e) {
            throw new FinetuneException("the SQL cannot be understood: " + reason(e) + ". It reads: " + sql, e);
        }
        if (tree.path("error").asBoolean()) {
            boolean otherKind = tree.path("error_type").asText().equals("not implemented");
            throw new FinetuneException((otherKind ? "the SQL is no SELECT, and data are only read"
                    : "the SQL has an error: "
                    + tree.path("error_message").asText()) + ". Correct it. It reads: " + sql);
        }
        if (tree.path("statements").size() != 1) {
            throw new FinetuneException("the SQL has " + tree.path("statements").size()
                    + " statements, but one SELECT is needed. It reads: " + sql);
        }
        return tree.path("statements").get(0);
    }

    /** The part of DuckDB's message that says what is wrong, on one line and without a full stop. */
    static String reason(Exception failure) {
        String message = String.valueOf(failure.getMessage());
        StringBuilder reason = new StringBuilder();
        for (String line : message.split("\n")) {
            if (line.isBlank() || line.startsWith("LINE ") || line.startsWith("Possible")) {
                break;
            }
            reason.append(reason.isEmpty() ? "" : ", ").append(line.strip());
        }
        return reason.toString().replaceFirst("[.:]$", "");
    }

    /** A text between quotes, as SQL writes it. */
    static String quoted(String text) {
        return "'" + text.replace("'", "''") + "'";
    }

    @Override
    public void close() {
        try (Connection closed = connection) {
            // Nothing else to do.
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }
}
