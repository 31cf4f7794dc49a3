package org.finetune4j.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.finetune4j.FinetuneException;
import org.finetune4j.tokenizer.Message;
import org.junit.jupiter.api.Test;

class EncoderTest {
    /** A prompt of two tokens, then as many supervised ones as the document has characters. */
    private static final SampleEncoding CHARACTERS = sample -> {
        String text = sample.fields().get(Sample.DOCUMENT);
        int[] ids = IntStream.concat(IntStream.of(1, 2), text.chars()).toArray();
        boolean[] supervised = new boolean[ids.length];
        java.util.Arrays.fill(supervised, 2, ids.length, true);
        return new Example(sample.id(), ids, supervised);
    };

    private static List<Sample> documents(String... texts) {
        return IntStream.range(0, texts.length).mapToObj(i -> Sample.document("s" + i, texts[i])).toList();
    }

    @Test
    void refusesLongSamplesByDefaultAndNamesThem() {
        FinetuneException refusal = assertThrows(FinetuneException.class, () -> new Encoder(CHARACTERS, 5,
                TooLong.ERROR)
                .encode(documents("abc", "abcd", "abcdefg", "a")));
        assertTrue(refusal.getMessage().contains("2 of 4 samples are longer than maxLength 5: s1, s2; the longest "
                + "has 9"),
                refusal.getMessage());
    }

    @Test
    void dropsAndCountsLongSamples() {
        EncodedSamples encoded = new Encoder(CHARACTERS, 5, TooLong.DROP).encode(documents("abc", "abcd", "a"));
        assertEquals(List.of("s0", "s2"), encoded.examples().stream().map(Example::id).toList());
        assertEquals(1, encoded.dropped());
        assertEquals(8, encoded.tokens());
        assertEquals(4, encoded.supervisedTokens());
        assertEquals("no sample is left of 2: 2 are longer than maxLength 3 (the longest has 6 tokens). Raise "
                + "maxLength, shorten the data, or choose tooLong = KEEP_START (cut their ends).",
                assertThrows(FinetuneException.class,
                        () -> new Encoder(CHARACTERS, 3, TooLong.DROP).encode(documents("abc", "abcd"))).getMessage());
    }

    @Test
    void doesNotAdviseToRaiseASettingWhereTheContextIsTheLimit() {
        LengthLimit limit = LengthLimit.of(1024, 3);
        for (TooLong policy : List.of(TooLong.ERROR, TooLong.DROP)) {
            String message = assertThrows(FinetuneException.class,
                    () -> new Encoder(CHARACTERS, limit, policy).encode(documents("abc", "abcd"))).getMessage();
            assertTrue(message.contains("longer than the model's context of 3 tokens"), message);
            assertFalse(message.contains("maxLength"), message);
        }
        assertEquals(new LengthLimit(8, false), LengthLimit.of(8, 9));
        assertEquals(new LengthLimit(9, true), LengthLimit.of(9, 9));
    }

    @Test
    void leavesOutLongResponsesAndSamplesThatLoseEveryOne() {
        SampleEncoding response = sample -> CHARACTERS.encode(Sample.document(sample.id(), sample.response()));
        List<Message> prompt = List.of(new Message("user", "?"));
        Sample some = new Sample("some", prompt, List.of(new Sample.Candidate("abcd", "a"),
                new Sample.Candidate("abc", "b"),
                new Sample.Candidate("abcde", "c")), null, Map.of());
        Sample none = new Sample("none", prompt, List.of(new Sample.Candidate("abcd", "a")), null, Map.of());
        Sample own = new Sample("own", prompt, List.of(), null, Map.of());
        FittingResponses fitting = FittingResponses.of(List.of(some, none, own.withResponse("abc"),
                own.withResponse("abcd")), response, 5);
        assertEquals(List.of(new Sample("some", prompt, List.of(new Sample.Candidate("abc", "b")), null, Map.of()),
                own.withResponse("abc")), fitting.samples());
        assertEquals(4, fitting.longResponses());
        assertEquals(2, fitting.lostSamples());
    }

    @Test
    void cutsTheEndAndRefusesASampleThatLosesItsResponse() {
        EncodedSamples encoded = new Encoder(CHARACTERS, 4, TooLong.KEEP_START).encode(documents("abc", "a"));
        assertArrayEquals(new int[] {1, 2, 'a', 'b'}, encoded.examples().get(0).ids());
        assertEquals(1, encoded.cut());
        FinetuneException refusal = assertThrows(FinetuneException.class,
                () -> new Encoder(CHARACTERS, 2, TooLong.KEEP_START).encode(documents("abc")));
        assertTrue(refusal.getMessage().contains("1 of 1 samples have no token to learn: s0"), refusal.getMessage());
        assertTrue(refusal.getMessage().contains("beyond token 2"), refusal.getMessage());
    }

    @Test
    void cutsTheStartAndRefusesASampleThatLosesItsResponse() {
        EncodedSamples encoded = new Encoder(CHARACTERS, 3, TooLong.KEEP_END).encode(documents("abcd", "a"));
        assertArrayEquals(new int[] {'b', 'c', 'd'}, encoded.examples().get(0).ids());
        assertEquals(2, encoded.examples().get(0).supervisedTokens());
        assertEquals(1, encoded.cut());
        SampleEncoding promptLast = sample -> new Example(sample.id(), new int[] {1, 2, 3, 4, 5},
                new boolean[] {false, true, false, false, false});
        String message = assertThrows(FinetuneException.class,
                () -> new Encoder(promptLast, 3, TooLong.KEEP_END).encode(documents("x"))).getMessage();
        assertTrue(message.contains("1 of 1 samples have no token to learn: s0 (its response lies before the last 3 "
                + "tokens)"), message);
    }

    /** Cut into pieces or not, every supervised token is learned once and in its order. */
    @Test
    void piecesLearnEverySupervisedTokenOnce() {
        Random random = new Random(3);
        for (int trial = 0; trial < 200; trial++) {
            int length = 2 + random.nextInt(40);
            int[] ids = IntStream.range(0, length).toArray();
            boolean[] supervised = new boolean[length];
            for (int i = 0; i < length; i++) {
                supervised[i] = random.nextInt(4) == 0;
            }
            supervised[length - 1] = true;
            Example whole = new Example("w", ids, supervised);
            int most = 2 + random.nextInt(12);
            EncodedSamples encoded = new Encoder(sample -> whole, most, TooLong.SPLIT).encode(documents("x"));
            List<Integer> learned = new ArrayList<>();
            for (Example piece : encoded.examples()) {
                assertTrue(piece.ids().length <= most && piece.supervisedTokens() > 0);
                for (int i = 1; i < piece.ids().length; i++) {
                    if (piece.supervised()[i]) {
                        learned.add(piece.ids()[i]);
                    }
                }
            }
            assertEquals(IntStream.range(1, length).filter(i -> supervised[i]).boxed().toList(), learned);
        }
        assertEquals(List.of("s0#1", "s0#2", "s1"), new Encoder(CHARACTERS, 4, TooLong.SPLIT)
                .encode(documents("abcde", "a")).examples()
                .stream().map(Example::id).toList());
    }

    @Test
    void partByPartIsAllAtOnce() {
        List<Sample> samples = documents("abc", "a", "abcd", "ab", "abcdefgh");
        Encoder encoder = new Encoder(CHARACTERS, 6, TooLong.DROP);
        Encoder.Pass pass = encoder.begin();
        samples.forEach(sample -> pass.add(List.of(sample)));
        EncodedSamples parts = pass.finish();
        EncodedSamples whole = encoder.encode(samples);
        assertEquals(whole.hash(), parts.hash());
        assertEquals(whole.lengths(), parts.lengths());
        assertEquals(new LengthStatistics(5, 3, 5, 10, 10, 10, "s4", 5.6, List.of(new LengthStatistics.Bin(3, 3, 1),
                new LengthStatistics.Bin(4, 4, 1), new LengthStatistics.Bin(5, 5, 1), new LengthStatistics.Bin(6, 6, 1),
                new LengthStatistics.Bin(7, 7, 0), new LengthStatistics.Bin(8, 8, 0), new LengthStatistics.Bin(9, 9, 0),
                new LengthStatistics.Bin(10, 10, 1))), whole.lengths());
    }

    @Test
    void binsHaveRoundWidthsAndHoldEverySample() {
        Random random = new Random(2);
        for (int longest : new int[] {1, 11, 12, 13, 99, 100, 480, 1023, 5000, 70_000}) {
            int[] lengths = random.ints(500, 1, longest + 1).toArray();
            LengthStatistics statistics = LengthStatistics.of(lengths, "x");
            assertEquals(500, statistics.bins().stream().mapToInt(LengthStatistics.Bin::count).sum());
            assertTrue(statistics.bins().size() <= 12, statistics.toString());
            int width = statistics.bins().get(0).to() - statistics.bins().get(0).from() + 1;
            assertTrue(String.valueOf(width).matches("[125]0*"), width + " of " + longest);
        }
    }

    @Test
    void refusesAndCountsSamplesWithoutASupervisedToken() {
        FinetuneException refusal = assertThrows(FinetuneException.class, () -> new Encoder(CHARACTERS, 9,
                TooLong.ERROR)
                .encode(documents("a", "", "b", "", "", "", "", "")));
        assertTrue(refusal.getMessage().contains("6 of 8 samples have no token to learn: s1, s3, s4, s5, s6, and 1 "
                + "more"),
                refusal.getMessage());
    }

    @Test
    void theFirstTokenNeverCountsAndWhatFollowsTheLastSupervisedOneIsNotFed() {
        Example example = new Example("e", new int[] {5, 6, 7, 8, 9}, new boolean[] {true, false, true, false, false});
        assertEquals(1, example.supervisedTokens());
        assertEquals(2, example.inputTokens());
        assertEquals(0, new Example("e", new int[] {5}, new boolean[] {true}).supervisedTokens());
    }

    @Test
    void theHashSeesEveryTokenMarkNameAndPlace() {
        Example one = new Example("a", new int[] {1, 2}, new boolean[] {false, true});
        Example two = new Example("b", new int[] {1, 2}, new boolean[] {false, true});
        String hash = new EncodedSamples(List.of(one, two), 0, 0).hash();
        assertEquals(hash, new EncodedSamples(List.of(one, two), 1, 1).hash());
        assertNotEquals(hash, new EncodedSamples(List.of(two, one), 0, 0).hash());
        assertNotEquals(hash, new EncodedSamples(List.of(one,
                new Example("b", new int[] {1, 3}, new boolean[] {false, true})), 0, 0).hash());
        assertNotEquals(hash, new EncodedSamples(List.of(one,
                new Example("b", new int[] {1, 2}, new boolean[] {true, true})), 0, 0).hash());
    }
}
