package org.finetune4j.generation;

import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Map;

/** The tokens of a text so far: its prompt and what was added. */
final class TokenHistory {
    private final int[] prompt;
    private final BitSet seen = new BitSet();
    private final Map<Integer, Integer> counts = new HashMap<>();
    private int[] added = new int[16];
    private int count;

    TokenHistory(int[] prompt) {
        this.prompt = prompt;
        Arrays.stream(prompt).forEach(seen::set);
    }

    /** A copy that goes on by itself. */
    TokenHistory copy() {
        TokenHistory copy = new TokenHistory(prompt);
        for (int i = 0; i < count; i++) {
            copy.add(added[i]);
        }
        return copy;
    }

    void add(int token) {
        if (count == added.length) {
            added = Arrays.copyOf(added, 2 * count);
        }
        added[count++] = token;
        seen.set(token);
        counts.merge(token, 1, Integer::sum);
    }

    /** The number of added tokens. */
    int count() {
        return count;
    }

    int last() {
        return added[count - 1];
    }

    int[] added() {
        return Arrays.copyOf(added, count);
    }

    /** Tokens of the prompt and of what was added. */
    int length() {
        return prompt.length + count;
    }

    /** The token at a place, counted from the beginning of the prompt. */
    int at(int place) {
        return place < prompt.length ? prompt[place] : added[place - prompt.length];
    }

    /** Every token that prompt or continuation hold. */
    BitSet seen() {
        return seen;
    }

    /** How often the continuation holds its tokens. */
    Map<Integer, Integer> counts() {
        return counts;
    }
}
