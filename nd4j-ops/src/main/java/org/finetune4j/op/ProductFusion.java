package org.finetune4j.op;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.finetune4j.graph.Graph;
import org.finetune4j.graph.ScheduleRewrite;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Fuses matrix products of a schedule.
 *
 * <p>A product that is only added to another becomes a term of one sum, which is never written out in between: a LoRA
 * branch beside its layer, the gradients that several layers send to their common input. Sums that do not depend on each
 * other and stand close together become one operation: query, key and value; gate and up; a layer's gradients towards
 * input and weight. And a sum takes in the {@link Add} that follows it, such as that of the residual stream.
 */
public final class ProductFusion implements ScheduleRewrite {
    /** How far ahead an operation is looked for that can run together with an earlier one. */
    private static final int WINDOW = 32;

    private final boolean together;
    private final boolean intoAdds;

    /**
     * A rewrite of schedules.
     *
     * @param together whether products become sums, and sums stand side by side
     * @param intoAdds whether sums take in additions
     */
    public ProductFusion(boolean together, boolean intoAdds) {
        this.together = together;
        this.intoAdds = intoAdds;
    }

    private record Term(String a, boolean transposeA, String b, boolean transposeB, double factor,
                        @Nullable String scales) {
    }

    private record Sum(List<Term> terms, @Nullable String addend, String out, DataType type) {
        List<String> inputs() {
            Set<String> names = new LinkedHashSet<>();
            for (Term term : terms) {
                names.add(term.a());
                names.add(term.b());
                if (term.scales() != null) {
                    names.add(term.scales());
                }
            }
            if (addend != null) {
                names.add(addend);
            }
            return List.copyOf(names);
        }
    }

    /** An operation that stays as it is, or a sum; neither when it has become part of another. */
    private static final class Entry {
        private Graph.@Nullable Node node;
        private @Nullable Sum sum;

        boolean isGone() {
            return node == null && sum == null;
        }

        List<String> inputs() {
            return sum != null ? sum.inputs() : node == null ? List.of() : node.inputs();
        }

        List<String> outputs() {
            return sum != null ? List.of(sum.out()) : node == null ? List.of() : node.outputs();
        }
    }

    @Override
    public List<Graph.Node> apply(List<Graph.Node> schedule, Set<String> kept) {
        return together(sums(schedule, kept));
    }

    private List<Entry> sums(List<Graph.Node> schedule, Set<String> kept) {
        Map<String, Integer> readers = new HashMap<>();
        schedule.forEach(node -> node.inputs().forEach(name -> readers.merge(name, 1, Integer::sum)));
        List<Entry> entries = new ArrayList<>();
        Map<String, Entry> sumOf = new HashMap<>();
        for (Graph.Node node : schedule) {
            Entry entry = new Entry();
            entries.add(entry);
            if (node.operation() instanceof MatMul product) {
                Term term = new Term(node.inputs().get(0), product.transposesA(), node.inputs().get(1),
                        product.transposesB(), product.factor(), input(node, product.scalesInput()));
                String addend = input(node, product.addendInput());
                entry.sum = new Sum(List.of(term), addend, node.outputs().get(0), product.type());
                Entry earlier = addend == null || !together ? null : absorbable(addend, product.type(), readers, kept, sumOf);
                if (earlier != null && earlier.sum != null) {
                    List<Term> terms = new ArrayList<>(earlier.sum.terms());
                    terms.add(term);
                    entry.sum = new Sum(terms, earlier.sum.addend(), node.outputs().get(0), product.type());
                    earlier.sum = null;
                }
                sumOf.put(node.outputs().get(0), entry);
            } else if (node.operation() instanceof Add && intoAdds && absorb(node, entry, readers, kept, sumOf)) {
                sumOf.put(node.outputs().get(0), entry);
            } else {
                entry.node = node;
            }
        }
        return entries;
    }

    private static @Nullable String input(Graph.Node node, int index) {
        return index < 0 ? null : node.inputs().get(index);
    }

    /** The sum that makes a variable which nothing but one reader of this type needs, or null. */
    private static @Nullable Entry absorbable(String name, DataType type, Map<String, Integer> readers, Set<String> kept,
                                              Map<String, Entry> sumOf) {
        Entry maker = sumOf.get(name);
        boolean free = maker != null && maker.sum != null && maker.sum.type() == type
                && readers.getOrDefault(name, 0) == 1 && !kept.contains(name);
        return free ? maker : null;
    }

    private static boolean absorb(Graph.Node add, Entry entry, Map<String, Integer> readers, Set<String> kept,
                                  Map<String, Entry> sumOf) {
        DataType type = ((Add) add.operation()).arg(0).dataType();
        for (int i = 0; i < 2; i++) {
            Entry maker = absorbable(add.inputs().get(i), type, readers, kept, sumOf);
            if (maker != null && maker.sum != null && maker.sum.addend() == null) {
                entry.sum = new Sum(maker.sum.terms(), add.inputs().get(1 - i), add.outputs().get(0), type);
                maker.sum = null;
                return true;
            }
        }
        return false;
    }

    private List<Graph.Node> together(List<Entry> entries) {
        Set<String> pending = new HashSet<>();
        entries.forEach(entry -> pending.addAll(entry.outputs()));
        List<Graph.Node> schedule = new ArrayList<>();
        for (int i = 0; i < entries.size(); i++) {
            Entry entry = entries.get(i);
            if (entry.isGone()) {
                continue;
            }
            pending.removeAll(entry.outputs());
            if (entry.node != null) {
                schedule.add(entry.node);
                continue;
            }
            List<Sum> group = new ArrayList<>(List.of(entry.sum));
            for (int j = i + 1; together && j < Math.min(entries.size(), i + WINDOW); j++) {
                Entry later = entries.get(j);
                if (later.sum != null && later.inputs().stream().noneMatch(name -> pending.contains(name)
                        || group.stream().anyMatch(sum -> sum.out().equals(name)))) {
                    group.add(later.sum);
                    pending.remove(later.sum.out());
                    later.sum = null;
                }
            }
            schedule.add(node(group));
        }
        return schedule;
    }

    private static Graph.Node node(List<Sum> group) {
        List<String> inputs = new ArrayList<>();
        List<Products.Sum> sums = new ArrayList<>();
        for (Sum sum : group) {
            List<Products.Term> terms = new ArrayList<>();
            for (Term term : sum.terms()) {
                terms.add(new Products.Term(place(inputs, term.a()), term.transposeA(), place(inputs, term.b()),
                        term.transposeB(), term.factor(),
                        term.scales() == null ? -1 : place(inputs, term.scales())));
            }
            sums.add(new Products.Sum(terms, sum.addend() == null ? -1 : place(inputs, sum.addend())));
        }
        return new Graph.Node(new Products(sums), inputs, group.stream().map(Sum::out).toList());
    }

    private static int place(List<String> inputs, String name) {
        int known = inputs.indexOf(name);
        if (known >= 0) {
            return known;
        }
        inputs.add(name);
        return inputs.size() - 1;
    }
}
