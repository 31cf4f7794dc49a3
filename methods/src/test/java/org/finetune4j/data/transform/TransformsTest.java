package org.finetune4j.data.transform;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.finetune4j.FinetuneException;
import org.finetune4j.data.DataReport;
import org.finetune4j.data.DataSource;
import org.finetune4j.data.LabelledResponse;
import org.finetune4j.data.PreferencePair;
import org.finetune4j.data.Provenance;
import org.finetune4j.data.Row;
import org.finetune4j.data.RowStream;
import org.finetune4j.data.Sample;
import org.finetune4j.data.transform.HashSplit.Side;
import org.finetune4j.data.transform.Mix.End;
import org.finetune4j.data.transform.Mix.Weighted;
import org.finetune4j.tokenizer.Conversation;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

class TransformsTest {
    private static Sample sample(String id, String prompt, String response) {
        return new Sample(id, List.of(Message.user(prompt), Message.assistant(response)), List.of(), null, Map.of());
    }

    private static DataSource numbered(String name, int count) {
        return DataSource.of(name, IntStream.range(0, count).mapToObj(i -> sample(name + ":" + i, name + " asks " + i,
                "r" + i)).toList());
    }

    private static List<String> ids(DataSource source) {
        return source.rows().stream().map(Row::id).toList();
    }

    private static List<String> of(String source, List<String> ids) {
        return ids.stream().filter(id -> id.startsWith(source + ":")).toList();
    }

    private static DataReport reportOf(DataSource source) {
        DataReport report = new DataReport();
        try (RowStream rows = source.open(report)) {
            while (rows.next() != null) {
                // Only the report counts.
            }
        }
        return report;
    }

    private static Mix mix(End end, long seed, Object... sourcesAndWeights) {
        List<Weighted> parts = new ArrayList<>();
        for (int i = 0; i < sourcesAndWeights.length; i += 2) {
            parts.add(new Weighted((DataSource) sourcesAndWeights[i], (double) sourcesAndWeights[i + 1]));
        }
        return new Mix(parts, seed, end);
    }

    @Test
    void aMixtureKeepsItsWeightsAndTheOrderOfEachSource() {
        DataSource a = numbered("a", 7000);
        DataSource b = numbered("b", 7000);
        List<String> mixed = ids(mix(End.SHORTEST, 1, a, 0.7, b, 0.3));
        assertEquals(ids(a).subList(0, of("a", mixed).size()), of("a", mixed));
        assertEquals(ids(b).subList(0, of("b", mixed).size()), of("b", mixed));
        // It ended when a had no row left, near the 10,000th draw; the share has a standard error of 0.0046.
        assertEquals(7000, of("a", mixed).size());
        assertEquals(0.3, of("b", mixed).size() / (double) mixed.size(), 0.02);
        assertEquals(mixed, ids(mix(End.SHORTEST, 1, a, 7.0, b, 3.0)));
        assertNotEquals(mixed, ids(mix(End.SHORTEST, 2, a, 0.7, b, 0.3)));
    }

    @Test
    void theEndsOfAPassAreWhatTheySay() {
        DataSource small = numbered("s", 10);
        DataSource large = numbered("l", 100);
        List<String> once = ids(mix(End.ONCE, 3, small, 0.5, large, 0.5));
        assertEquals(110, once.size());
        assertEquals(110, Set.copyOf(once).size());
        List<String> repeated = ids(mix(End.REPEAT, 3, small, 0.5, large, 0.5));
        assertEquals(100, of("l", repeated).size());
        assertEquals(100, of("s", repeated).size(), 35);
        assertEquals(ids(small), of("s", repeated).subList(10, 20));
        List<String> shortest = ids(mix(End.SHORTEST, 3, small, 0.5, large, 0.5));
        assertEquals(10, of("s", shortest).size());
        assertEquals(repeated.subList(0, shortest.size()), shortest);
        assertTrue(reportOf(mix(End.REPEAT, 3, small, 0.5, large, 0.5)).lines().contains("drawn from l: 100"));
        assertThrows(FinetuneException.class, () -> mix(End.ONCE, 1, small, 0.0));
        assertThrows(FinetuneException.class, () -> mix(End.ONCE, 1));
    }

    @Test
    void aSplitPartsPromptsStablyAndWithoutLeaks() {
        Random random = new Random(5);
        List<Sample> rows = new ArrayList<>();
        for (int i = 0; i < 4000; i++) {
            int prompt = random.nextInt(2000);
            rows.add(sample("x:" + i, (i % 2 == 0 ? "Ask  " : "ask ") + prompt + (i % 3 == 0 ? " " : ""), "answer "
                    + i));
        }
        DataSource source = DataSource.of("x", rows);
        Set<String> heldOut = Set.copyOf(ids(new HashSplit(source, 0.2, 0, Side.HELD_OUT)));
        Set<String> trained = Set.copyOf(ids(new HashSplit(source, 0.2, 0, Side.TRAIN)));
        assertEquals(4000, heldOut.size() + trained.size());
        // The share has a standard error of 0.0096 over some 1,730 prompts.
        assertEquals(0.2, heldOut.size() / 4000.0, 0.04);
        Map<Boolean, Set<String>> prompts = rows.stream()
                .collect(Collectors.partitioningBy(row -> heldOut.contains(row.id()),
                Collectors.mapping(row -> row.prompt().get(0).text().strip().replaceAll("\\s+", " ").toLowerCase(),
                Collectors.toSet())));
        assertTrue(Collections.disjoint(prompts.get(true), prompts.get(false)));
        Collections.shuffle(rows, random);
        DataSource other = DataSource.of("x", Stream.concat(rows.stream(), numbered("new", 500).samples().stream())
                .toList());
        Set<String> later = Set.copyOf(ids(new HashSplit(other, 0.2, 0, Side.HELD_OUT)));
        assertEquals(heldOut, later.stream().filter(id -> id.startsWith("x:")).collect(Collectors.toSet()));
        assertNotEquals(heldOut, Set.copyOf(ids(new HashSplit(source, 0.2, 1, Side.HELD_OUT))));
        assertThrows(FinetuneException.class, () -> new HashSplit(source, 1, 0, Side.TRAIN));
        assertThrows(FinetuneException.class, () -> ids(new HashSplit(numbered("few", 2), 0.001, 0, Side.HELD_OUT)));
    }

    @Test
    void aConversationStandsOnOneSideHoweverFarItGoes() {
        List<Sample> rows = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            List<Message> turns = List.of(Message.system("Be brief."), Message.user("Ask " + i), Message.assistant("A"),
                    Message.user("And then?"), Message.assistant("B"));
            rows.add(new Sample("short:" + i, turns.subList(0, 3), List.of(), null, Map.of()));
            rows.add(new Sample("long:" + i, turns, List.of(), null, Map.of()));
            List<Message> parts = List.of(turns.get(0), Message.ofParts("user", List.of("Ask ", "" + i)), turns.get(2));
            rows.add(new Sample("parts:" + i, parts, List.of(), null, Map.of()));
        }
        DataSource source = DataSource.of("x", rows);
        List<String> heldOut = ids(new HashSplit(source, 0.5, 0, Side.HELD_OUT));
        List<String> first = of("short", heldOut).stream().map(id -> id.substring(6)).toList();
        assertTrue(first.size() > 10 && first.size() < 50, first.toString());
        assertEquals(first, of("long", heldOut).stream().map(id -> id.substring(5)).toList());
        assertEquals(first, of("parts", heldOut).stream().map(id -> id.substring(6)).toList());
        // Parts say the same as one text, but a template may print them otherwise.
        assertEquals(0, of("parts", ids(new Deduplicated(source, null))).size());
        assertNotEquals(DataSource.of("x", List.of(rows.get(0))).fingerprint(),
                DataSource.of("x", List.of(new Sample("short:0", rows.get(2).messages(), List.of(), null, Map.of())))
                .fingerprint());
    }

    @Test
    void repetitionsAreLeftOutAndTheFirstIsKept() {
        DataSource source = DataSource.of("d", List.of(sample("d:1", "What is it?", "A cat"), sample("d:2",
                "what  is IT? ", "a cat\n"),
                sample("d:3", "What is it?", "A dog"), sample("d:4", "What is it?", "A \uFF23at")));
        assertEquals(List.of("d:1", "d:3"), ids(new Deduplicated(source, null)));
        assertEquals(List.of("repetitions left out of d: 2"), reportOf(new Deduplicated(source, null)).lines());
        Deduplicated once = new Deduplicated(source, null);
        assertEquals(ids(once), ids(new Deduplicated(once, null)));
    }

    @Test
    void nearRepetitionsAreFoundAtTheirThreshold() {
        Random random = new Random(11);
        List<Sample> rows = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            List<String> words = new ArrayList<>(IntStream.range(0, 200).mapToObj(w -> "w" + random.nextInt(5000))
                    .toList());
            rows.add(Sample.document("first:" + i, String.join(" ", words)));
            words.set(100, "changed");
            rows.add(Sample.document("near:" + i, String.join(" ", words)));
            for (int w = 0; w < 200; w += 8) {
                words.set(w, "other" + random.nextInt(5000));
            }
            rows.add(Sample.document("far:" + i, String.join(" ", words)));
        }
        DataSource source = DataSource.of("n", rows);
        // One changed word of 200 leaves 195 of 201 triples; 26 of them leave about 45 %.
        List<String> kept = ids(new Deduplicated(source, 0.8));
        assertEquals(60, of("first", kept).size());
        assertEquals(0, of("near", kept).size());
        assertEquals(60, of("far", kept).size());
        // At 1 only texts go whose 128 least hashes are all the same: two in a hundred of those that share 97 %.
        assertTrue(ids(new Deduplicated(source, 1.0)).size() >= 172);
        DataReport report = reportOf(new Deduplicated(source, 0.8));
        assertTrue(report.lines().contains("near repetitions (similarity of at least 0.8) left out of n: 60"),
                report.lines().toString());
        assertTrue(report.lines().contains("the last near repetition is near:59, like first:59"), report.lines()
                .toString());
        assertThrows(FinetuneException.class, () -> new Deduplicated(source, 0.0));
    }

    @Test
    void minHashEstimatesJaccardSimilarity() {
        Random random = new Random(3);
        double error = 0;
        for (int trial = 0; trial < 40; trial++) {
            List<String> words = IntStream.range(0, 100).mapToObj(w -> "v" + random.nextInt(100_000)).toList();
            List<String> other = new ArrayList<>(words);
            for (int change = 0; change < trial / 2; change++) {
                other.set(random.nextInt(100), "x" + random.nextInt(100_000));
            }
            double estimated = MinHash.similarity(MinHash.signature(String.join(" ", words)),
                    MinHash.signature(String.join(" ", other)));
            error += estimated - jaccard(words, other);
            assertEquals(jaccard(words, other), estimated, 0.18);
        }
        assertEquals(0, error / 40, 0.02);
    }

    private static double jaccard(List<String> one, List<String> other) {
        Set<List<String>> a = new HashSet<>();
        Set<List<String>> b = new HashSet<>();
        for (int i = 0; i + 3 <= one.size(); i++) {
            a.add(one.subList(i, i + 3));
            b.add(other.subList(i, i + 3));
        }
        Set<List<String>> both = new HashSet<>(a);
        both.retainAll(b);
        return both.size() / (double) (a.size() + b.size() - both.size());
    }

    @Test
    void aShuffleIsAFairPermutationOfItsSeed() {
        DataSource source = numbered("p", 50);
        List<String> shuffled = ids(new Shuffled(source, 1, 100));
        assertEquals(Set.copyOf(ids(source)), Set.copyOf(shuffled));
        assertEquals(50, shuffled.size());
        assertEquals(shuffled, ids(new Shuffled(source, 1, 100)));
        assertNotEquals(shuffled, ids(new Shuffled(source, 2, 100)));
        List<String> buffered = ids(new Shuffled(source, 1, 10));
        assertEquals(50, Set.copyOf(buffered).size());
        for (int i = 0; i < 50; i++) {
            assertTrue(Integer.parseInt(buffered.get(i).substring(2)) < i + 10);
        }
        int[] firsts = new int[4];
        for (int seed = 0; seed < 4000; seed++) {
            firsts[Integer.parseInt(ids(new Shuffled(numbered("f", 4), seed, 4)).get(0).substring(2))]++;
        }
        for (int count : firsts) {
            assertEquals(1000, count, 150);
        }
    }

    @Test
    void takesSkipsFiltersAndTags() {
        DataSource source = numbered("t", 10);
        assertEquals(List.of("t:3", "t:4"), ids(new Range(source, 3, 2L)));
        assertEquals(List.of("t:8", "t:9"), ids(new Range(source, 8, null)));
        assertEquals(10, ids(new Range(source, 0, 99L)).size());
        assertThrows(FinetuneException.class, () -> ids(new Range(source, 11, null)));
        DataSource odd = new Filtered(source, row -> row.id().matches(".*[13579]"));
        assertEquals(List.of("t:1", "t:3", "t:5", "t:7", "t:9"), ids(odd));
        assertNull(odd.fingerprint());
        assertNull(mix(End.ONCE, 1, odd, 1.0).fingerprint());
        assertEquals(List.of("left out of t by filter { }: 5"), reportOf(odd).lines());
        Row tagged = new Tagged(new Tagged(new Tagged(source, "a"), "b"), "a").rows().get(0);
        assertEquals(new Provenance("t", List.of("a", "b")), tagged.provenance());
    }

    @Test
    void chosenAndGoodResponsesAreTakenAlone() {
        Conversation asked = Conversation.of(Message.user("p"));
        Provenance here = new Provenance("c", List.of());
        List<Row> rows = List.of(new PreferencePair("c:1", asked, List.of(Message.assistant("good")),
                List.of(Message.assistant("bad")),
                null, Map.of(), here), new LabelledResponse("c:2", asked, List.of(Message.assistant("fine")), true,
                Map.of(), here),
                new LabelledResponse("c:3", asked, List.of(Message.assistant("poor")), false, Map.of(), here),
                sample("c:4", "q", "r"));
        DataSource source = DataSource.of("c", rows);
        assertEquals(List.of("good", "fine", "r"), new ChosenOnly(source).samples().stream().map(Sample::response)
                .toList());
        String message = assertThrows(FinetuneException.class, source::samples).getMessage();
        assertTrue(message.contains("labelled responses (each good or bad)=2, preferences (a chosen and a rejected "
                + "response)=1"), message);
    }

    @Test
    void everySettingIsInTheFingerprint() {
        DataSource a = numbered("a", 3);
        List<DataSource> sources = List.of(a, numbered("a", 4), new Range(a, 1, null), new Range(a, 0, 1L),
                new Shuffled(a, 1, 5),
                new Shuffled(a, 2, 5), new Shuffled(a, 1, 6), new Deduplicated(a, null), new Deduplicated(a, 0.5),
                new Tagged(a, "x"),
                new ChosenOnly(a), new HashSplit(a, 0.5, 0, Side.TRAIN), new HashSplit(a, 0.5, 0, Side.HELD_OUT),
                new HashSplit(a, 0.4, 0, Side.TRAIN), new HashSplit(a, 0.5, 1, Side.TRAIN), mix(End.ONCE, 1, a, 1.0),
                mix(End.ONCE, 2, a, 1.0),
                mix(End.REPEAT, 1, a, 1.0), mix(End.ONCE, 1, a, 2.0), mix(End.ONCE, 1, a, 1.0, a, 1.0));
        assertEquals(sources.size(), sources.stream().map(DataSource::fingerprint).distinct().count());
        assertEquals(sources.get(9).fingerprint(), new Tagged(numbered("a", 3), "x").fingerprint());
    }
}
