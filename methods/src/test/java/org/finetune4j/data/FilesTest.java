package org.finetune4j.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.format.FieldMapping;
import org.finetune4j.data.format.Part;
import org.finetune4j.data.read.FileKind;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.jspecify.annotations.Nullable;

class FilesTest {
    @TempDir
    Path folder;

    private static void sql(String statement) throws SQLException {
        try (Connection connection = DriverManager.getConnection("jdbc:duckdb:"); Statement run = connection.createStatement()) {
            run.execute(statement);
        }
    }

    private DataSource source(String name, @Nullable FileKind kind) {
        return new FileSource(folder.resolve(name).toString(), kind, FieldMapping.standard(), "");
    }

    private DataSource file(String name, String text) throws IOException {
        Files.createDirectories(folder.resolve(name).getParent());
        Files.writeString(folder.resolve(name), text);
        return source(name, null);
    }

    private static String refusal(DataSource source) {
        return assertThrows(FinetuneException.class, source::rows).getMessage();
    }

    private static List<String> ids(DataSource source) {
        return source.rows().stream().map(Row::id).toList();
    }

    private static List<String> responses(DataSource source) {
        return source.samples().stream().map(Sample::response).toList();
    }

    @Test
    void csvKeepsEveryTextAsItStands() throws IOException {
        DataSource csv = file("a.csv", "\uFEFF\"prompt\",response,level\r\n\"a \"\"q\"\", b\",\"one\ntwo\",007\r\n"
                + "# no comment,2020-01-01,\r\n\" é漢😀 \",NULL,\"\"\r\n");
        List<Sample> samples = csv.samples();
        assertEquals("a \"q\", b", samples.get(0).prompt().get(0).text());
        assertEquals(List.of("one\ntwo", "2020-01-01", "NULL"), responses(csv));
        assertEquals("007", samples.get(0).fields().get("level"));
        assertEquals("# no comment", samples.get(1).prompt().get(0).text());
        assertEquals(" é漢😀 ", samples.get(2).prompt().get(0).text());
        assertEquals(List.of("a.csv:1", "a.csv:2", "a.csv:3"), ids(csv));
        assertEquals(List.of("c"), responses(file("a.tsv", "prompt\tresponse\na,b\tc\n")));
        // A table holds lists as JSON.
        assertEquals(List.of("a"), responses(file("m.csv",
                "messages\n\"[{\"\"role\"\": \"\"user\"\", \"\"content\"\": \"\"u\"\"}, {\"\"role\"\": "
                + "\"\"assistant\"\", \"\"content\"\": \"\"a\"\"}]\"\n")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            prompt,response/a,b/c,d,e | a.csv:3 is not a line of this table: Expected Number of Columns: 2 Found: 3. Correct or remove it; a value that holds the separator, a quote or a line break stands in quotes. It reads: c,d,e
            prompt,response/a,b/c | a.csv:3 is not a line of this table: Expected Number of Columns: 2 Found: 1
            prompt,response/a,"b/c,d | a.csv:2 is not a line of this table: Value with unterminated quote found
            prompt,prompt/a,b | a.csv:1 names two columns 'prompt'. Give every column its own name.
            prompt,,x/a,b,c | a.csv:1 has no name for column 2
            prompt,"response/a,b | a.csv:1 has a name with a line break or an open quote
            prompt,response/a,/ | a.csv row 1 has 'response' that is null. Give a text that is not empty, or remove the record.
            prompt,response/a,b/c,d/e,"" | a.csv row 3 has 'response' that is null
            question,answer/a,b | a.csv row 1 has the fields [question, answer], of no known shape
            `` | a.csv holds no sample
            prompt,response | a.csv holds no sample
            """)
    void refusesBrokenTables(String lines, String expected) throws IOException {
        String message = refusal(file("a.csv", lines.replace("/", "\n")));
        assertTrue(message.contains(expected), message);
    }

    @Test
    void refusesTablesOfOtherEncodings() throws IOException {
        Files.write(folder.resolve("l.csv"), "prompt,response\na,\u00e9\n".getBytes(StandardCharsets.ISO_8859_1));
        String message = refusal(source("l.csv", null));
        assertTrue(message.contains("l.csv:2 is not a line of this table: Invalid unicode"), message);
    }

    @Test
    void parquetWithNestedAndMissingValues() throws SQLException {
        sql("COPY (SELECT [{'role': 'user', 'content': 'q' || i, 'tool_calls': NULL::VARCHAR[]}, {'role': "
                + "'assistant', 'content': 'a' || i, 'tool_calls': NULL}] AS messages, 'nan'::DOUBLE AS score, "
                + "NULL::VARCHAR AS prompt, i AS number FROM range(3) t(i)) TO '"
                + folder.resolve("x.parquet") + "' (FORMAT parquet)");
        DataSource parquet = source("x.parquet", null);
        assertEquals(List.of("a0", "a1", "a2"), responses(parquet));
        assertEquals(List.of("x.parquet:1", "x.parquet:2", "x.parquet:3"), ids(parquet));
        assertEquals("NaN", parquet.samples().get(0).fields().get("score"));
        DataSource some = new FileSource(folder.resolve("x.parquet").toString(), null, FieldMapping.standard(),
                "number >= 1");
        assertEquals(List.of("x.parquet:2", "x.parquet:3"), ids(some));
        String message = refusal(new FileSource(folder.resolve("x.parquet").toString(), null, FieldMapping.standard(),
                "nombre > 1"));
        assertTrue(message.contains("x.parquet cannot be read: Binder Error: Referenced column \"nombre\" not found"),
                message);
    }

    @Test
    void refusesDamagedParquetAndSaysWhich() throws IOException {
        String message = refusal(file("bad.parquet", "hello"));
        assertTrue(message.contains("bad.parquet cannot be read: Invalid Input Error: File"), message);
        assertTrue(message.endsWith("Check that the file is whole and of the kind that its name says."), message);
    }

    @Test
    void aWrongTypeInALaterRowIsNamed() throws SQLException {
        sql("COPY (SELECT 'p' AS prompt, CASE WHEN i = 3 THEN '' ELSE 'r' END AS response FROM range(5) t(i)) TO '"
                + folder.resolve("w.parquet") + "' (FORMAT parquet)");
        String message = refusal(source("w.parquet", null));
        assertTrue(message.contains("w.parquet row 4 has 'response' that is empty"), message);
        // Numbers are no texts, whatever the file says of its columns.
        assertThrows(FinetuneException.class, () -> new QuerySource("SELECT 'p' AS prompt, 5 AS response",
                FieldMapping.standard()).rows());
    }

    @Test
    void jsonArraysAndObjectsWithOneArray() throws IOException {
        String array = "[{\"prompt\": \"p\", \"response\": \"r\"},\n {\"text\": \"2020-01-01\"}]";
        assertEquals(List.of("a.json:1", "a.json:2"), ids(file("a.json", array)));
        assertEquals("2020-01-01", file("a.json", array).samples().get(1).fields().get("text"));
        assertEquals(2, file("b.json", "{\"version\": {\"a\": [1]}, \"data\": " + array + ", \"n\": 2}").rows().size());
        assertEquals(List.of("k"), file("d.json", "[{\"text\": \"k\"}]").samples().stream().map(s -> s.fields()
                .get("text")).toList());
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            {"a": [{"text": "t"}], "b": []}   | a.json holds two lists, 'a' and 'b', and does not tell which of them are the records
            {"text": "t"}                     | a.json holds one object with the fields [text], none of which is a list of records. Write [{...}, ...], or use jsonl(...)
            "text"                            | a.json holds text, but records are objects in an array
            [{"text": "t"}, 5]                | a.json:1 (record 2) is 5, not a JSON object
            [{"text": "t"},/{"text": "u", "text": "v"}] | a.json:2:21 is not JSON: Duplicate field 'text'. Correct the file (record 2).
            [{"text": "t"}                    | is not JSON: Unexpected end-of-input
            [{"text": "t"}]/[{"text": "u"}]   | a.json:2 goes on behind the end of its records
            []                                | a.json holds no sample
            `` | a.json holds no sample
            """)
    void refusesBrokenJson(String json, String expected) throws IOException {
        String message = refusal(file("a.json", json.replace("/", "\n")));
        assertTrue(message.contains(expected), message);
    }

    @Test
    void readsPackedFiles() throws IOException, SQLException {
        try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(folder.resolve("g.jsonl.gz")))) {
            out.write("{\"text\": \"packed\"}\n\n{\"text\": \"again\"}".getBytes(StandardCharsets.UTF_8));
        }
        assertEquals(List.of("g.jsonl.gz:1", "g.jsonl.gz:3"), ids(source("g.jsonl.gz", null)));
        String rows = "COPY (SELECT 'p' AS prompt, 'r' || i AS response FROM range(3) t(i)) TO '" + folder;
        sql(rows + "/z.jsonl.zst' (FORMAT json, COMPRESSION zstd)");
        sql(rows + "/z.csv.zst' (FORMAT csv, COMPRESSION zstd)");
        sql(rows + "/z.csv.gz' (FORMAT csv, COMPRESSION gzip)");
        sql(rows + "/z.json.zst' (FORMAT json, ARRAY true, COMPRESSION zstd)");
        for (String name : List.of("z.jsonl.zst", "z.csv.zst", "z.csv.gz", "z.json.zst")) {
            assertEquals(List.of("r0", "r1", "r2"), responses(source(name, null)), name);
            DataSource some = new FileSource(folder.resolve(name).toString(), null, FieldMapping.standard(),
                    "response <> 'r1'");
            assertEquals(List.of(name + ":1", name + ":3"), ids(some), name);
        }
        Files.writeString(folder.resolve("no.jsonl.gz"), "{\"text\": \"t\"}");
        assertTrue(refusal(source("no.jsonl.gz", null)).contains("no.jsonl.gz cannot be read: Not in GZIP format"));
    }

    @Test
    void foldersAndPatternsInTheOrderOfNames() throws IOException {
        file("d/b.jsonl", "{\"text\": \"b\"}");
        file("d/a/z.csv", "text\nz\n");
        file("d/README.md", "no data");
        file("d/.hidden.jsonl", "no data");
        file("d/a.json", "[{\"text\": \"a\"}]");
        assertEquals(List.of("a.json:1", "a/z.csv:1", "b.jsonl:1"), ids(source("d", null)));
        DataReport report = new DataReport();
        source("d", null).open(report).close();
        assertEquals(List.of(folder.resolve("d") + " also holds 1 other files that are not read: README.md"),
                report.lines());
        assertEquals(List.of("b.jsonl:1"), ids(source("d", FileKind.JSON_LINES)));
        assertEquals(List.of("a.json:1", "b.jsonl:1"), ids(source("d/*.js*", null)));
        assertEquals(List.of("a/z.csv:1"), ids(source("d/**/*.csv", null)));
        Files.createDirectories(folder.resolve("empty"));
        assertTrue(refusal(source("empty", null)).contains("empty holds no file of records (.jsonl, .ndjson, .json, "
                + ".csv"));
        assertTrue(refusal(source("d/*.parquet", null)).contains("d/*.parquet holds no file of records"));
        assertTrue(refusal(source("nowhere/*.csv", null)).contains("is no folder"));
        assertTrue(refusal(source("nowhere.csv", null)).contains("nowhere.csv does not exist"));
        file("odd.data", "x");
        assertTrue(refusal(source("odd.data", null)).contains("does not tell by its name what it is made of"));
        assertEquals(1, file("a[1].csv", "text\nx\n").rows().size());
    }

    @Test
    void queriesReadAndNothingElse() throws IOException {
        file("q.csv", "prompt,response,level\na,b,1\nc,d,2\n");
        String path = "'" + folder.resolve("q.csv") + "'";
        DataSource query = new QuerySource("select response as completion, prompt from " + path
                + " where level > 1 -- last;", FieldMapping.standard());
        assertEquals(List.of("d"), responses(query));
        assertEquals(List.of("sql:1"), ids(query));
        DataReport report = new DataReport();
        query.open(report).close();
        assertTrue(report.lines().get(0).contains("has no ORDER BY"), report.lines().toString());
        report = new DataReport();
        new QuerySource("from " + path + " order by level desc;", FieldMapping.standard()).open(report).close();
        assertEquals(List.of(), report.lines());
        for (String[] wrong : new String[][] {
            {"copy (select 1) to '" + folder.resolve("out.csv") + "'", "the SQL is no SELECT, and data are only read"},
            {"select 1; select 2", "the SQL has 2 statements"},
            {"selec 1", "the SQL has an error: syntax error at or near \"selec\""},
            {"select * from 'missing.parquet'", "the query cannot be run: IO Error: No files found"},
            {"select * from 'https://example.org/x.parquet'", "requires the extension httpfs"},
            {"select 'p' as prompt, 'r' as response where false", "the query gives no row"}}) {
            String message = refusal(new QuerySource(wrong[0], FieldMapping.standard()));
            assertTrue(message.contains(wrong[1]), message);
        }
        assertTrue(Files.notExists(folder.resolve("out.csv")));
    }

    @Test
    void theOrderOfAQueryIsTheOrderOfItsRows() {
        long last = -1;
        int count = 0;
        try (RowStream rows = new QuerySource("select 'p' as prompt, 'r' || (i * 7919) % 50000 as response from range(50000) t(i) "
                + "order by (i * 7919) % 50000", FieldMapping.standard()).open(new DataReport())) {
            for (Row row = rows.next(); row != null; row = rows.next()) {
                long next = Long.parseLong(String.valueOf(((Sample) row).response()).substring(1));
                assertEquals(last + 1, next);
                last = next;
                count++;
            }
        }
        assertEquals(50_000, count);
    }

    @Test
    void conditionsOnJsonLinesKeepLineNumbersAndBytes() throws IOException {
        Path file = Files.writeString(folder.resolve("c.jsonl"), "{\"text\": \"1.50\", \"level\": 3}\n\n{\"text\": "
                + "\"b\"}\n{\"text\": \"2020-01-01\", \"level\": 5}\n");
        DataSource some = new FileSource(file.toString(), null, FieldMapping.standard(), "level > 1");
        assertEquals(List.of("c.jsonl:1", "c.jsonl:4"), ids(some));
        assertEquals(List.of("1.50", "2020-01-01"), some.samples().stream().map(s -> s.fields().get("text")).toList());
        assertTrue(refusal(new FileSource(file.toString(), null, FieldMapping.standard(), "level > 9"))
                .contains("no record that meets the condition"));
        assertTrue(refusal(new FileSource(file.toString(), null, FieldMapping.standard(), "level >"))
                .contains("the SQL has an error"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            level > (select 1)                    | holds a query of its own
            exists (from 'other.csv')             | holds a query of its own
            level in (select level from 'x.csv')  | holds a query of its own
            random() < 0.5                        | holds random, which does not always answer alike
            RANDOM() < 0.5                        | holds random, which does not always answer alike
            now() > '2020-01-01'                  | holds now, which
            level > year(current_date)            | holds current_date, which
            CURRENT_TIMESTAMP > '2020-01-01'      | which does not always answer alike
            uuid()::varchar > 'a'                 | holds uuid, which
            ago(interval 1 day) > '2020-01-01'    | holds ago, which
            true) UNION ALL SELECT 1, content FROM read_text('/etc/hostname') WHERE (true | is more than one condition
            true) ORDER BY (1                     | is more than one condition
            true) LIMIT (1                        | is more than one condition
            true) GROUP BY (level                 | is more than one condition
            """)
    void conditionsReadTheFieldsOfARecordAlone(String condition, String expected) throws IOException, SQLException {
        file("o.jsonl", "{\"text\": \"a\", \"level\": 3}\n");
        file("o.csv", "text,level\na,3\n");
        sql("COPY (SELECT 'a' AS text, 3 AS level) TO '" + folder.resolve("o.parquet") + "' (FORMAT parquet)");
        for (String name : List.of("o.jsonl", "o.csv", "o.parquet")) {
            String message = refusal(new FileSource(folder.resolve(name).toString(), null, FieldMapping.standard(),
                    condition));
            assertTrue(message.startsWith("the condition of filter(...) "), message);
            assertTrue(message.contains(expected) && message.endsWith("It reads: " + condition), message);
        }
    }

    @Test
    void conditionsMayCallWhatAlwaysAnswersAlike() throws IOException {
        Path file = Files.writeString(folder.resolve("k.jsonl"), "{\"text\": \"ab\", \"level\": 3, \"meta\": "
                + "{\"a\": [1, 2]}}\n{\"text\": \"c\", \"level\": 4, \"meta\": {\"a\": [5]}}\n");
        for (String condition : List.of("length(text) = 2 and lower(text) like 'a%'", "level in (1, 3) or false",
                "list_contains(meta.a, 2)", "case when level > 3 then false else regexp_matches(text, '^a') end",
                "(level = 3) and (text is not null) -- the first", "date '2020-01-01' + level::int = '2020-01-04'",
                "len(list_filter(meta.a, lambda x: x = 1)) = 1")) {
            assertEquals(List.of("k.jsonl:1"), ids(new FileSource(file.toString(), null, FieldMapping.standard(),
                    condition)), condition);
        }
    }

    @Test
    void namesOfFoldersAreNoFields() throws IOException, SQLException {
        file("h/level=7/a.csv", "prompt,response\np,r\n");
        file("h/level=7/a.jsonl", "{\"prompt\": \"p\", \"response\": \"r\"}");
        sql("COPY (SELECT 'p' AS prompt, 'r' AS response) TO '" + folder.resolve("h/level=7/a.parquet")
                + "' (FORMAT parquet)");
        for (String name : List.of("a.csv", "a.jsonl", "a.parquet")) {
            String path = "h/level=7/" + name;
            assertEquals(java.util.Map.of(), source(path, null).samples().get(0).fields(), name);
            String message = refusal(new FileSource(folder.resolve(path).toString(), null, FieldMapping.standard(),
                    "level > 1"));
            assertTrue(message.contains("\"level\" not found"), message);
        }
    }

    /** A folder whose path is too long for the system cannot be read by anybody. */
    @Test
    void aPatternLooksNoDeeperThanItSaysAndAWalkThatFailsSaysWhere() throws IOException {
        file("w/a.jsonl", "{\"text\": \"t\"}");
        file("w/sub/b.jsonl", "{\"text\": \"t\"}");
        Path long1 = folder.resolve("w/sub");
        Path long2 = folder.resolve("second");
        for (int i = 0; i < 18; i++) {
            long1 = long1.resolve("x".repeat(200));
            long2 = long2.resolve("y".repeat(200));
        }
        Files.createDirectories(long1);
        Files.createDirectories(long2);
        Path moved = Files.move(folder.resolve("second"), long1.resolve("second"));
        try {
            assertEquals(List.of("a.jsonl:1"), ids(source("w/*.jsonl", null)));
            assertEquals(List.of("sub/b.jsonl:1"), ids(source("w/*/*.jsonl", null)));
            assertTrue(refusal(source("w", null)).startsWith(folder.resolve("w") + " cannot be read: "));
            assertTrue(refusal(source("w/**/*.jsonl", null)).contains(" cannot be read: "));
        } finally {
            Files.move(moved, folder.resolve("second"));
        }
    }

    @Test
    void hugeFieldsAreRead() throws IOException {
        String huge = "漢 ".repeat(2_000_000);
        assertEquals(huge, file("h.csv", "text\n\"" + huge + "\"\n").samples().get(0).fields().get("text"));
        assertEquals(huge, file("h.jsonl", "{\"text\": \"" + huge + "\"}").samples().get(0).fields().get("text"));
    }

    /** The rows of each file, held all at once, would take more than a hundred MiB. */
    @Test
    void twoHundredThousandRowsAreReadInBoundedMemory() throws IOException, SQLException {
        try (BufferedWriter out = Files.newBufferedWriter(folder.resolve("big.jsonl"))) {
            for (int i = 0; i < 200_000; i++) {
                out.write("{\"prompt\": \"question " + i + "\", \"response\": \"" + "answer ".repeat(20) + i + "\"}\n");
            }
        }
        sql("COPY (SELECT 'question ' || i AS prompt, repeat('answer ', 20) || i AS response FROM range(200000) "
                + "t(i)) TO '"
                + folder.resolve("big.parquet") + "' (FORMAT parquet)");
        for (String name : List.of("big.jsonl", "big.parquet")) {
            long before = usedHeap();
            long peak = 0;
            int count = 0;
            try (RowStream rows = source(name, null).open(new DataReport())) {
                for (Row row = rows.next(); row != null; row = rows.next()) {
                    if (++count % 100_000 == 0) {
                        assertEquals(name + ":" + count, row.id());
                        peak = Math.max(peak, usedHeap() - before);
                    }
                }
            }
            assertEquals(200_000, count);
            assertTrue(peak < 8 << 20, name + " holds " + (peak >> 10) + " KiB while it is read");
        }
    }

    private static long usedHeap() {
        System.gc();
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }

    @Test
    void fingerprintsFollowBytesAndMappingAndNothingElse() throws IOException {
        String before = file("f.jsonl", "{\"text\": \"a\"}").fingerprint();
        assertTrue(Files.setLastModifiedTime(folder.resolve("f.jsonl"),
                java.nio.file.attribute.FileTime.fromMillis(0)) != null);
        assertEquals(before, source("f.jsonl", null).fingerprint());
        assertNotEquals(before, new FileSource(folder.resolve("f.jsonl").toString(), null, FieldMapping.standard()
                .with(Part.ANSWER, "x"), "").fingerprint());
        assertNotEquals(before, file("f.jsonl", "{\"text\": \"b\"}").fingerprint());
        DataSource query = new QuerySource("from '" + folder.resolve("f.jsonl") + "'", FieldMapping.standard());
        String hash = query.fingerprint();
        assertEquals(hash, query.fingerprint());
        // What is said of rows names their source, and is kept with them.
        assertNotEquals(hash, new QuerySource("from '" + folder.resolve("f.jsonl") + "' order by text",
                FieldMapping.standard()).fingerprint());
        Files.createDirectories(folder.resolve("other"));
        Files.copy(folder.resolve("f.jsonl"), folder.resolve("other/f.jsonl"));
        assertNotEquals(source("f.jsonl", null).fingerprint(), source("other/f.jsonl", null).fingerprint());
        file("f.jsonl", "{\"text\": \"c\"}");
        assertNotEquals(hash, query.fingerprint());
    }
}
