package org.finetune4j.generation.structure;

import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.Set;
import java.util.stream.IntStream;

/** The bytes of all tokens as a tree, laid out so that a walk passes over what cannot come. */
final class TokenTrie {
    private static final int NO_TOKEN = -1;

    /** For each node, in the order in which a walk meets them: its byte, its depth, and where its subtree ends. */
    private final byte[] values;
    private final short[] depths;
    private final int[] ends;
    /** The first token that ends at each node; others with the same bytes follow one after another. */
    private final int[] tokens;
    private final int[] sameBytes;
    private final int deepest;

    /**
     * A tree of tokens.
     *
     * @param bytes the bytes of each token by its id; null for one that is no text
     */
    TokenTrie(byte[][] bytes) {
        int[] order = IntStream.range(0, bytes.length).filter(id -> bytes[id] != null && bytes[id].length > 0).boxed()
                .sorted(Comparator.comparing((Integer id) -> bytes[id], Arrays::compareUnsigned)).mapToInt(id ->
                id).toArray();
        long total = IntStream.of(order).mapToLong(id -> bytes[id].length).sum();
        byte[] value = new byte[(int) total];
        short[] depth = new short[(int) total];
        int[] token = new int[(int) total];
        int[] path = new int[Short.MAX_VALUE];
        sameBytes = new int[bytes.length];
        Arrays.fill(sameBytes, NO_TOKEN);
        ends = new int[(int) total];
        int count = 0;
        int most = 0;
        byte[] previous = {};
        for (int id : order) {
            byte[] own = bytes[id];
            int common = Math.max(0, Arrays.mismatch(previous, own));
            if (Arrays.equals(previous, own)) {
                sameBytes[id] = token[path[own.length - 1]];
                token[path[own.length - 1]] = id;
                continue;
            }
            for (int d = common; d < previous.length; d++) {
                ends[path[d]] = count;
            }
            for (int d = common; d < own.length; d++) {
                value[count] = own[d];
                depth[count] = (short) d;
                token[count] = d == own.length - 1 ? id : NO_TOKEN;
                path[d] = count++;
            }
            most = Math.max(most, own.length);
            previous = own;
        }
        for (int d = 0; d < previous.length; d++) {
            ends[path[d]] = count;
        }
        values = Arrays.copyOf(value, count);
        depths = Arrays.copyOf(depth, count);
        tokens = Arrays.copyOf(token, count);
        deepest = most;
    }

    /** Bytes that are a token by themselves, other than these tokens. */
    BitSet singleBytes(Set<Integer> except) {
        BitSet single = new BitSet(256);
        for (int node = 0; node < values.length; node = ends[node]) {
            for (int token = tokens[node]; token != NO_TOKEN; token = sameBytes[token]) {
                if (!except.contains(token)) {
                    single.set(values[node] & 0xFF);
                }
            }
        }
        return single;
    }

    /** Hears a token that may come, and the state after it. */
    interface Visitor {
        void allowed(int token, StructureState after);
    }

    /** Visits every token that may come in a state. */
    void walk(LazyAutomaton automaton, StructureState from, Visitor visitor) {
        StructureState[] path = new StructureState[deepest + 1];
        path[0] = from;
        for (int node = 0; node < values.length;) {
            StructureState after = automaton.next(path[depths[node]], values[node] & 0xFF);
            if (after.isDead()) {
                node = ends[node];
                continue;
            }
            path[depths[node] + 1] = after;
            for (int token = tokens[node]; token != NO_TOKEN; token = sameBytes[token]) {
                visitor.allowed(token, after);
            }
            node++;
        }
    }
}
