package org.finetune4j.generation.structure;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.stream.IntStream;
import org.finetune4j.generation.structure.Expression.Call;
import org.finetune4j.generation.structure.Expression.Chars;
import org.finetune4j.generation.structure.Expression.Choice;
import org.finetune4j.generation.structure.Expression.Repeat;
import org.finetune4j.generation.structure.Expression.Sequence;

/** Compiles rules to a {@link Grammar}, of which nothing is kept from which no end is reached. */
final class GrammarCompiler {
    private static final int MOST_STATES = 200_000;
    /** Character sets with more parts of several bytes become a rule of their own, which is shared. */
    private static final int INLINE_PARTS = 2;

    private final Map<String, Expression> rules;
    private final BitSet available;
    private final Map<String, int[]> bounds = new LinkedHashMap<>();
    private final Map<List<Utf8.Bytes>, int[]> shared = new HashMap<>();
    private final List<List<int[]>> bytes = new ArrayList<>();
    private final List<List<int[]>> empty = new ArrayList<>();
    private final List<List<int[]>> calls = new ArrayList<>();

    private GrammarCompiler(Map<String, Expression> rules, BitSet available) {
        this.rules = rules;
        this.available = available;
    }

    /**
     * Compiles rules.
     *
     * @param rules     by name
     * @param root      the outermost one
     * @param available bytes that texts may have
     * @param origin    what it is, for messages
     * @throws StructureException when it is too large, has no finite text, or a rule begins with itself
     */
    static Grammar compile(Map<String, Expression> rules, String root, BitSet available, String origin) {
        GrammarCompiler compiler = new GrammarCompiler(rules, available);
        try {
            rules.keySet().forEach(name -> compiler.bounds.put(name, new int[] {compiler.state(), compiler.state()}));
            rules.forEach((name, rule) -> compiler.add(rule, compiler.bounds.get(name)[0], compiler.bounds.get(name)[1]));
            return compiler.finish(compiler.bounds.get(root)[0], origin);
        } catch (TooLarge e) {
            throw new StructureException(origin + " needs more than " + MOST_STATES + " states. Make it simpler: fewer or "
                    + "smaller bounds of repetitions and lengths, fewer alternatives.");
        }
    }

    private static final class TooLarge extends RuntimeException {
        private static final long serialVersionUID = 1L;

        TooLarge() {
            super(null, null, false, false);
        }
    }

    private int state() {
        if (bytes.size() == MOST_STATES) {
            throw new TooLarge();
        }
        bytes.add(new ArrayList<>(1));
        empty.add(new ArrayList<>(1));
        calls.add(new ArrayList<>(1));
        return bytes.size() - 1;
    }

    private void add(Expression expression, int from, int to) {
        if (expression instanceof Chars chars) {
            addCharacters(Utf8.of(chars.set()), from, to);
        } else if (expression instanceof Sequence sequence) {
            int here = from;
            for (int i = 0; i < sequence.parts().size(); i++) {
                int next = i == sequence.parts().size() - 1 ? to : state();
                add(sequence.parts().get(i), here, next);
                here = next;
            }
            if (here == from) {
                empty.get(from).add(new int[] {to});
            }
        } else if (expression instanceof Choice choice) {
            choice.parts().forEach(part -> add(part, from, to));
        } else if (expression instanceof Repeat repeat) {
            addRepeat(repeat, from, to);
        } else if (expression instanceof Call call) {
            calls.get(from).add(new int[] {bounds.get(call.rule())[0], to});
        }
    }

    private void addRepeat(Repeat repeat, int from, int to) {
        int here = from;
        for (int i = 0; i < repeat.least(); i++) {
            int next = state();
            add(repeat.part(), here, next);
            here = next;
        }
        if (repeat.most() == Repeat.UNLIMITED) {
            // A state of its own, so that nothing comes back to where other ways begin.
            int loop = state();
            int end = state();
            empty.get(here).add(new int[] {loop});
            add(repeat.part(), loop, end);
            empty.get(end).add(new int[] {loop});
            empty.get(loop).add(new int[] {to});
            return;
        }
        for (int i = repeat.least(); i < repeat.most(); i++) {
            int next = state();
            empty.get(here).add(new int[] {to});
            add(repeat.part(), here, next);
            here = next;
        }
        empty.get(here).add(new int[] {to});
    }

    private void addCharacters(List<Utf8.Bytes> parts, int from, int to) {
        List<Utf8.Bytes> several = parts.stream().filter(part -> part.from().length > 1).toList();
        parts.stream().filter(part -> part.from().length == 1).forEach(part -> addBytes(part, from, to));
        if (several.size() <= INLINE_PARTS) {
            several.forEach(part -> addBytes(part, from, to));
            return;
        }
        int[] rule = shared.get(several);
        if (rule == null) {
            rule = new int[] {state(), state()};
            shared.put(several, rule);
            for (Utf8.Bytes part : several) {
                addBytes(part, rule[0], rule[1]);
            }
        }
        calls.get(from).add(new int[] {rule[0], to});
    }

    private void addBytes(Utf8.Bytes part, int from, int to) {
        int here = from;
        int last = part.from().length - 1;
        for (int i = 0; i <= last; i++) {
            int next = i == last ? to : state();
            for (int low = available.nextSetBit(part.from()[i]); low >= 0 && low <= part.to()[i];) {
                int high = Math.min(part.to()[i], available.nextClearBit(low) - 1);
                bytes.get(here).add(new int[] {low, high, next});
                low = available.nextSetBit(high + 1);
            }
            here = next;
        }
    }

    private Grammar finish(int start, String origin) {
        int count = bytes.size();
        boolean[] ends = new boolean[count];
        bounds.values().forEach(bound -> ends[bound[1]] = true);
        shared.values().forEach(bound -> ends[bound[1]] = true);
        int[] distance = new int[count];
        int[] height = new int[count];
        distances(ends, distance, height);
        if (distance[start] == Grammar.NEVER || height[start] > Grammar.MOST_DEPTH) {
            throw new StructureException(origin
                    + " has no text: what it demands is empty, endless, or needs characters that "
                    + "the tokenizer has no tokens for, but such as end a text. Correct it.");
        }
        refuseLeftRecursion(distance, origin);
        return new Grammar(start, kept(bytes, distance, 3), kept(empty, distance, 1), kept(calls, distance, 2), ends,
                distance, height);
    }

    /** Knuth's generalisation of Dijkstra's algorithm: states in the order of their distance from the end of their rule. */
    private void distances(boolean[] ends, int[] distance, int[] height) {
        int count = distance.length;
        List<List<int[]>> before = new ArrayList<>();
        IntStream.range(0, count).forEach(i -> before.add(new ArrayList<>(1)));
        for (int state = 0; state < count; state++) {
            for (int[] edge : bytes.get(state)) {
                before.get(edge[2]).add(new int[] {state, 1});
            }
            for (int[] edge : empty.get(state)) {
                before.get(edge[0]).add(new int[] {state, 0});
            }
            for (int[] call : calls.get(state)) {
                before.get(call[0]).add(new int[] {state, call[0], call[1]});
                before.get(call[1]).add(new int[] {state, call[0], call[1]});
            }
        }
        Arrays.fill(distance, Grammar.NEVER);
        PriorityQueue<int[]> queue = new PriorityQueue<>(Comparator.<int[]>comparingInt(entry -> entry[1])
                .thenComparingInt(entry -> entry[2]));
        IntStream.range(0, count).filter(state -> ends[state]).forEach(state -> queue.add(new int[] {state, 0, 0}));
        while (!queue.isEmpty()) {
            int[] nearest = queue.remove();
            int state = nearest[0];
            if (distance[state] != Grammar.NEVER) {
                continue;
            }
            distance[state] = nearest[1];
            height[state] = nearest[2];
            for (int[] edge : before.get(state)) {
                if (distance[edge[0]] != Grammar.NEVER) {
                    continue;
                }
                if (edge.length == 2) {
                    queue.add(new int[] {edge[0], distance[state] + edge[1], height[state]});
                } else if (distance[edge[1]] != Grammar.NEVER && distance[edge[2]] != Grammar.NEVER) {
                    queue.add(new int[] {edge[0], distance[edge[1]] + distance[edge[2]],
                        Math.max(1 + height[edge[1]], height[edge[2]])});
                }
            }
        }
    }

    /** A rule that calls itself before anything else would be called without end. */
    private void refuseLeftRecursion(int[] distance, String origin) {
        Map<Integer, Set<Integer>> first = new HashMap<>();
        bounds.values().forEach(bound -> first.put(bound[0], firstCalls(bound[0], distance)));
        bounds.forEach((name, bound) -> {
            Set<Integer> reached = new HashSet<>(first.get(bound[0]));
            List<Integer> open = new ArrayList<>(reached);
            while (!open.isEmpty()) {
                for (int next : first.getOrDefault(open.remove(open.size() - 1), Set.of())) {
                    if (reached.add(next)) {
                        open.add(next);
                    }
                }
            }
            if (reached.contains(bound[0])) {
                throw new StructureException(origin + " defines " + name + " by itself with nothing before it. "
                        + "Let something come between, such as an object or an array.");
            }
        });
    }

    private Set<Integer> firstCalls(int start, int[] distance) {
        Set<Integer> called = new HashSet<>();
        Set<Integer> visited = new HashSet<>(Set.of(start));
        List<Integer> open = new ArrayList<>(visited);
        while (!open.isEmpty()) {
            int state = open.remove(open.size() - 1);
            List<Integer> next = new ArrayList<>();
            empty.get(state).forEach(edge -> next.add(edge[0]));
            for (int[] call : calls.get(state)) {
                called.add(call[0]);
                if (distance[call[0]] == 0) {
                    next.add(call[1]);
                }
            }
            next.stream().filter(visited::add).forEach(open::add);
        }
        return called;
    }

    /** The edges of each state that lead to an end, one after the other. */
    private static int[][] kept(List<List<int[]>> edges, int[] distance, int width) {
        int[][] kept = new int[edges.size()][];
        for (int state = 0; state < kept.length; state++) {
            kept[state] = edges.get(state).stream().filter(edge -> distance[edge[width - 1]] != Grammar.NEVER
                    && (width != 2 || distance[edge[0]] != Grammar.NEVER)).flatMapToInt(Arrays::stream).toArray();
        }
        return kept;
    }
}
