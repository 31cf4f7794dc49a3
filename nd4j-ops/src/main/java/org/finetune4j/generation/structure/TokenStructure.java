package org.finetune4j.generation.structure;

import java.util.ArrayDeque;
import java.util.BitSet;
import java.util.Deque;
import java.util.Set;
import org.finetune4j.generation.structure.StructureState.Mask;

/**
 * A form made ready for a tokenizer: which of its tokens may come next.
 *
 * <p>Every byte that the form may need is a token by itself, so that a text that can go on by bytes can go on by tokens,
 * and no text comes to a dead end. What a state allows is found once and kept. An object may be used by several threads.
 */
public final class TokenStructure {
    private static final int MOST_MASKS_KEPT = 2000;
    private static final float NEVER = Float.NEGATIVE_INFINITY;

    private final LazyAutomaton automaton;
    private final TokenTrie trie;
    private final byte[][] tokenBytes;
    private final Set<Integer> ends;
    private final StructureState start;
    private final Deque<StructureState> masked = new ArrayDeque<>();

    /**
     * Makes a form ready.
     *
     * @param ends tokens that end a text, so that none holds them
     * @throws StructureException when the tokenizer lacks tokens for bytes without which no text is left
     */
    TokenStructure(Structure form, TokenVocabulary vocabulary, Set<Integer> ends) {
        this.ends = ends;
        tokenBytes = vocabulary.bytes();
        trie = vocabulary.trie();
        BitSet available = trie.singleBytes(ends);
        automaton = new LazyAutomaton(form.grammar(available));
        start = automaton.start();
    }

    /** The state of a text without any token. */
    public StructureState start() {
        return start;
    }

    /**
     * Refuses a form that may not be complete within so many tokens.
     *
     * @throws StructureException that names both numbers
     */
    public void requireFits(int tokens) {
        if (start.distance > tokens) {
            throw new StructureException("the shortest text of the form has " + start.distance
                    + " bytes, which may need as "
                    + "many tokens, but only " + tokens + " may be generated. Raise maxNewTokens.");
        }
    }

    /** The state after a token that may come. */
    public synchronized StructureState next(StructureState state, int token) {
        StructureState after = state;
        for (byte value : tokenBytes[token]) {
            after = automaton.next(after, value & 0xFF);
        }
        return after;
    }

    /** Whether a text may end in a state. */
    public boolean isAccepting(StructureState state) {
        return state.accepting;
    }

    /** Whether a text must end in a state. */
    public boolean isComplete(StructureState state) {
        return state.accepting && state.states.length == 0;
    }

    /** Whether a token may come in a state. */
    public synchronized boolean allows(StructureState state, int token) {
        return mask(state).allows(token);
    }

    /**
     * Forbids the tokens that cannot come, and while few tokens are left also those after which the text could not be
     * completed.
     *
     * @param logits    {@code [vocabulary]}, which become minus infinity where a token is forbidden
     * @param stopIds   tokens that end a text, which may come where it may end
     * @param remaining tokens that may still be generated, at least 1
     * @return whether the most probable token that fits the form is forbidden because the tokens run out
     */
    public synchronized boolean restrict(StructureState state, float[] logits, Set<Integer> stopIds, int remaining) {
        Mask mask = mask(state);
        float best = NEVER;
        for (int token = 0; token < logits.length; token++) {
            if (mask.allows(token)) {
                best = Math.max(best, logits[token]);
            } else if (!(state.accepting && stopIds.contains(token))) {
                logits[token] = NEVER;
            } else {
                best = Math.max(best, logits[token]);
            }
        }
        if (mask.furthest() < remaining) {
            return false;
        }
        BitSet fits = new BitSet(logits.length);
        walk(state, (token, after) -> fits.set(token, after.distance < remaining));
        float bestFitting = NEVER;
        for (int token = 0; token < logits.length; token++) {
            if (!fits.get(token) && !(state.accepting && stopIds.contains(token))) {
                logits[token] = NEVER;
            }
            bestFitting = Math.max(bestFitting, logits[token]);
        }
        return bestFitting < best;
    }

    private void walk(StructureState state, TokenTrie.Visitor visitor) {
        trie.walk(automaton, state, (token, after) -> {
            if (!ends.contains(token)) {
                visitor.allowed(token, after);
            }
        });
    }

    private Mask mask(StructureState state) {
        Mask known = state.mask;
        if (known == null) {
            long[] bits = new long[(tokenBytes.length + 63) / 64];
            int[] furthest = {0};
            walk(state, (token, after) -> {
                bits[token >> 6] |= 1L << token;
                furthest[0] = Math.max(furthest[0], after.distance);
            });
            known = new Mask(bits, furthest[0]);
            if (masked.size() == MOST_MASKS_KEPT) {
                masked.remove().mask = null;
            }
            masked.add(state);
            state.mask = known;
        }
        return known;
    }
}
