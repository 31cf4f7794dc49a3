package org.finetune4j.generation.structure;

/**
 * Rules as one automaton over bytes. A state has transitions over ranges of bytes, empty ones, and calls of rules that
 * come back to another state; every rule has one state at which it ends.
 */
final class Grammar {
    /** Most rules that are called within each other at a time, which bounds how deep what is generated nests. */
    static final int MOST_DEPTH = 64;
    /** Distance of a state from which no rule ends. */
    static final int NEVER = Integer.MAX_VALUE;

    private final int start;
    private final int[][] bytes;
    private final int[][] empty;
    private final int[][] calls;
    private final boolean[] ends;
    private final int[] distance;
    private final int[] height;

    /**
     * A compiled grammar.
     *
     * @param start    the state at which the outermost rule begins
     * @param bytes    for each state its byte transitions: lowest byte, highest byte, next state, and so on
     * @param empty    for each state the states that are reached without a byte
     * @param calls    for each state its calls: beginning of the rule, state to come back to, and so on
     * @param ends     whether a state is the end of its rule
     * @param distance for each state the fewest bytes to the end of its rule, or {@link #NEVER}
     * @param height   calls within each other on that shortest way
     */
    Grammar(int start, int[][] bytes, int[][] empty, int[][] calls, boolean[] ends, int[] distance, int[] height) {
        this.start = start;
        this.bytes = bytes;
        this.empty = empty;
        this.calls = calls;
        this.ends = ends;
        this.distance = distance;
        this.height = height;
    }

    int start() {
        return start;
    }

    int[] bytes(int state) {
        return bytes[state];
    }

    int[] empty(int state) {
        return empty[state];
    }

    int[] calls(int state) {
        return calls[state];
    }

    boolean ends(int state) {
        return ends[state];
    }

    int distance(int state) {
        return distance[state];
    }

    /** Whether the rule can be ended from this state with so many calls around it. */
    boolean canEnd(int state, int depth) {
        return distance[state] != NEVER && depth + height[state] <= MOST_DEPTH;
    }
}
