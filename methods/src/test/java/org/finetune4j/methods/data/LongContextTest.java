package org.finetune4j.methods.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Overlap;
import org.finetune4j.data.Sample;
import org.finetune4j.methods.Settings;
import org.finetune4j.methods.data.table.NeedleGrid;
import org.finetune4j.methods.data.table.Table;
import org.finetune4j.methods.data.text.Interleaving;
import org.finetune4j.methods.data.text.TextPieces;
import org.junit.jupiter.api.Test;

/** The numbered tests of the card longskywork that need no training. */
class LongContextTest {
    private static final String TOKENIZER = "../samples/models/tiny";

    private static List<String> pairs(String text, int size) {
        List<String> chunks = new ArrayList<>();
        for (int i = 0; i < text.length(); i += size) {
            chunks.add(text.substring(i, Math.min(text.length(), i + size)));
        }
        return chunks;
    }

    private static String interleaved(int size) {
        return String.join(" ",
                Interleaving.of(List.of(pairs("abcdef", size), pairs("uvwx", size), pairs("mnopqrst", size))));
    }

    @Test
    void test2ChunksTakeTurns() {
        assertEquals("ab uv mn cd wx op ef qr st", interleaved(2));
        assertEquals("abcdef uvwx mnopqrst", interleaved(100));
    }

    private static Sample document(int number, int words) {
        return Sample.document("d.txt:" + number, IntStream.range(0, words).mapToObj(i -> "w" + number + "x" + i)
                .collect(Collectors.joining(" ", "", " . ")));
    }

    @Test
    void test3NothingIsLostAndEveryDocumentKeepsItsOrder() {
        List<Sample> documents =
                List.of(document(0, 100), document(1, 33), document(2, 70), document(3, 20), document(4, 16));
        for (String tokenizer : List.of("", TOKENIZER)) {
            ChunkInterleaved method = new ChunkInterleaved(16, 3, 0, tokenizer);
            List<Sample> made = method.of(DataSource.of("d", documents)).samples();
            assertEquals(2, made.size());
            assertEquals(List.of("d.txt:0", "d.txt:1", "d.txt:2"), made.get(0).provenance().origins());
            for (int i = 0; i < documents.size(); i++) {
                List<String> own = words(text(documents.get(i)));
                String all = text(made.get(i / 3));
                if (tokenizer.isEmpty()) {
                    assertEquals(own, words(all).stream().filter(new ArrayList<>(own)::contains).toList());
                }
            }
            assertEquals(letters(documents.subList(0, 3)), letters(made.subList(0, 1)), "the same characters");
        }
        String text = text(new ChunkInterleaved(16, 3, 0, "").of(DataSource.of("d", documents)).samples().get(0));
        List<String> turns = words(text).stream().filter(word -> word.startsWith("w")).map(word -> word.substring(0, 2))
                .toList();
        int farthest = 0;
        int last = -1;
        for (int i = 0; i < turns.size(); i++) {
            if (turns.get(i).equals("w0")) {
                farthest = last >= 0 ? Math.max(farthest, i - last - 1) : farthest;
                last = i;
            }
        }
        assertTrue(farthest > 0 && farthest <= 2 * 16, farthest + " words between chunks of one document");
        assertEquals(9, Overlap.between(new ChunkInterleaved(16, 3, 0, "").of(DataSource.of("d", documents)),
                DataSource.of("d", documents)).shared() + 7, "the two made of the five overlap with them");
    }

    private static String text(Sample sample) {
        return Objects.requireNonNull(sample.fields().get(Sample.DOCUMENT));
    }

    private static List<String> words(String text) {
        return Arrays.stream(text.split("[\\s.]+")).filter(word -> !word.isEmpty()).toList();
    }

    private static String letters(List<Sample> samples) {
        return samples.stream().map(LongContextTest::text).collect(Collectors.joining()).chars().sorted()
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append).toString();
    }

    @Test
    void samplesAreCutToTheirLength() {
        List<Sample> documents = List.of(document(0, 100), document(1, 100));
        try (TextPieces pieces = TextPieces.of(TOKENIZER)) {
            String cut = text(new ChunkInterleaved(16, 2, 64, TOKENIZER).of(DataSource.of("d", documents)).samples()
                    .get(0));
            assertTrue(Math.abs(pieces.count(cut) - 64) <= 2, pieces.count(cut) + " tokens");
            String text = "Grüße, 漢字 and 😀!\n\n  end  ";
            assertEquals(text, String.join("", pieces.chunks(text, 1)), "no character is lost or cut");
        }
        assertThrows(FinetuneException.class, () -> new ChunkInterleaved(16, 2, 0, "").of(
                new SyntheticTables(1, 200, Table.Format.CSV, List.of("cell"), "", 1).of()).rows());
        assertThrows(FinetuneException.class, () -> new ChunkInterleaved(15, 2, 0, ""));
        assertThrows(FinetuneException.class, () -> new ChunkInterleaved(16, 1, 0, ""));
    }

    @Test
    void theWorkedExampleOfTheCardHasItsAnswers() {
        Table table = new Table(List.of("id", "colour", "count", "city"), List.of(List.of("k7", "red", "12", "Oslo"),
                List.of("k2", "blue", "5", "Lima"), List.of("k9", "red", "30", "Kyiv")));
        assertEquals("Lima", table.cell("k2", "city"));
        assertEquals("k9,red,30,Kyiv", String.join(",", table.row("k9")));
        assertEquals("k7", table.key("count", "12"));
        assertEquals("12,30", table.cell("k7", "count") + "," + table.cell("k9", "count"));
        assertEquals(47, table.sum("count"));
        assertEquals(30, table.max("count"));
        assertEquals(2, table.count("colour", "red"));
        assertEquals("id,colour,count,city\nk7,red,12,Oslo\nk2,blue,5,Lima\nk9,red,30,Kyiv",
                table.write(Table.Format.CSV));
        assertTrue(table.write(Table.Format.MARKDOWN)
                .startsWith("|id|colour|count|city|\n|---|---|---|---|\n|k7|red|12|Oslo|\n"));
        assertThrows(FinetuneException.class, () -> table.key("colour", "red"));
        assertThrows(FinetuneException.class, () -> new Table(List.of("id"), List.of(List.of("a"), List.of("a"))));
    }

    /** Reads the prompt back by itself and answers its question. */
    private static String solve(String prompt) {
        String[] parts = prompt.split("\n\n");
        List<List<String>> rows = new ArrayList<>();
        for (String line : parts[1].split("\n")) {
            if (!line.startsWith("|---")) {
                rows.add(List.of(line.replaceAll("^\\||\\|$", "").split("[|,]")));
            }
        }
        List<String> columns = rows.remove(0);
        String question = parts[2];
        Matcher cell = Pattern.compile("What is the (\\w+) of (\\w+)\\?").matcher(question);
        Matcher row = Pattern.compile("Give the whole row of (\\w+), with commas\\.").matcher(question);
        Matcher key = Pattern.compile("Which id has the (\\w+) (.+)\\?").matcher(question);
        Matcher cells = Pattern.compile("Give the (\\w+) of ([\\w, ]+), with commas\\.").matcher(question);
        Matcher count = Pattern.compile("How many rows have the (\\w+) (\\w+)\\?").matcher(question);
        if (cell.matches()) {
            return of(rows, 0, cell.group(2)).get(columns.indexOf(cell.group(1)));
        }
        if (row.matches()) {
            return String.join(",", of(rows, 0, row.group(1)));
        }
        if (key.matches()) {
            return of(rows, columns.indexOf(key.group(1)), key.group(2)).get(0);
        }
        if (cells.matches()) {
            return Arrays.stream(cells.group(2).split(", ")).map(one -> of(rows, 0, one)
                    .get(columns.indexOf(cells.group(1))))
                    .collect(Collectors.joining(","));
        }
        if (count.matches()) {
            return String.valueOf(rows.stream().filter(one -> one.get(columns.indexOf(count.group(1)))
                    .equals(count.group(2)))
                    .count());
        }
        assertEquals("What is the largest count?", question);
        return String.valueOf(rows.stream().mapToLong(one -> Long.parseLong(one.get(2))).max().orElseThrow());
    }

    private static List<String> of(List<List<String>> rows, int column, String value) {
        List<List<String>> found = rows.stream().filter(row -> row.get(column).equals(value)).toList();
        assertEquals(1, found.size(), value);
        return found.get(0);
    }

    @Test
    void test4AnswersAreThoseOfTheWrittenTable() {
        for (Table.Format format : Table.Format.values()) {
            SyntheticTables tables = new SyntheticTables(60, 1024, format,
                    List.of("cell", "row", "key", "cells", "aggregate"), "", 5);
            List<Sample> samples = tables.of().samples();
            try (TextPieces pieces = TextPieces.of("")) {
                for (Sample sample : samples) {
                    String prompt = sample.prompt().get(0).text();
                    assertEquals(solve(prompt), sample.response(), prompt);
                    assertEquals(1024, pieces.count(prompt), 0.02 * 1024);
                }
            }
            assertEquals(samples, tables.of().samples(), "equal seeds, equal samples");
        }
        try (TextPieces pieces = TextPieces.of(TOKENIZER)) {
            for (Sample sample : new SyntheticTables(4, 1500, Table.Format.MARKDOWN, List.of("cell", "cells"),
                    TOKENIZER, 6).of()
                    .samples()) {
                assertEquals(1500, pieces.count(sample.prompt().get(0).text()), 0.02 * 1500);
            }
        }
        assertNotEquals(new SyntheticTables(4, 1500, Table.Format.MARKDOWN, List.of("cell"), TOKENIZER, 6).of()
                .fingerprint(),
                new SyntheticTables(4, 1500, Table.Format.MARKDOWN, List.of("cell"), "", 6).of().fingerprint());
    }

    @Test
    void test4TheRowAskedAboutStandsAnywhere() {
        int[] bins = new int[10];
        SyntheticTables tables = new SyntheticTables(1000, 400, Table.Format.CSV, List.of("cell"), "", 9);
        for (Sample sample : tables.of().samples()) {
            bins[(int) (10 * Double.parseDouble(Objects.requireNonNull(sample.fields().get("depth"))))]++;
        }
        // A table of so few rows has more of them in some tenths than in others, so that each is held against its own.
        double chiSquare = 0;
        int rows = (int) tables.of().samples().get(0).prompt().get(0).text().lines().count() - 5;
        double[] expected = new double[10];
        IntStream.range(0, rows).forEach(row -> expected[10 * row / rows] += 1000.0 / rows);
        for (int i = 0; i < 10; i++) {
            chiSquare += (bins[i] - expected[i]) * (bins[i] - expected[i]) / expected[i];
        }
        assertTrue(chiSquare < 21.67, "chi-square " + chiSquare + " of 9 degrees of freedom (p = 0.01)");
    }

    @Test
    void needlesLieWhereTheySayAndMakeAGrid() {
        Needle needle = new Needle(List.of("200", "400"), List.of("0", "50", "100"), 2, "", 4);
        List<Sample> samples = needle.of().samples();
        assertEquals(12, samples.size());
        try (TextPieces pieces = TextPieces.of("")) {
            for (Sample sample : samples) {
                String prompt = sample.prompt().get(0).text();
                double length = Double.parseDouble(Objects.requireNonNull(sample.fields().get("length")));
                assertEquals(length, pieces.count(prompt), 0.05 * length);
                double at = (double) prompt.indexOf("The number of the ") / prompt.lastIndexOf("\n\n");
                assertEquals(Double.parseDouble(Objects.requireNonNull(sample.fields().get("depth"))) / 100, at, 0.06);
            }
        }
        List<String> right = samples.stream().map(sample -> "It is " + sample.answer() + ".").toList();
        assertTrue(NeedleGrid.of(samples, right).isPerfect());
        List<String> half = new ArrayList<>(right);
        half.set(0, "no idea");
        NeedleGrid grid = NeedleGrid.of(samples, half);
        assertEquals(0.5, grid.cells().get("200").get("0"));
        assertEquals(5.5 / 6, grid.overall(), 1e-12);
        assertFalse(grid.isPerfect());
        assertThrows(FinetuneException.class, () -> NeedleGrid.of(samples, List.of()));
        assertThrows(FinetuneException.class, () ->
                Needle.METHOD.create(new Settings(Map.of("depths", List.of("101")))));
        assertThrows(FinetuneException.class, () -> SyntheticTables.METHOD.create(new Settings(Map.of("kinds",
                List.of("cel")))));
    }
}
