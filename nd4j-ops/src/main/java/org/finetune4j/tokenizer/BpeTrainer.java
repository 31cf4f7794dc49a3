package org.finetune4j.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * Trains a byte-level byte-pair vocabulary.
 *
 * <p>Starting from the 256 bytes, the most frequent neighbouring pair becomes a token, again and again; of pairs that
 * are equally frequent the one with the lower left id, then the lower right id, comes first, so the same texts always
 * give the same vocabulary. Source: Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units",
 * 2016, on bytes as in GPT-2.
 */
public final class BpeTrainer {
    private final int vocabularySize;
    private final List<String> specialTokens;
    private final boolean splitDigits;

    /**
     * Makes a trainer.
     *
     * @param vocabularySize tokens wanted, special tokens and the 256 bytes included
     * @param specialTokens texts that are always one token, which take the ids from 0 on
     * @param splitDigits whether every digit is a token of its own, which makes arithmetic easier to learn
     * @throws IllegalArgumentException if the size has no room for the special tokens and the 256 bytes, or a special
     *     token is shorter than two characters or given twice
     */
    public BpeTrainer(int vocabularySize, List<String> specialTokens, boolean splitDigits) {
        if (vocabularySize < specialTokens.size() + ByteAlphabet.SIZE) {
            throw new IllegalArgumentException("a vocabulary of " + vocabularySize + " has no room for "
                + specialTokens.size() + " special tokens and 256 bytes: ask for at least "
                + (specialTokens.size() + ByteAlphabet.SIZE));
        }
        if (new HashSet<>(specialTokens).size() < specialTokens.size()
            || specialTokens.stream().anyMatch(token -> token.length() < 2)) {
            throw new IllegalArgumentException("special tokens must be different and have two characters or more: "
                + specialTokens);
        }
        this.vocabularySize = vocabularySize;
        this.specialTokens = List.copyOf(specialTokens);
        this.splitDigits = splitDigits;
    }

    /**
     * Trains on texts, which are read once and not kept.
     *
     * @param texts any number of texts; special tokens in them are skipped
     * @return a vocabulary of the wanted size, or a smaller one if no pair is left that occurs twice
     */
    public BytePairVocabulary train(Stream<String> texts) {
        PreTokenizer preTokenizer = new PreTokenizer(specialTokens, splitDigits);
        Map<String, Long> counts = new TreeMap<>();
        texts.forEachOrdered(text -> preTokenizer.words(text, word -> counts.merge(word, 1L, Long::sum)));
        return new Run(counts).merge();
    }

    /** A pair of neighbouring tokens and how often it occurs. */
    private record Candidate(long pair, long count) {}

    private static long pair(int left, int right) {
        return (long) left << 32 | right;
    }

    /** The state of one training. */
    private final class Run {
        private final List<int[]> words = new ArrayList<>();
        private final List<Long> wordCounts = new ArrayList<>();
        private final Map<Long, Long> pairCounts = new HashMap<>();
        private final Map<Long, Set<Integer>> wordsWith = new HashMap<>();
        private final PriorityQueue<Candidate> queue = new PriorityQueue<>(
            Comparator.comparingLong(Candidate::count).reversed().thenComparingLong(Candidate::pair));
        private final List<String> tokens = new ArrayList<>(specialTokens);
        private final Map<String, Integer> ids = new HashMap<>();
        private final List<BytePairVocabulary.Merge> merges = new ArrayList<>();

        Run(Map<String, Long> counts) {
            int firstByte = tokens.size();
            for (int value = 0; value < ByteAlphabet.SIZE; value++) {
                addToken(ByteAlphabet.symbol(value));
            }
            counts.forEach((word, count) -> {
                int[] symbols = ByteAlphabet.bytes(word);
                for (int i = 0; i < symbols.length; i++) {
                    symbols[i] += firstByte;
                }
                words.add(symbols);
                wordCounts.add(count);
                countPairs(words.size() - 1, 1, new HashSet<>());
            });
            pairCounts.forEach((pair, count) -> queue.add(new Candidate(pair, count)));
        }

        BytePairVocabulary merge() {
            while (tokens.size() < vocabularySize && !queue.isEmpty()) {
                Candidate best = queue.poll();
                // Counts only change through a new candidate, so one that no longer agrees is out of date.
                if (best.count != pairCounts.getOrDefault(best.pair, 0L)) {
                    continue;
                }
                if (best.count < 2) {
                    break;
                }
                merge(best.pair);
            }
            return new BytePairVocabulary(specialTokens, tokens, merges, splitDigits);
        }

        private void merge(long pair) {
            int left = (int) (pair >>> 32);
            int right = (int) pair;
            merges.add(new BytePairVocabulary.Merge(tokens.get(left), tokens.get(right)));
            int merged = addToken(tokens.get(left) + tokens.get(right));
            Set<Long> changed = new HashSet<>();
            for (int word : wordsWith.getOrDefault(pair, Set.of()).stream().sorted().toList()) {
                countPairs(word, -1, changed);
                words.set(word, replace(words.get(word), left, right, merged));
                countPairs(word, 1, changed);
            }
            for (long other : changed) {
                long count = pairCounts.getOrDefault(other, 0L);
                if (count > 0) {
                    queue.add(new Candidate(other, count));
                }
            }
        }

        /** Two merges can spell the same token, which then keeps its first id. */
        private int addToken(String token) {
            return ids.computeIfAbsent(token, added -> {
                tokens.add(added);
                return tokens.size() - 1;
            });
        }

        private void countPairs(int word, int sign, Set<Long> changed) {
            int[] symbols = words.get(word);
            for (int i = 0; i + 1 < symbols.length; i++) {
                long pair = pair(symbols[i], symbols[i + 1]);
                pairCounts.merge(pair, sign * wordCounts.get(word), Long::sum);
                changed.add(pair);
                Set<Integer> holders = wordsWith.computeIfAbsent(pair, added -> new HashSet<>());
                if (sign > 0) {
                    holders.add(word);
                } else {
                    holders.remove(word);
                }
            }
        }
    }

    private static int[] replace(int[] symbols, int left, int right, int merged) {
        int[] replaced = new int[symbols.length];
        int length = 0;
        for (int i = 0; i < symbols.length; i++) {
            boolean both = i + 1 < symbols.length && symbols[i] == left && symbols[i + 1] == right;
            replaced[length++] = both ? merged : symbols[i];
            i += both ? 1 : 0;
        }
        return Arrays.copyOf(replaced, length);
    }
}
