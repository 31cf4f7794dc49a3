package org.finetune4j.data;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EncodedCacheTest {
    @TempDir
    Path folder;

    private static ReadData data(long seed) {
        Random random = new Random(seed);
        List<Example> examples = IntStream.range(0, 40).mapToObj(i -> {
            int[] ids = random.ints(1 + random.nextInt(30), 0, 150_000).toArray();
            boolean[] supervised = new boolean[ids.length];
            for (int t = 0; t < ids.length; t++) {
                supervised[t] = random.nextBoolean();
            }
            return new Example("é:" + i, ids, supervised);
        }).toList();
        return new ReadData(43, List.of("a note", "ein Wort: 3"), random.longs(40).toArray(),
                new EncodedSamples(examples, 2, 1));
    }

    private Path file() throws IOException {
        try (var files = Files.list(folder)) {
            return files.findFirst().orElseThrow();
        }
    }

    @Test
    void givesBackWhatWasKept() {
        EncodedCache cache = new EncodedCache(folder);
        assertNull(cache.read("k"));
        ReadData written = data(1);
        cache.write("k", written);
        ReadData read = cache.read("k");
        assertNotNull(read);
        assertEquals(written.rows(), read.rows());
        assertEquals(written.notes(), read.notes());
        assertArrayEquals(written.prompts(), read.prompts());
        assertEquals(written.encoded().hash(), read.encoded().hash());
        assertEquals(written.encoded().lengths(), read.encoded().lengths());
        assertEquals(List.of(2, 1), List.of(read.encoded().dropped(), read.encoded().cut()));
        assertNull(cache.read("other"));
    }

    @Test
    void aDamagedFileCountsAsNone() throws IOException {
        EncodedCache cache = new EncodedCache(folder);
        cache.write("k", data(2));
        Path file = file();
        byte[] whole = Files.readAllBytes(file);
        Random random = new Random(7);
        for (int i = 0; i < 300; i++) {
            byte[] damaged = whole.clone();
            if (i % 3 == 0) {
                damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length));
            } else if (i % 3 == 1) {
                damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            } else {
                damaged = Arrays.copyOf(damaged, damaged.length + 1 + random.nextInt(50));
            }
            Files.write(file, damaged);
            assertNull(cache.read("k"), "damage " + i);
        }
        Files.write(file, whole);
        assertNotNull(cache.read("k"));
    }

    @Test
    void keepsTheFilesUsedLast() throws IOException {
        EncodedCache cache = new EncodedCache(folder);
        for (int i = 0; i < 40; i++) {
            cache.write("k" + i, data(i));
            Files.setLastModifiedTime(folder.resolve("k" + i + ".tokens"),
                    java.nio.file.attribute.FileTime.fromMillis(1_000_000L * (i + 1)));
        }
        try (var files = Files.list(folder)) {
            assertEquals(32, files.count());
        }
        assertNull(cache.read("k7"));
        assertNotNull(cache.read("k8"));
    }

    @Test
    void whatKilledProcessesLeftUnfinishedIsRemoved() throws IOException {
        EncodedCache cache = new EncodedCache(folder);
        // No process has so high a number; ours may still be writing, and the last one is not a file of the cache.
        Files.writeString(folder.resolve("gone.tokens.tmp-999999999-1"), "half");
        Path living = Files.writeString(folder.resolve("other.tokens.tmp-" + ProcessHandle.current().parent()
                .orElseThrow().pid() + "-1"), "half");
        Path foreign = Files.writeString(folder.resolve("notes.txt"), "mine");
        cache.write("k", data(3));
        try (var files = Files.list(folder)) {
            assertEquals(java.util.Set.of(living, foreign, folder.resolve("k.tokens")), files.collect(
                    java.util.stream.Collectors.toSet()));
        }
        assertNotNull(cache.read("k"));
    }

    @Test
    void theKeyFollowsEverythingThatChangesTokens() {
        DataSource source = DataSource.of("d", List.of(Sample.document("d:1", "a")));
        String key = EncodedCache.key(source, "tokenizer", 64, TooLong.DROP);
        assertEquals(key, EncodedCache.key(DataSource.of("d", List.of(Sample.document("d:1", "a"))), "tokenizer", 64,
                TooLong.DROP));
        assertNotEquals(key, EncodedCache.key(DataSource.of("d", List.of(Sample.document("d:1", "b"))), "tokenizer",
                64, TooLong.DROP));
        assertNotEquals(key, EncodedCache.key(source, "another", 64, TooLong.DROP));
        assertNotEquals(key, EncodedCache.key(source, "tokenizer", 65, TooLong.DROP));
        assertNotEquals(key, EncodedCache.key(source, "tokenizer", 64, TooLong.KEEP_END));
        assertNull(EncodedCache.key(new org.finetune4j.data.transform.Filtered(source, row -> true), "tokenizer", 64,
                TooLong.DROP));
    }
}
