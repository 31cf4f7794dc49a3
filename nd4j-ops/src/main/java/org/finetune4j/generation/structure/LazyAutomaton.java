package org.finetune4j.generation.structure;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.finetune4j.generation.structure.StructureState.Frame;

/** Makes a grammar deterministic, state by state as texts come to them. Not safe for several threads. */
final class LazyAutomaton {
    private static final int MOST_STATES_KEPT = 20_000;
    private static final int MOST_WAYS = 20_000;
    private static final StructureState DEAD = new StructureState(new int[0], new Frame[0], false, Grammar.NEVER);

    private final Grammar grammar;
    private final Map<List<Long>, StructureState> known = new HashMap<>();
    private Frame outermost = new Frame(0, -1, null, 0);
    private int frames = 1;

    LazyAutomaton(Grammar grammar) {
        this.grammar = grammar;
    }

    StructureState start() {
        Closure closure = new Closure();
        closure.visit(grammar.start(), outermost);
        return closure.state();
    }

    /** The state after one more byte, which is dead where the byte cannot come. */
    StructureState next(StructureState state, int value) {
        StructureState found = state.next[value];
        if (found == null) {
            Closure closure = new Closure();
            for (int i = 0; i < state.states.length; i++) {
                int[] edges = grammar.bytes(state.states[i]);
                for (int e = 0; e < edges.length; e += 3) {
                    if (edges[e] <= value && value <= edges[e + 1]) {
                        closure.visit(edges[e + 2], state.frames[i]);
                    }
                }
            }
            found = closure.state();
            state.next[value] = found;
        }
        return found;
    }

    /** All that is reached without a byte. */
    private final class Closure {
        private final Set<Long> visited = new HashSet<>();
        private final TreeMap<Long, Frame> ways = new TreeMap<>();
        private boolean accepting;

        void visit(int first, Frame around) {
            List<Object[]> open = new ArrayList<>();
            push(open, first, around);
            while (!open.isEmpty()) {
                Object[] way = open.remove(open.size() - 1);
                int state = (Integer) way[0];
                Frame frame = (Frame) way[1];
                if (grammar.bytes(state).length > 0) {
                    ways.put(key(state, frame), frame);
                    if (ways.size() > MOST_WAYS) {
                        throw new StructureException("what is generated fits the form in more than " + MOST_WAYS
                                + " ways. Make the form less ambiguous.");
                    }
                }
                for (int next : grammar.empty(state)) {
                    push(open, next, frame);
                }
                int[] calls = grammar.calls(state);
                for (int c = 0; c < calls.length; c += 2) {
                    if (grammar.canEnd(calls[c + 1], frame.depth)) {
                        push(open, calls[c], called(frame, calls[c + 1]));
                    }
                }
                if (grammar.ends(state)) {
                    Frame parent = frame.parent;
                    if (parent == null) {
                        accepting = true;
                    } else {
                        push(open, frame.returnTo, parent);
                    }
                }
            }
        }

        private void push(List<Object[]> open, int state, Frame frame) {
            if (grammar.canEnd(state, frame.depth) && visited.add(key(state, frame))) {
                open.add(new Object[] {state, frame});
            }
        }

        private long key(int state, Frame frame) {
            return (long) state << 32 | frame.id;
        }

        StructureState state() {
            if (ways.isEmpty() && !accepting) {
                return DEAD;
            }
            List<Long> key = new ArrayList<>(ways.keySet());
            key.add(accepting ? -1L : -2L);
            StructureState state = known.get(key);
            if (state == null) {
                int[] states = ways.keySet().stream().mapToInt(way -> (int) (way >> 32)).toArray();
                Frame[] around = ways.values().toArray(Frame[]::new);
                int distance = accepting ? 0 : Grammar.NEVER;
                for (int i = 0; i < states.length; i++) {
                    distance = Math.min(distance, grammar.distance(states[i]) + around[i].distance);
                }
                state = new StructureState(states, around, accepting, distance);
                if (known.size() >= MOST_STATES_KEPT) {
                    forget();
                }
                known.put(key, state);
            }
            return state;
        }
    }

    /** Texts that are on their way keep their states; others find them anew. */
    private void forget() {
        known.clear();
        outermost = new Frame(frames++, -1, null, 0);
    }

    /** The calls around a rule that is called; what has nothing left to do after it needs no place among them. */
    private Frame called(Frame frame, int returnTo) {
        boolean nothingLeft = grammar.ends(returnTo) && grammar.bytes(returnTo).length == 0
                && grammar.empty(returnTo).length == 0 && grammar.calls(returnTo).length == 0;
        if (nothingLeft) {
            return frame;
        }
        Frame known = frame.children().get(returnTo);
        if (known == null) {
            known = new Frame(frames++, returnTo, frame, grammar.distance(returnTo) + frame.distance);
            frame.children().put(returnTo, known);
        }
        return known;
    }
}
