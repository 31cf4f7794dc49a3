package org.finetune4j.generation.structure;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How far a text has come in its form: every way in which it may go on. */
public final class StructureState {
    /** Ways in which the text may go on: states, and the calls around each. */
    final int[] states;
    final Frame[] frames;
    final boolean accepting;
    /** Fewest bytes to a whole text. */
    final int distance;
    /** The state after each byte, where it has been looked for. */
    final @Nullable StructureState[] next = new StructureState[256];
    @Nullable Mask mask;

    StructureState(int[] states, Frame[] frames, boolean accepting, int distance) {
        this.states = states;
        this.frames = frames;
        this.accepting = accepting;
        this.distance = distance;
    }

    /** Whether no text goes on from here. */
    boolean isDead() {
        return states.length == 0 && !accepting;
    }

    /** The calls that a state is within, innermost first; equal stacks are the same object. */
    static final class Frame {
        final int id;
        final int returnTo;
        final @Nullable Frame parent;
        final int depth;
        /** Bytes from the end of the called rule to the end of everything. */
        final int distance;
        private final Map<Integer, Frame> children = new HashMap<>();

        Frame(int id, int returnTo, @Nullable Frame parent, int distance) {
            this.id = id;
            this.returnTo = returnTo;
            this.parent = parent;
            this.depth = parent == null ? 0 : parent.depth + 1;
            this.distance = distance;
        }

        Map<Integer, Frame> children() {
            return children;
        }
    }

    /**
     * Tokens that may come next.
     *
     * @param bits     one for each token
     * @param furthest the most bytes that are left to a whole text after one of them
     */
    record Mask(long[] bits, int furthest) {
        boolean allows(int token) {
            return token >> 6 < bits.length && (bits[token >> 6] >>> token & 1) != 0;
        }
    }
}
