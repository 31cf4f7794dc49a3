package org.finetune4j.methods.data;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.Overlap;
import org.finetune4j.data.Row;
import org.finetune4j.data.Sample;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

/** The numbered tests of the card sft-grpo-overlap that its split can pass, and the overlap of any data. */
class OverlapSplitTest {
    private static Sample sample(String id, String prompt, String response) {
        return new Sample(id, List.of(Message.user(prompt), Message.assistant(response)), List.of(), null, Map.of());
    }

    private static DataSource pool(int prompts) {
        return DataSource.of("pool", IntStream.range(0, prompts).mapToObj(i ->
                sample("pool:" + i, "state " + i, "y" + i))
                .toList());
    }

    private static DataSource side(DataSource pool, int sft, int rl, double overlap, OverlapSplit.Side side) {
        return new OverlapSplit(sft, rl, overlap, 7, side).of(pool);
    }

    private static List<String> ids(DataSource source) {
        return source.rows().stream().map(Row::id).toList();
    }

    @Test
    void test1SharedPromptsAndThePoolAreAsLargeAsTheOverlapSays() {
        int[][] expected = {{0, 36_000}, {4_800, 31_200}, {16_000, 20_000}};
        double[] overlaps = {0, 0.3, 1};
        for (int i = 0; i < overlaps.length; i++) {
            OverlapSplit split = new OverlapSplit(20_000, 16_000, overlaps[i], 1, OverlapSplit.Side.RL);
            assertEquals(expected[i][0], split.shared());
            assertEquals(expected[i][1], split.needed());
        }
        String message = assertThrows(FinetuneException.class,
                () -> new OverlapSplit(1000, 1600, 1, 1, OverlapSplit.Side.SFT)).getMessage();
        assertTrue(message.contains("1600 of the 1600") && message.contains("sft has only 1000"), message);
        String small = assertThrows(FinetuneException.class,
                () -> side(pool(311), 200, 160, 0.3, OverlapSplit.Side.SFT).rows()).getMessage();
        assertTrue(small.contains("311 different prompts") && small.contains("312 are needed"), small);
        assertEquals(200, side(pool(312), 200, 160, 0.3, OverlapSplit.Side.SFT).rows().size());
    }

    @Test
    void test2TheSetForSftIsTheSameAndTheOverlapExact() {
        DataSource pool = pool(400);
        List<String> sft = ids(side(pool, 200, 160, 0, OverlapSplit.Side.SFT));
        Set<String> smaller = Set.of();
        for (double overlap : new double[] {0, 0.3, 0.5, 1}) {
            DataSource first = side(pool, 200, 160, overlap, OverlapSplit.Side.SFT);
            DataSource second = side(pool, 200, 160, overlap, OverlapSplit.Side.RL);
            assertEquals(sft, ids(first));
            assertEquals(160, second.rows().size());
            Overlap measured = Overlap.between(second, first);
            assertEquals(Math.round(overlap * 160), measured.shared());
            assertEquals(Math.round(overlap * 160) / 160.0, measured.share());
            Set<String> shared = new HashSet<>(ids(second));
            shared.retainAll(sft);
            assertTrue(shared.containsAll(smaller), "the shared prompts are nested");
            smaller = shared;
            assertEquals(shared.size(), second.rows().stream().filter(row ->
                    row.provenance().tags().equals(List.of("sft", "rl"))).count());
        }
    }

    @Test
    void test3EqualPromptsWithOtherAnswersAreTheSamePrompt() {
        List<Sample> rows = new ArrayList<>();
        for (int i = 0; i < 50; i++) {
            rows.add(sample("a:" + i, "State " + i, "one"));
            rows.add(sample("b:" + i, "  state\t" + i + " ", "two"));
        }
        DataSource pool = DataSource.of("pool", rows);
        assertTrue(assertThrows(FinetuneException.class, () -> side(pool, 30, 30, 0, OverlapSplit.Side.RL).rows())
                .getMessage()
                .contains("50 different prompts"));
        assertEquals(0, Overlap.between(side(pool, 20, 30, 0, OverlapSplit.Side.RL),
                side(pool, 20, 30, 0, OverlapSplit.Side.SFT)).shared());
        assertEquals(50, Overlap.between(DataSource.of("b", rows.stream().filter(row -> row.id().startsWith("b"))
                .toList()),
                DataSource.of("a", rows.stream().filter(row -> row.id().startsWith("a")).toList())).shared());
    }

    @Test
    void rowsThatWereMadeOfOthersOverlapWithThemWhateverTheySay() {
        DataSource own = DataSource.of("own", IntStream.range(0, 9).mapToObj(i ->
                sample("own:" + i, "Go Up " + i, "Up")).toList());
        DataSource renamed = new Diversified(List.of("Up"), 1, 1).of(own);
        assertEquals(new Overlap(9, 9, List.of("own:0", "own:1", "own:2")), Overlap.between(own, renamed));
        assertEquals(9, Overlap.between(renamed, own).shared());
        assertEquals(9, Overlap.between(new Diversified(List.of("Up"), 1, 2).of(own), renamed).shared());
        DataSource others = DataSource.of("others", List.of(sample("own:1", "Go Down", "Down")));
        assertEquals(0, Overlap.between(others, own).shared(), "an id alone tells nothing of rows that were read");
    }

    @Test
    void everySeedDrawsOtherPromptsAndAnAddedRowMovesNoOther() {
        List<String> some = ids(side(pool(400), 100, 100, 0, OverlapSplit.Side.SFT));
        assertFalse(some.equals(ids(new OverlapSplit(100, 100, 0, 8, OverlapSplit.Side.SFT).of(pool(400)))));
        List<String> more = ids(side(pool(401), 100, 100, 0, OverlapSplit.Side.SFT));
        assertTrue(more.stream().filter(some::contains).count() >= 99, "one row more can push out one");
    }
}
